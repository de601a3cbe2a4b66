import CMPI
public import ConvNetFiles
public import ConvNetEvaluation
import Foundation

/// The processes that `mpirun` started, on one machine or several, as a training or an evaluation sees them.
///
/// ```swift
/// let processes = try MPIProcesses.joined()
/// trainer.processes = processes
/// trainer.batchSize = 32 * (processes?.count ?? 1)
/// try trainer.fit(&model, on: train, validating: test, epochs: 5, loggers: processes?.rank ?? 0 == 0 ? [log] : [])
/// processes?.finish()
/// ```
///
/// One at a time of a process's threads may call. Needs a build with the trait `MPI`.
public final class MPIProcesses: ProcessGroup {
  public let rank: Int
  public let count: Int
  /// The name of this process's machine.
  public let machine: String
  /// The library with its version.
  public let library: String

  private init() {
    rank = Int(cmpi_rank())
    count = Int(cmpi_count())
    machine = Self.text(cmpi_machine)
    library = Self.text(cmpi_library)
  }

  /// Joins the others; `nil` where this process was not started with any.
  ///
  /// - Throws: ``DistributionError`` where it was, and cannot join them.
  public static func joined() throws(DistributionError) -> MPIProcesses? {
    guard startedCount > 1 else { return nil }
    guard cmpi_is_built() else { throw .notBuilt(processes: startedCount) }
    guard cmpi_start() else { throw .notStarted }
    let processes = MPIProcesses()
    guard processes.count == startedCount else {
      throw .otherLibrary(
        processes: startedCount, joined: processes.count, library: processes.library)
    }
    return processes
  }

  /// Processes that were started together, as the starting program says: Open MPI's, MPICH's and Slurm's own variables.
  private static var startedCount: Int {
    let environment = ProcessInfo.processInfo.environment
    return ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE"].lazy
      .compactMap { environment[$0].flatMap { Int($0) } }.first ?? 1
  }

  public func sum(_ values: UnsafeMutableBufferPointer<Float>) throws {
    guard cmpi_sum_floats(values.baseAddress, values.count) else {
      throw DistributionError.failed(rank: rank)
    }
  }

  public func sum(_ values: UnsafeMutableBufferPointer<Double>) throws {
    guard cmpi_sum_doubles(values.baseAddress, values.count) else {
      throw DistributionError.failed(rank: rank)
    }
  }

  public var sumsBesideWork: Bool { true }

  public func startSum(_ values: UnsafeMutableBufferPointer<Float>) throws -> any SumInProgress {
    guard let sum = cmpi_start_sum(values.baseAddress, values.count) else {
      throw DistributionError.failed(rank: rank)
    }
    return MPISum(sum, rank: rank)
  }

  public func gather(_ bytes: [UInt8]) throws -> [[UInt8]] {
    var counts = [UInt64](repeating: 0, count: count)
    let haveCounts = counts.withUnsafeMutableBufferPointer {
      cmpi_gather_counts(UInt64(bytes.count), $0.baseAddress)
    }
    guard haveCounts else { throw DistributionError.failed(rank: rank) }
    let total = counts.reduce(0) { $0 + Int($1) }
    try Memory.require(total, for: "what \(plural(count, "process", "processes")) tell each other")
    var all = [UInt8](repeating: 0, count: total)
    guard cmpi_gather(bytes, counts, &all) else { throw DistributionError.failed(rank: rank) }
    var first = 0
    return counts.map { count in
      defer { first += Int(count) }
      return Array(all[first..<first + Int(count)])
    }
  }

  /// Waits until all are here.
  public func wait() throws { _ = try gather([]) }

  /// Waits for the others, and leaves them. The last call.
  public func finish() { cmpi_finish() }

  /// Ends all processes at once, this one too.
  public func abort(status: Int32) { cmpi_abort(status) }

  private static func text(_ fill: (UnsafeMutablePointer<CChar>?, Int) -> Void) -> String {
    var bytes = [CChar](repeating: 0, count: 256)
    fill(&bytes, bytes.count)
    return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// A sum in the library's hands. One that is never waited for is left there.
private final class MPISum: SumInProgress {
  private let sum: OpaquePointer
  private let rank: Int
  private var isDone = false

  init(_ sum: OpaquePointer, rank: Int) { (self.sum, self.rank) = (sum, rank) }

  deinit {
    if isDone { cmpi_free_sum(sum) }
  }

  func advance() throws -> Bool {
    guard isDone || cmpi_advance_sum(sum, &isDone) else {
      throw DistributionError.failed(rank: rank)
    }
    return isDone
  }

  func wait() throws {
    guard isDone || cmpi_wait_sum(sum) else { throw DistributionError.failed(rank: rank) }
    isDone = true
  }
}

/// Why processes cannot work together.
public enum DistributionError: ReadableError, Hashable {
  /// So many processes were started, and this program was built for one.
  case notBuilt(processes: Int)
  /// The library of MPI does not start.
  case notStarted
  /// Another library started the processes than the one that they are linked to.
  case otherLibrary(processes: Int, joined: Int, library: String)
  /// A sum or an exchange failed.
  case failed(rank: Int)

  public var description: String {
    switch self {
    case .notBuilt(let processes):
      "\(processes) processes were started together, and this command is built for one; build it with MPI: `make mpi`"
    case .notStarted:
      "MPI does not start for calls from several threads; its own messages above say why"
    case .otherLibrary(let processes, let joined, let library):
      "\(processes) processes were started, and this one sees \(joined): it is linked to \(library); start it with that library's mpirun"
    case .failed(let rank):
      "process \(rank) could not exchange numbers with the others; MPI's own messages above say why"
    }
  }
}
