import ConvNetDatasets
import ConvNetEvaluation
import ConvNetFiles

/// The part of validation that one of several processes measures; of one alone, all.
final class ValidationPart {
  let dataset: any Dataset
  private let group: (any ProcessGroup)?
  /// The place of the part's first sample.
  private var first = 0
  /// Rows of sample, label and scores, of the part.
  private var rows: [UInt8] = []
  private var classes = 0

  init(of validation: any Dataset, for group: (any ProcessGroup)?) throws {
    // Of less than one picture for each, every process measures all.
    guard let group, validation.count >= group.count else {
      self.group = nil
      dataset = validation
      return
    }
    self.group = group
    let places = group.share.places(of: validation.count)
    dataset = validation.selecting(Array(places))
    first = places.lowerBound
  }

  /// Keeps what the network said of a picture for ``join(_:observe:)``.
  ///
  /// - Returns: whether that is needed: else nobody else has a part.
  func note(sample: Int, label: Int, logits: Span<Float>, isAssessed: Bool) -> Bool {
    guard group != nil else { return false }
    guard isAssessed else { return true }
    classes = logits.count
    withUnsafeBytes(of: Int64(first + sample)) { rows += $0 }
    withUnsafeBytes(of: Int64(label)) { rows += $0 }
    logits.withUnsafeBytes { rows += $0 }
    return true
  }

  /// Makes of the part's figures those of all, and tells what was kept by all, in the data's order.
  func join(
    _ metrics: inout ClassificationMetrics,
    observe: (_ sample: Int, _ label: Int, _ logits: Span<Float>) -> Void
  ) throws {
    guard let group else { return }
    metrics.sums = try group.sum(metrics.sums)
    for rows in try group.gather(rows) {
      let size = 16 + 4 * classes
      guard size > 16 else { continue }
      var logits = [Float](repeating: 0, count: classes)
      for row in stride(from: 0, to: rows.count - rows.count % size, by: size) {
        rows.withUnsafeBytes { bytes in
          let sample = Int(bytes.loadUnaligned(fromByteOffset: row, as: Int64.self))
          let label = Int(bytes.loadUnaligned(fromByteOffset: row + 8, as: Int64.self))
          for place in 0..<classes {
            logits[place] = bytes.loadUnaligned(
              fromByteOffset: row + 16 + 4 * place, as: Float.self)
          }
          observe(sample, label, logits.span)
        }
      }
    }
  }
}
