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

/// Finds pictures that cannot be read before there is work to lose by them.
///
/// - Parameter skips: whether the others are enough.
/// - Throws: ``UnreadableSamples``.
func requireReadable(
  _ datasets: [any Dataset], skips: Bool, _ shared: SharedOptions
) throws {
  let found = datasets.flatMap { $0.unreadableSamples(threads: shared.threadCount) }
  guard !found.isEmpty else { return }
  let error = UnreadableSamples(
    data: datasets[0].name, total: datasets.reduce(0) { $0 + $1.count },
    reasons: found.map(\.reason))
  guard skips else { throw error }
  shared.note("\(error.finding); they are left out")
}

/// Pictures of a data set that cannot be read.
struct UnreadableSamples: ReadableError {
  var data: String
  var total: Int
  var reasons: [String]

  var finding: String {
    let shown = reasons.prefix(3).joined(separator: "; ")
    return "\(reasons.count) of \(plural(total, "picture")) of \(data) cannot be read: \(shown)"
      + (reasons.count > 3 ? "; and \(reasons.count - 3) more" : "")
  }

  var description: String {
    let them = reasons.count == 1 ? "it" : "them"
    return
      "\(finding); remove or replace \(them) (`convnet dataset verify` finds all that is damaged), or go on without \(them) with --on-bad skip"
  }
}
