import ConvNetEvaluation
import ConvNetFiles
import Foundation

/// Scalars, histograms and pictures of a training in the format that TensorBoard reads: records (length, check sum, data, check
/// sum) of the protocol buffer `Event`.
///
/// The format is TensorFlow's, `core/lib/io/record_writer.h` and `core/util/event.proto`.
public struct EventFile: Sendable {
  /// TensorBoard reads the files of a folder whose name contains `tfevents`.
  public static let name = "events.out.tfevents.convnet"

  /// The first that the format asks for, then one a step.
  package private(set) var records: [[UInt8]] = []

  /// The contents of the file.
  package var bytes: [UInt8] { Array(records.joined()) }

  /// A file without scalars.
  ///
  /// - Parameter wallTime: seconds since 1970.
  public init(wallTime: Double) {
    var event = ProtocolBufferWriter()
    event.append(wallTime, field: 1)
    event.append("brain.Event:2", field: 3)
    records.append(Self.record(event))
  }

  /// Loss, accuracy (0 to 1) and learning rate of every epoch.
  public init(_ history: [EpochReport]) {
    self.init(wallTime: history.first.map { $0.endTime - $0.seconds } ?? 0)
    for report in history { append(Self.scalars(of: report), report) }
  }

  private mutating func append(_ scalars: [(tag: String, value: Float)], _ report: EpochReport) {
    append(scalars, step: report.step ?? report.epoch, wallTime: report.endTime)
  }

  private static func scalars(of report: EpochReport) -> [(tag: String, value: Float)] {
    var scalars = [
      (tag: "loss/training", value: Float(report.training.loss)),
      (tag: "learning rate", value: report.learningRate),
    ]
    scalars.insert(
      contentsOf: figures(report.training, report.trainingTargets, of: "training"), at: 1)
    if let validation = report.validation {
      scalars.append((tag: "loss/validation", value: Float(validation.loss)))
      scalars += figures(validation, report.validationTargets, of: "validation")
    }
    return scalars
  }

  private static func figures(
    _ metrics: ClassificationMetrics, _ targets: TargetMetrics?, of part: String
  ) -> [(tag: String, value: Float)] {
    targets?.figures.map { (tag: "\($0.name)/\(part)", value: Float($0.value)) }
      ?? [(tag: "accuracy/\(part)", value: Float(metrics.top1))]
  }

  /// The record of an epoch, at its last step.
  static func record(of report: EpochReport) -> [UInt8] {
    event(scalars(of: report), step: report.step ?? report.epoch, wallTime: report.endTime)
  }

  /// The record of a step.
  static func record(of report: StepReport, wallTime: Double) -> [UInt8] {
    event(
      [
        (tag: "step/loss", value: Float(report.loss)),
        (tag: "step/learning rate", value: report.learningRate),
        (tag: "step/gradient norm", value: Float(report.gradientNorm)),
      ], step: report.step, wallTime: wallTime)
  }

  /// Appends the scalars of one step.
  public mutating func append(
    _ scalars: [(tag: String, value: Float)], step: Int, wallTime: Double
  ) {
    records.append(Self.event(scalars, step: step, wallTime: wallTime))
  }

  private static func event(
    _ scalars: [(tag: String, value: Float)], step: Int, wallTime: Double
  ) -> [UInt8] {
    record(
      of: scalars.map { scalar in
        var value = ProtocolBufferWriter()
        value.append(scalar.tag, field: 1)
        value.append(scalar.value, field: 2)
        return value
      }, step: step, wallTime: wallTime)
  }

  /// The record of some values of a step, each a `Summary.Value`.
  static func record(
    of values: [ProtocolBufferWriter], step: Int, wallTime: Double
  ) -> [UInt8] {
    var summary = ProtocolBufferWriter()
    for value in values { summary.append(value, field: 1) }
    var event = ProtocolBufferWriter()
    event.append(wallTime, field: 1)
    event.append(step, field: 2)
    event.append(summary, field: 5)
    return record(event)
  }

  private static func record(_ event: ProtocolBufferWriter) -> [UInt8] {
    let length = littleEndianBytes(UInt64(event.bytes.count))
    return length + littleEndianBytes(maskedCheckSum(length)) + event.bytes
      + littleEndianBytes(maskedCheckSum(event.bytes))
  }

  /// What stays of a file where a training goes on, all that is whole, and what is to follow: a reader that has passed records of
  /// later steps would not go back, so a session begins, and it forgets what it has of its steps.
  static func prepared(
    _ contents: [UInt8], for history: [EpochReport], at step: Int
  ) -> (kept: Int, following: [UInt8]) {
    let kept = wholeRecords(contents)
    guard kept > 0 else { return (0, EventFile(history).bytes) }
    var session = ProtocolBufferWriter()
    session.append(1, field: 1)
    var event = ProtocolBufferWriter()
    event.append(0.0, field: 1)
    event.append(step + 1, field: 2)
    event.append(session, field: 7)
    return (kept, record(event))
  }

  /// The first bytes of a file that are whole records.
  private static func wholeRecords(_ bytes: [UInt8]) -> Int {
    bytes.withUnsafeBytes { buffer in
      var place = 0
      func matches(_ sum: Int, _ part: Range<Int>) -> Bool {
        buffer.loadUnaligned(fromByteOffset: sum, as: UInt32.self).littleEndian
          == maskedCheckSum(Array(buffer[part]))
      }
      while buffer.count - place >= 16 {
        let length = buffer.loadUnaligned(fromByteOffset: place, as: UInt64.self).littleEndian
        guard length <= UInt64(buffer.count - place - 16) else { break }
        let end = place + 12 + Int(length)
        guard matches(place + 8, place..<place + 8), matches(end, place + 12..<end) else { break }
        place = end + 4
      }
      return place
    }
  }

  /// Writes the file, whole or not at all.
  ///
  /// - Throws: ``FileError`` where it cannot be written.
  public func write(to path: String) throws {
    try AtomicFile.write(bytes, to: path)
  }
}

/// The check sum of a record: rotated and shifted, since a sum of data that contains sums is weak.
private func maskedCheckSum(_ bytes: [UInt8]) -> UInt32 {
  let sum = checkSumCastagnoli(bytes)
  return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
}

/// CRC-32C: the remainder by Castagnoli's polynomial, reflected, as in iSCSI (RFC 3720, section
/// B.4).
package func checkSumCastagnoli(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(~0) { sum, byte in
    castagnoliTable[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] ^ sum >> 8
  }
}

private let castagnoliTable: [UInt32] = (0..<256).map { byte in
  (0..<8).reduce(UInt32(byte)) { rest, _ in rest & 1 == 1 ? rest >> 1 ^ 0x82F6_3B78 : rest >> 1 }
}
