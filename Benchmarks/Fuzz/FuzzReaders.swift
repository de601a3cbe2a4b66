import ArgumentParser
import ConvNetFuzzing
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// Reads damaged files of all formats, as many as are asked for, each format in a process of its own.
@main
struct FuzzReaders: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Reads damaged files: none may trap, hang, or take memory without bound.")

  @Option(help: "Formats, separated by commas.") var format = "all"
  @Option(help: "Inputs of each format.") var count = 5000
  @Option(help: "The number of the first input.") var first = 0
  @Option(help: "Seconds that a format may take; what is left of its inputs is then not read.")
  var seconds = Double.infinity
  @Option(help: "Inputs are made from this number.") var seed: UInt64 = 1
  @Option(help: "Where inputs are written that fail.") var output = "."
  @Flag(help: .hidden) var isWorker = false

  /// An input that takes longer is a fault.
  private static let secondsOfAnInput = 5
  /// Megabytes that the process may grow by.
  private static let growthLimit = 1024

  private func formats() throws -> [FuzzedFormat] {
    guard format != "all" else { return FuzzedFormat.allCases }
    return try format.split(separator: ",").map { name in
      guard let format = FuzzedFormat(rawValue: String(name)) else {
        let names = FuzzedFormat.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("no format is called \(name); there are \(names)")
      }
      return format
    }
  }

  func run() throws {
    let formats = try formats()
    if isWorker { return try work(formats[0]) }
    var failures = 0
    for format in formats where try !supervise(format) { failures += 1 }
    guard failures == 0 else { throw ExitCode.failure }
  }

  private static func directory() throws -> String {
    let place =
      FileManager.default.fileExists(atPath: "/dev/shm")
      ? "/dev/shm" : FileManager.default.temporaryDirectory.path
    let directory = "\(place)/convnet-fuzz-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    return directory
  }

  /// Runs a worker, and writes the input at which it ended, if it did not end well.
  private func supervise(_ format: FuzzedFormat) throws -> Bool {
    let directory = try Self.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let worker = Process()
    worker.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
    worker.arguments = [
      "--is-worker", "--format", format.rawValue, "--count", "\(count)", "--first", "\(first)",
      "--seconds", "\(seconds)", "--seed", "\(seed)", "--output", directory,
    ]
    try worker.run()
    worker.waitUntilExit()
    if worker.terminationReason == .exit, worker.terminationStatus == 0 { return true }
    let place = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/place"))
    let index = place.withUnsafeBytes { Int($0.loadUnaligned(as: Int64.self)) }
    let input = try Fuzzer(format, seed: seed, directory: directory).input(index)
    let path = "\(output)/fuzz-\(format.rawValue)-\(seed)-\(index)"
    try Data(input).write(to: URL(fileURLWithPath: path))
    print(
      "\(format.rawValue): input \(index) of seed \(seed) FAILED "
        + "(status \(worker.terminationStatus)); it is in \(path); again: "
        + "--format \(format.rawValue) --seed \(seed) --first \(index) --count 1")
    fflush(nil)
    return false
  }

  /// The number of the input in work, where the supervisor finds it after a crash.
  private static func place(in directory: String) throws -> UnsafeMutablePointer<Int64> {
    let file = open("\(directory)/place", O_RDWR | O_CREAT, 0o600)
    guard file >= 0, ftruncate(file, 8) == 0,
      let memory = mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
    else { throw ValidationError("cannot write to \(directory)") }
    return memory.assumingMemoryBound(to: Int64.self)
  }

  private static func largestMegabytes() -> Int {
    var usage = rusage()
    #if os(Linux)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return usage.ru_maxrss / 1024
    #else
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss >> 20
    #endif
  }

  /// Ends the process after so many seconds of its work; those that others take from it do not count.
  private static func watch(seconds: Int) {
    var timer = itimerval(
      it_interval: timeval(tv_sec: 0, tv_usec: 0), it_value: timeval(tv_sec: seconds, tv_usec: 0))
    #if os(Linux)
      setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &timer, nil)
    #else
      setitimer(ITIMER_PROF, &timer, nil)
    #endif
  }

  private func work(_ format: FuzzedFormat) throws {
    let place = try Self.place(in: output)
    var fuzzer = try Fuzzer(format, seed: seed, directory: output)
    let start = ContinuousClock.now
    let megabytes = Self.largestMegabytes()
    var slowest = (time: Duration.zero, input: first)
    var accepted = 0
    var done = 0
    for index in first..<first + count {
      guard start.duration(to: .now) < .seconds(min(seconds, 1e9)) else { break }
      place.pointee = Int64(index)
      let input = fuzzer.input(index)
      Self.watch(seconds: Self.secondsOfAnInput)
      let begin = ContinuousClock.now
      do {
        if try fuzzer.read(input, index) { accepted += 1 }
      } catch {
        print("\(format.rawValue): input \(index): \(error)")
        throw ExitCode.failure
      }
      let time = begin.duration(to: .now)
      if time > slowest.time { slowest = (time, index) }
      guard Self.largestMegabytes() - megabytes < Self.growthLimit else {
        print("\(format.rawValue): input \(index) takes more than \(Self.growthLimit) MB")
        throw ExitCode.failure
      }
      done += 1
    }
    Self.watch(seconds: 0)
    let time = start.duration(to: .now) / .seconds(1)
    print(
      "\(format.rawValue): \(done) inputs of seed \(seed) from \(first), \(accepted) accepted, "
        + "\(Int(Double(done) / time)) a second, slowest \(slowest.time) (\(slowest.input)), "
        + "\(Self.largestMegabytes()) MB")
  }
}
