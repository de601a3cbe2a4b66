import ArgumentParser
import ConvNet

/// How samples are read.
struct LoadingArguments: ParsableArguments {
  @Option(
    help: "Threads that read and decode. Default: the processors; one where all is in memory.")
  var workers: Int?

  @Option(help: "Batches that are made ready ahead.")
  var prefetch = 3

  @Option(
    help: ArgumentHelp(
      "Memory for decoded pictures, which are then decoded once: 500M, 4G.", valueName: "bytes"))
  var cacheMemory = ByteCount(0)

  @Option(
    help: """
      Where a picture cannot be read: error ends the run, skip reports it and goes on. Default: \
      error.
      """)
  var onBad: BadPicture?

  enum BadPicture: String, ExpressibleByArgument, CaseIterable { case error, skip }

  func validate() throws {
    do {
      try options.validate()
    } catch {
      throw ValidationError("--\(error)")
    }
  }

  var options: LoadingOptions {
    LoadingOptions(
      workers: workers, prefetch: prefetch, cacheByteCount: cacheMemory.value,
      badSamples: onBad == .skip ? .replace : .stop)
  }
}

/// `512M` on the command line: bytes, with K, M, G or T for powers of 1024.
struct ByteCount: ExpressibleByArgument {
  var value: Int

  init(_ value: Int) {
    self.value = value
  }

  init?(argument: String) {
    let units = ["K": 10, "M": 20, "G": 30, "T": 40]
    let shift = argument.last.flatMap { units[String($0).uppercased()] }
    let digits = shift == nil ? argument : String(argument.dropLast())
    guard let number = Double(digits), number >= 0, number.isFinite,
      case let bytes = number * Double(1 << (shift ?? 0)), bytes < 0x1p62
    else { return nil }
    value = Int(bytes)
  }

  var defaultValueDescription: String { "\(value)" }
}
