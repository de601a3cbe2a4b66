package import ConvNetDatasets
import Foundation

/// Processes that do one thing together: train a network, each on its part of every batch, or measure models, each on its part of
/// the pictures.
///
/// Each has the same data, models, settings and, where it goes on, checkpoint. A ``Trainer`` that is given a group reads
/// the part of its rank and takes every step with the gradients of all. What n processes make of batches of b samples each is
/// what one makes of batches of n b, but for the order of sums, and for batch normalization, whose statistics are of each
/// process's own samples unless it normalizes jointly. A ``ProtocolEvaluation`` comes to the same bytes as one process's.
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

  /// Whether ``startSum(_:)`` returns before all have called, so that gradients are summed while the backward pass goes on.
  var sumsBesideWork: Bool { get }
  /// Begins to replace the numbers by their sums over all processes. They are the group's until the sum is waited for.
  ///
  /// Several may have begun, in the same order in all processes. Between two of them other calls may come, at other places in
  /// each process: these sums go apart from all other calls.
  func startSum(_ values: UnsafeMutableBufferPointer<Float>) throws -> any SumInProgress
}

/// A sum over processes that has begun.
public protocol SumInProgress {
  /// Gives the sum time to go on, and says whether it is done.
  func advance() throws -> Bool
  /// Returns when the sum is done.
  func wait() throws
}

extension ProcessGroup {
  public var sumsBesideWork: Bool { false }

  /// The whole sum, at once.
  public func startSum(_ values: UnsafeMutableBufferPointer<Float>) throws -> any SumInProgress {
    try sum(values)
    return FinishedSum()
  }

  /// The part of every batch that is this process's.
  package var share: BatchShare { BatchShare(rank: rank, of: count) }

  /// Sums of numbers of all processes.
  package func sum(_ values: [Double]) throws -> [Double] {
    var values = values
    try values.withUnsafeMutableBufferPointer { try sum($0) }
    return values
  }

  /// In what a process differs from the first, in words, the same in all; `nil` where none does.
  ///
  /// - Parameter facts: names and values, in the same order everywhere.
  package func firstDifference(_ facts: [(name: String, value: String)]) throws -> String? {
    let own = try JSONEncoder().encode(facts.map(\.value))
    let all = try gather([UInt8](own)).map {
      try JSONDecoder().decode([String].self, from: Data($0))
    }
    for (rank, values) in all.enumerated() {
      for (place, (name, _)) in facts.enumerated() {
        let (first, value) = (all[0], values)
        guard first.count == facts.count, value.count == facts.count, first[place] == value[place]
        else {
          return
            "\(name) of process \(rank) is \(value.count > place ? value[place] : "missing"), of process 0 "
            + "\(first.count > place ? first[place] : "missing")"
        }
      }
    }
    return nil
  }
}

private struct FinishedSum: SumInProgress {
  func advance() -> Bool { true }
  func wait() {}
}
