public import ConvNetDatasets
public import ConvNetEngine
import ConvNetFiles
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
public import ConvNetLayers
import ConvNetTensors
import Foundation

/// Models measured by protocols on the same pictures, each of which is decoded once: every model's score by every protocol, and
/// the ensemble's.
///
/// ```swift
/// let tenCrop = try Views.named("10-crop", for: preprocessing)
/// let evaluation = try ProtocolEvaluation(of: [.init("a", model, views: [tenCrop])], on: dataset)
/// print(evaluation.scores[0].assessment.top1Interval)
/// ```
public struct ProtocolEvaluation: Sendable {
  /// A model and how it is shown pictures.
  public struct Candidate: Sendable {
    /// By which its score is called: its file.
    public var name: String
    /// The model.
    public var model: Model
    /// Its protocols; every candidate has as many.
    public var views: [Views]

    /// A model with its protocols.
    public init(_ name: String, _ model: Model, views: [Views]) {
      self.name = name
      self.model = model
      self.views = views
    }
  }

  /// Among which classes the answer is sought, where the data has not all of the models' classes.
  public enum ScoredClasses: String, Hashable, Sendable, Codable, CaseIterable {
    /// All of the models': a picture may be taken for a class of which the data has none.
    case all
    /// The data's own: probabilities are of these alone, and sum to 1 among them.
    case data
  }

  /// A model of a score: what decides on its row in a published table.
  public struct Member: Hashable, Sendable {
    /// The name of the network.
    public var network: String
    /// What it was shown.
    public var views: Views
    /// The shorter side of its input.
    public var input: Int
    /// To which its training resized the shorter side of pictures; `nil` where that is not known.
    public var training: ClosedRange<Int>?

    init(_ candidate: Candidate, row: Int, input: Preprocessing) {
      network = candidate.model.graph.name
      views = candidate.views[row]
      self.input = min(input.height, input.width)
      for case .shorterSide(let step) in candidate.model.augmentation?.steps ?? [] {
        training = step.from...step.to
      }
    }
  }

  /// What one model, or all of them together, were measured to be by one protocol.
  public struct Score: Sendable {
    /// The candidate, or `ensemble`.
    public var name: String
    /// The name of the protocol.
    public var views: String
    /// The model; of an ensemble all of them.
    public var members: [Member]
    /// Everything that the score depends on: preparation, scales, views, mean.
    public var protocolDescription: String
    /// Forward passes of a picture.
    public var passes: Int
    /// Multiplications of a picture, each with its addition; the mean over pictures, where their sizes matter.
    public var multiplyAdds: Double
    /// What the scores say.
    public var assessment: Assessment
    /// Natural logarithms of the probabilities of each picture, in order, where they were to be kept.
    public var logProbabilities: [[Float]] = []
    /// The classes of the pictures in that order, where they were to be kept.
    public var labels: [Int] = []
  }

  /// The scores of one picture, for who wants them all.
  public struct Answer: Sendable {
    /// In the data set.
    public var sample: Int
    /// The class that it has.
    public var label: Int
    /// The place among ``ProtocolEvaluation/scores``.
    public var score: Int
    /// One a class.
    public var probabilities: [Double]

    /// The class of the highest probability, of equals another than the label; `nil` where one is not finite.
    public var predicted: Int? {
      let rank = ScoreRank(of: label, in: probabilities.span)
      return rank.isFinite ? rank.predicted : nil
    }

    /// Natural logarithms of the probabilities, of what is too small for one the least that is finite.
    public var logProbabilities: [Float] { probabilities.map { Float(log(max($0, 1e-300))) } }
  }

  /// Protocol by protocol: each candidate's, then the ensemble's where there are several.
  public private(set) var scores: [Score]
  /// What the classes are called, in the order of all numbers here.
  public let classNames: [String]
  /// Pictures that could not be read or do not fit a protocol, and are left out.
  public private(set) var skippedCount = 0

