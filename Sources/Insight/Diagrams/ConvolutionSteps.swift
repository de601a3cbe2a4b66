public import ConvNetReports

/// One-dimensional convolution beside cross-correlation, step by step: the kernel under the signal at each position, the products
/// and their sum.
public struct ConvolutionSteps: Figure {
  /// What is put around the signal before the kernel moves over it.
  public enum Border: String, Hashable, Sendable, Codable, CaseIterable {
    /// Nothing: the kernel stays inside.
    case valid
    /// Zeros so that the result is as long as the signal.
    case same
    /// Zeros so that each position under any part of the kernel counts.
    case full
  }

  /// x, the signal.
  public let signal: [Double]
  /// w, the kernel.
  public let kernel: [Double]
  /// What is put around the signal.
  public let border: Border

  /// The numbers of a signal or kernel that can be drawn.
  public static let limit = 24

  /// The steps of a signal and a kernel.
  ///
  /// - Throws: ``InsightError`` where the kernel is empty or longer than the signal, or either is longer than can be shown.
  public init(signal: [Double], kernel: [Double], border: Border = .valid) throws(InsightError) {
    guard !kernel.isEmpty, kernel.count <= signal.count else {
      throw .setting(
        name: "the kernel", value: "\(kernel.count) numbers",
        requirement: "from 1 to the \(signal.count) of the signal")
    }
    guard signal.count <= Self.limit else {
      throw .tooMuch(
        what: "numbers of a signal", count: signal.count, limit: Self.limit,
        advice: "take a part of it")
    }
    guard (signal + kernel).allSatisfy({ abs($0) < 1e9 }) else {
      throw .setting(
        name: "a number", value: "\((signal + kernel).first { !(abs($0) < 1e9) } ?? .nan)",
        requirement: "finite, and below a billion")
    }
    (self.signal, self.kernel, self.border) = (signal, kernel, border)
  }

  public var title: String { "Convolution turns the kernel, cross-correlation does not" }

  private var added: (before: Int, after: Int) {
    switch border {
    case .valid: (0, 0)
    case .same: (kernel.count / 2, kernel.count - 1 - kernel.count / 2)
    case .full: (kernel.count - 1, kernel.count - 1)
    }
  }

  private var padded: [Double] {
    [Double](repeating: 0, count: added.before) + signal
      + [Double](repeating: 0, count: added.after)
  }

  /// (w * x)_t = sum over i of x_{t - i} w_i, at each position that the border allows.
  public var convolution: [Double] { slide(kernel.reversed()) }

  /// (w ⋆ x)_t = sum over i of x_{t + i} w_i, at each position that the border allows.
  public var crossCorrelation: [Double] { slide(kernel) }

  private func slide(_ kernel: [Double]) -> [Double] {
    let padded = padded
    return (0...padded.count - kernel.count).map { start in
      kernel.indices.reduce(0) { $0 + kernel[$1] * padded[start + $1] }
    }
  }

  // MARK: Drawing

  private static let row = 50.0
  private static let top = 68.0
  private var cell: Double {
    let texts = (signal + kernel + convolution + crossCorrelation).map(HumanReadable.plain)
    return max(26, (texts.map { textWidth($0, size: 12) }.max() ?? 0) + 8)
  }
  private var sumWidth: Double {
    let kernels = [kernel, kernel.reversed()]
    return kernels.flatMap { kernel in
      convolution.indices.map { textWidth(sum(kernel, at: $0), size: 12) }
    }.max() ?? 0
  }
  private static let headings = [
    "convolution: sum over i of x at t − i times w at i",
    "cross-correlation: sum over i of x at t + i times w at i",
  ]
  private var block: Double {
    max(
      cell * Double(padded.count) + 14 + sumWidth,
      Self.headings.map { textWidth($0) }.max() ?? 0) + 24
  }

  public var size: (width: Double, height: Double) {
    (
      max(2 * block, textWidth(title, size: 13)),
      Self.top + Self.row * Double(convolution.count) + 66
    )
  }

  private func sum(_ kernel: [Double], at start: Int) -> String {
    let padded = padded
    let terms = kernel.indices.map { index in
      let (a, b) = (padded[start + index], kernel[index])
      func text(_ value: Double) -> String {
        let text = HumanReadable.plain(value)
        return value < 0 ? "(\(text))" : text
      }
      return "\(text(a))·\(text(b))"
    }
    let value = kernel.indices.reduce(0) { $0 + kernel[$1] * padded[start + $1] }
    return terms.joined(separator: " + ") + " = \(HumanReadable.plain(value))"
  }

  public var drawing: String {
    var parts = [label(title, x: 0, y: 14, "head")]
    let kinds = [(kernel.reversed() as [Double], convolution), (kernel, crossCorrelation)]
    for (index, (kernel, result)) in kinds.enumerated() {
      let x = block * Double(index)
      parts.append(label(Self.headings[index], x: x, y: 38, "soft"))
      for step in result.indices {
        let y = Self.top + Self.row * Double(step)
        let padded = padded
        let isSignal = { (place: Int) in
          added.before..<added.before + signal.count ~= place
        }
        for place in padded.indices {
          parts.append(
            box(
              padded[place], x: x + cell * Double(place), y: y - 14,
              isSignal(place) ? "f0" : "dash", opacity: "0.25"))
        }
        for place in kernel.indices {
          parts.append(
            box(
              kernel[place], x: x + cell * Double(step + place), y: y + 6, "f1", opacity: "0.35"))
        }
        parts.append(
          label(sum(kernel, at: step), x: x + cell * Double(padded.count) + 12, y: y + 11, ""))
      }
      let y = Self.top + Self.row * Double(result.count) + 10
      parts.append(label("result", x: x, y: y, "soft"))
      for place in result.indices {
        parts.append(
          box(result[place], x: x + cell * Double(place), y: y + 8, "f2", opacity: "0.35"))
      }
    }
    return parts.joined(separator: "\n")
  }

  private func box(_ value: Double, x: Double, y: Double, _ style: String, opacity: String)
    -> String
  {
    let frame =
      style == "dash"
      ? rect(x: x, y: y, width: cell - 2, height: 20, ["fill": "none", "class": "base dash"])
      : rect(
        x: x, y: y, width: cell - 2, height: 20, ["class": style, "fill-opacity": opacity])
    return frame
      + label(HumanReadable.plain(value), x: x + cell / 2 - 1, y: y + 14, "mid")
  }
}
