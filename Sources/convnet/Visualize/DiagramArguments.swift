import ArgumentParser
import ConvNet

/// `5` or `5x7` on the command line: one number for both axes, or rows and columns.
struct Extents: ExpressibleByArgument {
  var rows: Int
  var columns: Int

  init(_ both: Int) { (rows, columns) = (both, both) }

  init?(argument: String) {
    let parts = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 1 || parts.count == 2, let rows = parts[0], let columns = parts.last ?? nil
    else { return nil }
    (self.rows, self.columns) = (rows, columns)
  }

  var defaultValueDescription: String { rows == columns ? "\(rows)" : "\(rows)x\(columns)" }
}

/// `same`, `valid`, a number or `before+after` on the command line.
struct PaddingArgument: ExpressibleByArgument {
  var padding: Padding

  init?(argument: String) {
    switch argument {
    case "same": padding = .same
    case "valid": padding = .valid
    default:
      let parts = argument.split(separator: "+", omittingEmptySubsequences: false)
        .map { Int($0) }
      if parts.count == 2, let before = parts[0], let after = parts[1] {
        let sides = Padding.Sides(before: before, after: after)
        padding = .explicit([sides, sides])
      } else if let amount = Int(argument) {
        padding = .symmetric(amount)
      } else {
        return nil
      }
    }
  }
}

/// What commands that convolve a signal or a picture say of it and of the kernel.
enum ConvolvedHelp {
  static let signal = ArgumentHelp("The signal: numbers with commas.", valueName: "x")
  static let picture = ArgumentHelp("A picture in place of a signal.", valueName: "file")

  /// - Parameter usual: which it is where none is given, as a sentence.
  static func kernel(usual: String? = nil) -> ArgumentHelp {
    let forms = "The kernel: numbers with commas; of a picture also rows of them, or a name."
    return ArgumentHelp("\(forms)\(usual.map { " \($0)" } ?? "")", valueName: "w")
  }

  /// Of the kernel, where there is more room.
  static let kernelForms = """
    The kernel of a signal is numbers with commas between them. That of a picture
    has semicolons between rows, or is one by name:
    \(PictureKernel.names.joined(separator: ", ")).
    """
}

/// `1,2,-3` on the command line.
struct NumberList: ExpressibleByArgument {
  var values: [Double]

  init(_ values: [Double]) { self.values = values }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
      .map { Double(String($0.drop { $0 == " " })) }
    guard !parts.contains(where: { $0 == nil }) else { return nil }
    values = parts.compactMap { $0 }
  }

  /// The numbers of `--kernel` for a signal.
  static func kernel(_ argument: String) throws -> NumberList {
    guard let numbers = NumberList(argument: argument) else {
      throw ValidationError(
        "--kernel is \(argument); of a signal it must be numbers with commas, such as 1,0,-1: "
          + "rows, and names such as gaussian, are of a --picture")
    }
    return numbers
  }

  var defaultValueDescription: String {
    values.map { HumanReadable.quantity($0) }.joined(separator: ",")
  }
}
