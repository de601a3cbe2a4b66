import Foundation

/// Memory that the system does not give, of a size that a file, a picture or an option decides.
public struct AllocationError: Error, Hashable, Sendable {
  /// Bytes that were wanted.
  public var byteCount: Int
  /// What for.
  public var purpose: String

  package init(byteCount: Int, purpose: String) {
    self.byteCount = byteCount
    self.purpose = purpose
  }
}

extension AllocationError: ReadableError {
  public var description: String {
    "\(byteCount) bytes of memory for \(purpose) cannot be had; let the process have more, or use a smaller batch, input or "
      + "model"
  }
}

/// Whether there is memory: asked before collections of Swift grow, which end the process where there is none.
package enum Memory {
  /// Below this size it is not asked: such values are taken from the reserve.
  private static let leastByteCount = 1 << 16

  /// What is left beside all that is asked for: small values, stacks, and what libraries take for themselves. The kernel library
  /// and Swift's runtime end the process where they find nothing.
  package static let reserveByteCount = 24 << 20

  /// The machine's, or the limit of the control group, which would end the process.
  private static let limit: Int = {
    let machine = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    #if os(Linux)
      for path in [
        "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
      ] {
        let text = try? String(contentsOfFile: path, encoding: .utf8)
        if let group = text.flatMap({ Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }) {
          return min(machine, group)
        }
      }
    #endif
    return machine
  }()

  /// Whether so many bytes can be had in one piece now, and the reserve beside them.
  package static func has(_ byteCount: Int) -> Bool {
    guard byteCount >= leastByteCount else { return true }
    guard byteCount <= limit else { return false }
    return canMap(byteCount + reserveByteCount)
  }

  /// Whether so many bytes can be had now, and are no more than a quarter of what the process may have: what may be taken
  /// unasked.
  package static func isModest(_ byteCount: Int) -> Bool {
    byteCount <= limit / 4 && has(byteCount)
  }

  /// Whether the reserve is there: asked before work whose needs only a library knows.
  package static var hasReserve: Bool { canMap(reserveByteCount) }

  private static func canMap(_ byteCount: Int) -> Bool {
    // A mapping of its own: compilers leave out an allocation that is freed at once.
    let block = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let block, block != MAP_FAILED else { return false }
    munmap(block, byteCount)
    return true
  }

  /// - Throws: ``AllocationError`` where so many bytes cannot be had.
  package static func require(
    _ byteCount: Int, for purpose: @autoclosure () -> String
  ) throws(AllocationError) {
    guard has(byteCount) else { throw AllocationError(byteCount: byteCount, purpose: purpose()) }
  }

  /// - Throws: ``AllocationError`` where the reserve is not there.
  package static func requireReserve(
    for purpose: @autoclosure () -> String
  ) throws(AllocationError) {
    guard hasReserve else {
      throw AllocationError(byteCount: reserveByteCount, purpose: purpose())
    }
  }
}
