package import ConvNetDatasets
import Foundation

/// Processes that train one network together, each on its part of every batch.
///
/// Each has the same data, model, trainer and, where it goes on, checkpoint; a ``Trainer`` that is given a group reads the part
/// of its rank and takes every step with the gradients of all. What n processes make of batches of b samples each is what one
/// makes of batches of n b, but for the order of sums, and for batch normalization, whose statistics are of each process's own
/// samples unless ``Trainer/normalizesJointly``.
///
/// All processes call the same in the same order; a call returns when all have called.
public protocol ProcessGroup: AnyObject, Sendable {
  /// The number of this process, from 0.
  var rank: Int { get }
  /// Processes.
  var count: Int { get }

  /// Replaces the numbers by their sums over all processes, the same bytes in each.
  func sum(_ values: UnsafeMutableBufferPointer<Float>) throws
  /// Replaces the numbers by their sums over all processes, the same bytes in each.
  func sum(_ values: UnsafeMutableBufferPointer<Double>) throws
  /// The bytes of every process, by rank.
  func gather(_ bytes: [UInt8]) throws -> [[UInt8]]
}

extension ProcessGroup {
  /// The part of every batch that is this process's.
  package var share: BatchShare { BatchShare(rank: rank, of: count) }

  /// Sums of numbers of all processes.
  package func sum(_ values: [Double]) throws -> [Double] {
    var values = values
    try values.withUnsafeMutableBufferPointer { try sum($0) }
    return values
  }

  /// Refuses processes of which one would train something else.
  ///
  /// - Parameter facts: names and values, in the same order everywhere.
  /// - Throws: ``TrainingError/processes(_:)``, the same in all, with the first difference.
  func requireSame(_ facts: [(name: String, value: String)]) throws {
    let own = try JSONEncoder().encode(facts.map(\.value))
    let all = try gather([UInt8](own)).map {
      try JSONDecoder().decode([String].self, from: Data($0))
    }
    for (rank, values) in all.enumerated() {
      for (place, (name, _)) in facts.enumerated() {
        let (first, value) = (all[0], values)
        guard first.count == facts.count, value.count == facts.count, first[place] == value[place]
        else {
          throw TrainingError.processes(
            "\(name) of process \(rank) is \(value.count > place ? value[place] : "missing"), of process 0 "
              + "\(first.count > place ? first[place] : "missing"); all processes train the same network on the same data"
          )
        }
      }
    }
  }
}
