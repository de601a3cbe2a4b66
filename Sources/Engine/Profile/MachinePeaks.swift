import CKernels
public import ConvNetFiles
import Foundation

/// What the processors and the memory of this machine can do at most, as measured: what a step is compared with.
///
/// The comparison is the roofline of Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model for
/// Multicore Architectures", 2009: a step takes at least as long as its arithmetic at one peak, and as its bytes at the other.
public struct MachinePeaks: Hashable, Sendable, Codable {
  /// Threads that were measured together.
  public var threads: Int
  /// Multiplications and additions in single precision, all threads together, each counted: a multiplication with its addition
  /// is two.
  public var flopsPerSecond: Double
  /// Bytes that come from memory, all threads together, of a buffer far larger than the caches.
  public var readBytesPerSecond: Double
  /// Bytes read and bytes written, counted together, of a copy from one such buffer to another.
  public var copyBytesPerSecond: Double

  /// Peaks that were measured elsewhere, as of another machine.
  public init(
    threads: Int, flopsPerSecond: Double, readBytesPerSecond: Double, copyBytesPerSecond: Double
  ) {
    self.threads = threads
    self.flopsPerSecond = flopsPerSecond
    self.readBytesPerSecond = readBytesPerSecond
    self.copyBytesPerSecond = copyBytesPerSecond
  }

  /// The more of what reading and copying reach.
  public var bytesPerSecond: Double { max(readBytesPerSecond, copyBytesPerSecond) }

  /// max(2 multiplyAdds / flopsPerSecond, byteCount / bytesPerSecond): no less is possible where the bytes are in memory, and
  /// every multiplication is done.
  public func leastSeconds(multiplyAdds: Int, byteCount: Int) -> Double {
    max(2 * Double(multiplyAdds) / flopsPerSecond, Double(byteCount) / bytesPerSecond)
  }
}

extension MachinePeaks {
  /// Measures for about half a second, on 256 MiB to 1 GiB of memory.
  ///
  /// Each thread does slices of some hundredths of a millisecond, and a tenth of them may be faster than its rate: what else
  /// the machine does shows little.
  ///
  /// - Throws: ``EngineError`` where the memory cannot be had.
  public static func measured(threads: Int = Threads.preferred) throws -> MachinePeaks {
    let threads = max(1, threads)
    let arithmetic = Executable.beginComputing(threads: threads)
    defer { Executable.endComputing(arithmetic) }
    let tasks = Int32(clamping: threads)
    let byteCount = bufferByteCount(threads: threads)
    let multiplyAdds = ck_peak_multiply_adds(tasks, 0.08)
    var (read, copied) = (0.0, 0.0)
    guard ck_peak_memory_rates(byteCount, tasks, 0.06, &read, &copied) else {
      throw EngineError(
        subject: "the machine's peaks", problem: .outOfMemory(byteCount: byteCount))
    }
    return MachinePeaks(
      threads: threads, flopsPerSecond: 2 * multiplyAdds, readBytesPerSecond: read,
      copyBytesPerSecond: copied)
  }

  /// Four times the last cache, as far as the system tells it; many threads may have several such caches.
  private static func bufferByteCount(threads: Int) -> Int {
    let last = Processor.current.cacheByteCounts.last ?? 0
    return min(max(4 * last, threads << 24, 256 << 20), 1 << 30)
  }
}
