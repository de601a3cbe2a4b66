import ConvNetFiles
import ConvNetTensors
import Foundation
import Synchronization

/// What several plans of one network have packed alike, once in memory: a plan for another size of pictures packs most
/// weights as the one before it did. A plan gives what it has packed, and gets the memory of an earlier one whose bytes are the
/// same. Memory goes with the last plan that reads it.
package final class SharedWeights: Sendable {
  private struct Entry {
    weak var storage: TensorStorage?
  }

  private let entries = Mutex<[Int: [Entry]]>([:])

  package init() {}

  /// The memory of an earlier plan with the same bytes, or the given one.
  func shared(_ storage: TensorStorage) -> TensorStorage {
    let size = storage.bytes.count
    return entries.withLock { entries in
      let known = entries[size, default: []].filter { $0.storage != nil }
      for entry in known {
        guard let other = entry.storage, let one = storage.bytes.baseAddress,
          let two = other.bytes.baseAddress, memcmp(one, two, size) == 0
        else { continue }
        entries[size] = known
        return other
      }
      entries[size] = known + [Entry(storage: storage)]
      return storage
    }
  }

  /// Bytes of all that some plan still reads.
  package var byteCount: Int {
    entries.withLock { entries in
      entries.reduce(0) { sum, entry in
        sum + entry.key * entry.value.count { $0.storage != nil }
      }
    }
  }
}