  /// Measures.
  ///
  /// - Parameters:
  ///   - classes: among which the answer is sought.
  ///   - batchSize: views that a network is given at once, at most; of large ones fewer.
  ///   - isEnsemble: whether several candidates are also measured together: the mean of their probabilities.
  ///   - keepsScores: whether every picture's probabilities are kept.
  ///   - processes: that measure together: each computes its part of the pictures, and has the result of one that computes all of
  ///     them, to the byte. The closures are told the same in all.
  ///   - start: how far an earlier call of the same came, of the same candidates, pictures and options.
  ///   - progress: told the number of pictures so far.
  ///   - sampleSkipped: told of each picture that is left out, where `loading` says so.
  ///   - observe: is given every answer.
  ///   - keep: is given, after some pictures again and again, how far it is; to be written somewhere, or left. What it throws
  ///     ends the evaluation.
  /// - Throws: ``EvaluationError`` where candidates have other classes than each other, or than the data, `start` is of
  ///   another evaluation, or a process would measure something else; ``ViewsError`` where a
  ///   protocol does not fit a network; ``FullyConvolutionalError``; what reading and computing throws.
  public init(
    of candidates: [Candidate], on dataset: any Dataset, among classes: ScoredClasses = .all,
    batchSize: Int = 256,
    compute: ComputeOptions = .init(), loading: LoadingOptions = LoadingOptions(),
    isEnsemble: Bool = true, keepsScores: Bool = false, processes: (any ProcessGroup)? = nil,
    resuming start: EvaluationProgress? = nil,
    progress: (Int) throws -> Void = { _ in },
    sampleSkipped: (SkippedSample) throws -> Void = { _ in },
    observe: (Answer) throws -> Void = { _ in },
    keep: (EvaluationProgress) throws -> Void = { _ in }
  ) throws {
    guard let first = candidates.first,
      candidates.allSatisfy({ $0.views.count == first.views.count })
    else { fatalError("every candidate has as many protocols, and there is one") }
    try loading.validate()
    guard dataset.count > 0 else { throw DatasetError(dataset: dataset.name, problem: .empty) }
    for candidate in candidates { try candidate.model.requireClasses() }
    let all = first.model.classNames.isEmpty ? dataset.classNames : first.model.classNames
    let whole = try first.model.numbering(dataset, as: all, isComplete: false)
    let names = classes == .all ? all : Self.own(of: dataset, among: all)
    let data = dataset.numbered(as: names) ?? whole
    classNames = names
    let scope =
      names.count < all.count ? ", among the data's \(names.count) of \(all.count) classes" : ""
    let measured = try candidates.map {
      try MeasuredModel(
        $0, names: names, of: all.count, leader: first.name, batchSize: batchSize,
        compute: compute)
    }
    let protocols = first.views.count
    scores = []
    for row in 0..<protocols {
      for candidate in candidates {
        let preprocessing = try candidate.model.requiredPreprocessing()
        scores.append(
          Score(
            name: candidate.name, views: candidate.views[row].name,
            members: [Member(candidate, row: row, input: preprocessing)],
            protocolDescription: candidate.views[row].description(of: preprocessing) + scope,
            passes: candidate.views[row].count, multiplyAdds: 0,
            assessment: Assessment(classes: names.count)))
      }
      guard isEnsemble, candidates.count > 1 else { continue }
      let parts = scores.suffix(candidates.count)
      scores.append(
        Score(
          name: "ensemble", views: first.views[row].name, members: parts.flatMap(\.members),
          protocolDescription: "mean of the probabilities of "
            + parts.map { "\($0.name) (\($0.protocolDescription))" }.joined(separator: " and "),
          passes: parts.reduce(0) { $0 + $1.passes }, multiplyAdds: 0,
          assessment: Assessment(classes: names.count)))
    }
    let perRow = scores.count / protocols

    // A thread decodes some pictures and makes their views for all that want the same.
    let kinds = try PreparationKind.all(of: candidates)
    let views = candidates.flatMap(\.views).map(\.count).max() ?? 1
    let batch = measured.map(\.batch).max() ?? 1
    let pictureBytes = max(1, kinds.reduce(0) { $0 + $1.byteCount })
    // Of small ones as many as a batch has.
    let group = max(1, min(max(64, (1 << 20) / pictureBytes), data.count, batch / max(1, views)))
    let bytes = pictureBytes * group
    let workers = loading.workers ?? Threads.available
    let ahead = max(1, min(workers + loading.prefetch, (512 << 20) / max(1, bytes)))
    var next = 0
    var multiplyAdds = [Double](repeating: 0, count: scores.count)
    if let processes {
      try Self.requireSame(
        in: processes, candidates, dataset, among: classes, batchSize: batchSize, compute)
    }
    if let start = try processes.map({ try $0.first(start) }) ?? start {
      guard start.fits(self, of: data.count, group: group) else {
        throw EvaluationError.otherProgress
      }
      next = start.pictures
      multiplyAdds = start.multiplyAdds
      skippedCount = start.skippedCount
      for index in scores.indices { scores[index].assessment = start.assessments[index] }
    }
    let begun = (next + group - 1) / group
    // Each process computes one unit of so many, in turn: batches are the same, however many there are.
    let part = processes?.share ?? .whole
    let rounds = ((data.count + group - 1) / group - begun + part.count - 1) / part.count
    let own = (0..<rounds).count { (begun + $0 * part.count + part.rank) * group < data.count }
    let work = try OrderedWork(
      own, threads: min(workers, ahead), ahead: ahead
    ) { place -> PreparedUnit in
      let unit = begun + place * part.count + part.rank
      var preparation = ViewPreparation()
      return (unit * group..<min(data.count, (unit + 1) * group)).map { index in
        (
          index,
          Result(catching: {
            let picture = try data.sample(at: index).image
            return try kinds.map { try preparation.prepare(picture, $0.preprocessing, $0.views) }
          })
        )
      }
    }
    defer { work.stop() }

    func measure(_ unit: PreparedUnit) throws -> [MeasuredPicture] {
      var pictures: [MeasuredPicture] = []
      var shown: [(place: Int, views: [PreparedViews])] = []
      for (index, outcome) in unit {
        var picture = MeasuredPicture(index: index)
        switch outcome {
        case .success(let views): shown.append((pictures.count, views))
        case .failure(let error):
          let reason =
            error is ViewsError
            ? "\(data.name), \(data.sampleName(at: index)): \(error)" : "\(error)"
          picture.failure = .init(
            reason: reason, error: error is ViewsError ? UnfitPicture(reason: reason) : error)
        }
        pictures.append(picture)
      }
      // Of a unit that ends the evaluation nothing is computed.
      if loading.badSamples == .stop, shown.count < pictures.count {
        return pictures.filter { $0.failure != nil }
      }
      for row in 0..<protocols {
        let answers = try measured.enumerated().map { place, model in
          let kind = kinds.firstIndex { $0.matches(candidates[place], row) } ?? 0
          return try model.answers(
            shown.map { $0.views[kind] }, average: candidates[place].views[row].average,
            batch: min(model.batch, group * candidates[place].views[row].count),
            labels: shown.map { data.label(at: pictures[$0.place].index) })
        }
        for (position, picture) in shown.enumerated() {
          pictures[picture.place].answers.append(answers.map { $0[position] })
        }
      }
      return pictures
    }

    var lastReason = ""
    for _ in 0..<rounds {
      let measuredHere = try work.take().map(measure) ?? []
      let units =
        try processes.map {
          try $0.gather(
            measuredHere, protocols: protocols, candidates: candidates.count, classes: names.count)
        } ?? [measuredHere]
      for pictures in units where !pictures.isEmpty {
        for picture in pictures {
          next += 1
          guard let failure = picture.failure else { continue }
          guard loading.badSamples != .stop else {
            guard processes == nil, let error = failure.error else {
              throw EvaluationError.unreadable(reason: failure.reason)
            }
            throw error
          }
          skippedCount += 1
          lastReason = failure.reason
          try sampleSkipped(SkippedSample(index: picture.index, reason: failure.reason))
        }
        for row in 0..<protocols {
          for picture in pictures where picture.failure == nil {
            let label = data.label(at: picture.index)
            var answers = picture.answers[row]
            if perRow > candidates.count { answers.append(ViewAnswer.mean(answers)) }
            for (offset, answer) in answers.enumerated() {
              let score = row * perRow + offset
              multiplyAdds[score] += answer.multiplyAdds
              scores[score].assessment.add(
                sample: picture.index, label: label, probabilities: answer.probabilities,
                loss: answer.loss)
              let given = Answer(
                sample: picture.index, label: label, score: score,
                probabilities: answer.probabilities)
              if keepsScores {
                scores[score].logProbabilities.append(given.logProbabilities)
                scores[score].labels.append(label)
              }
              try observe(given)
            }
          }
        }
        try progress(next - skippedCount)
        if next < data.count {
          try keep(
            EvaluationProgress(
              pictures: next, skippedCount: skippedCount, assessments: scores.map(\.assessment),
              multiplyAdds: multiplyAdds))
        }
      }
    }
    let count = scores[0].assessment.samples
    guard count > 0 else {
      throw EvaluationError.nothingReadable(
        data: dataset.name, count: skippedCount, reason: lastReason)
    }
    for index in scores.indices { scores[index].multiplyAdds = multiplyAdds[index] / Double(count) }
  }
}

/// Pictures of the data by their numbers, as they are shown, or why they cannot be.
private typealias PreparedUnit = [(index: Int, views: Result<[PreparedViews], any Error>)]

extension ProtocolEvaluation {
  /// Refuses processes that would measure something else than each other, with the same error in all.
  private static func requireSame(
    in processes: any ProcessGroup, _ candidates: [Candidate], _ dataset: any Dataset,
    among classes: ScoredClasses, batchSize: Int, _ compute: ComputeOptions
  ) throws {
    let difference = try processes.firstDifference([
      ("the version", packageVersion),
      ("the number of pictures", "\(dataset.count)"),
      (
        "the fingerprint of models, protocols and pictures",
        KeptEvaluation.key(
          of: candidates, on: dataset, among: classes, batchSize: batchSize, compute: compute)
      ),
    ])
    guard let difference else { return }
    throw EvaluationError.processes(
      "\(difference); all processes measure the same models on the same pictures")
  }

  /// Of a model's classes those that data names, in the model's order.
  private static func own(of dataset: any Dataset, among names: [String]) -> [String] {
    let places = ClassPlaces(names)
    return Set(dataset.classNames.compactMap { places[$0] }).sorted().map { names[$0] }
  }
}
