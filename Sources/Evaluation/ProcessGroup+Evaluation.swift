import ConvNetFiles
import Foundation

extension ProcessGroup {
  /// What the first process goes on from: others need not have read it.
  func first(_ progress: EvaluationProgress?) throws -> EvaluationProgress? {
    let own = try rank == 0 ? progress.map { [UInt8](try jsonLine($0).utf8) } ?? [] : []
    let bytes = try gather(own)[0]
    guard !bytes.isEmpty else { return nil }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(EvaluationProgress.self, from: Data(bytes))
  }

  /// What each process measured, by rank.
  func gather(
    _ pictures: [MeasuredPicture], protocols: Int, candidates: Int, classes: Int
  ) throws -> [[MeasuredPicture]] {
    try gather(MeasuredPictures.bytes(of: pictures)).enumerated().map { place, bytes in
      guard place != rank else { return pictures }
      guard
        let others = MeasuredPictures.read(
          bytes, protocols: protocols, candidates: candidates, classes: classes)
      else { throw EvaluationError.processes("process \(place) tells answers of another form") }
      return others
    }
  }
}
