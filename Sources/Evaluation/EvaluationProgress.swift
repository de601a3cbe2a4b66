/// How far a ``ProtocolEvaluation`` is: the sums over its first pictures, from which it goes on to the same result.
public struct EvaluationProgress: Hashable, Sendable, Codable {
  /// Pictures that were looked at, from the first of the data.
  public let pictures: Int
  /// Of these, those that are left out.
  public let skippedCount: Int
  /// One a score.
  let assessments: [Assessment]
  /// The sum over the pictures, one a score.
  let multiplyAdds: [Double]

  /// Whether it can be of this evaluation. That it is of the same models and pictures, its keeper knows.
  func fits(_ evaluation: ProtocolEvaluation, of count: Int, group: Int) -> Bool {
    let scores = evaluation.scores
    return 0..<count ~= pictures && pictures % group == 0 && 0...pictures ~= skippedCount
      && multiplyAdds.count == scores.count && assessments.count == scores.count
      && zip(assessments, scores).allSatisfy {
        $0.isWhole(classes: $1.assessment.confusion.classCount)
          && $0.samples == pictures - skippedCount
      }
  }
}

extension Assessment {
  /// Whether a file can have had it: as many classes and hits as there must be.
  fileprivate func isWhole(classes: Int) -> Bool {
    confusion.classCount == classes && hits.count == samples
      && bins.count == Assessment(classes: 0).bins.count
      && mistakes.allSatisfy { 0..<classes ~= $0.label && 0..<classes ~= $0.predicted }
  }
}
