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

  /// What one model, or all of them together, were measured to be by one protocol.
  public struct Score: Sendable {
    /// The candidate, or `ensemble`.
    public var name: String
    /// The name of the protocol.
    public var views: String
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
  ///   - batchSize: views that a network is given at once, at most; of large ones fewer.
  ///   - isEnsemble: whether several candidates are also measured together: the mean of their probabilities.
  ///   - keepsScores: whether every picture's probabilities are kept.
  ///   - progress: told the number of pictures so far.
  ///   - sampleSkipped: told of each picture that is left out, where `loading` says so.
  ///   - observe: is given every answer.
  /// - Throws: ``EvaluationError`` where candidates have other classes than each other, or than the data; ``ViewsError`` where a
  ///   protocol does not fit a network; ``FullyConvolutionalError``; what reading and computing throws.
  public init(
    of candidates: [Candidate], on dataset: any Dataset, batchSize: Int = 256,
    compute: ComputeOptions = .init(), loading: LoadingOptions = LoadingOptions(),
    isEnsemble: Bool = true, keepsScores: Bool = false,
    progress: (Int) throws -> Void = { _ in },
    sampleSkipped: (SkippedSample) throws -> Void = { _ in },
    observe: (Answer) throws -> Void = { _ in }
  ) throws {
    guard let first = candidates.first,
      candidates.allSatisfy({ $0.views.count == first.views.count })
    else { fatalError("every candidate has as many protocols, and there is one") }
    try loading.validate()
    guard dataset.count > 0 else { throw DatasetError(dataset: dataset.name, problem: .empty) }
    let names = first.model.classNames.isEmpty ? dataset.classNames : first.model.classNames
    let data = try first.model.numbering(dataset, as: names, isComplete: false)
    classNames = names
    let measured = try candidates.map {
      try MeasuredModel(
        $0, names: names, leader: first.name, batchSize: batchSize, compute: compute)
    }
    let protocols = first.views.count
    scores = []
    for row in 0..<protocols {
      for candidate in candidates {
        let preprocessing = try candidate.model.requiredPreprocessing()
        scores.append(
          Score(
            name: candidate.name, views: candidate.views[row].name,
            protocolDescription: candidate.views[row].description(of: preprocessing),
            passes: candidate.views[row].count, multiplyAdds: 0,
            assessment: Assessment(classes: names.count)))
      }
      guard isEnsemble, candidates.count > 1 else { continue }
      let parts = scores.suffix(candidates.count)
      scores.append(
        Score(
          name: "ensemble", views: first.views[row].name,
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
    let group = max(1, min(64, data.count, batch / max(1, views)))
    let bytes = kinds.reduce(0) { $0 + $1.byteCount } * group
    let workers = loading.workers ?? Threads.available
    let ahead = max(1, min(workers + loading.prefetch, (512 << 20) / max(1, bytes)))
    let work = try OrderedWork(
      (data.count + group - 1) / group, threads: min(workers, ahead), ahead: ahead
    ) { unit in
      var preparation = ViewPreparation()
      return (unit * group..<min(data.count, (unit + 1) * group)).map { index in
        Result<[PreparedViews], any Error>(catching: {
          let picture = try data.sample(at: index).image
          return try kinds.map { try preparation.prepare(picture, $0.preprocessing, $0.views) }
        })
      }
    }
    defer { work.stop() }
    var (next, lastReason) = (0, "")
    var multiplyAdds = [Double](repeating: 0, count: scores.count)
    while let unit = work.take() {
      var pictures: [(index: Int, views: [PreparedViews])] = []
      for outcome in unit {
        defer { next += 1 }
        switch outcome {
        case .success(let views): pictures.append((next, views))
        case .failure(let error):
          let reason =
            error is ViewsError
            ? "\(data.name), \(data.sampleName(at: next)): \(error)" : "\(error)"
          guard loading.badSamples != .stop else {
            if error is ViewsError { throw UnfitPicture(reason: reason) }
            throw error
          }
          skippedCount += 1
          lastReason = reason
          try sampleSkipped(SkippedSample(index: next, reason: reason))
        }
      }
      for row in 0..<protocols {
        let answers = try measured.enumerated().map { place, model in
          let kind =
            kinds.firstIndex {
              $0.matches(candidates[place], row)
            } ?? 0
          return try model.answers(
            pictures.map { $0.views[kind] }, average: candidates[place].views[row].average,
            batch: min(model.batch, group * candidates[place].views[row].count),
            labels: pictures.map { data.label(at: $0.index) })
        }
        for (place, picture) in pictures.enumerated() {
          let label = data.label(at: picture.index)
          var rowAnswers = answers.map { $0[place] }
          if perRow > candidates.count { rowAnswers.append(ViewAnswer.mean(rowAnswers)) }
          for (offset, answer) in rowAnswers.enumerated() {
            let score = row * perRow + offset
            multiplyAdds[score] += answer.multiplyAdds
            scores[score].assessment.add(
              sample: picture.index, label: label, probabilities: answer.probabilities,
              loss: answer.loss)
            if keepsScores {
              scores[score].logProbabilities.append(
                answer.probabilities.map { Float(log(max($0, 1e-300))) })
              scores[score].labels.append(label)
            }
            try observe(
              Answer(
                sample: picture.index, label: label, score: score,
                probabilities: answer.probabilities))
          }
        }
      }
      try progress(next - skippedCount)
    }
    let count = scores[0].assessment.samples
    guard count > 0 else {
      throw EvaluationError.nothingReadable(
        data: dataset.name, count: skippedCount, reason: lastReason)
    }
    for index in scores.indices { scores[index].multiplyAdds = multiplyAdds[index] / Double(count) }
  }
}

/// A picture that a protocol cannot show.
struct UnfitPicture: ReadableError {
  var reason: String
  var description: String { reason }
}

/// Views that are made once for all models that prepare pictures alike.
private struct PreparationKind: Sendable {
  var preprocessing: Preprocessing
  var views: Views

  static func all(of candidates: [ProtocolEvaluation.Candidate]) throws -> [PreparationKind] {
    var kinds: [PreparationKind] = []
    for candidate in candidates {
      let preprocessing = try candidate.model.requiredPreprocessing()
      for views in candidate.views where !kinds.contains(where: { $0.is(preprocessing, views) }) {
        if views.needsWholePictures, preprocessing.meanPicture != nil {
          throw ViewsError.meanPicture(model: candidate.name)
        }
        // A protocol whose windows do not fit the network shows on any picture: here, before one is read.
        _ = try views.views(
          ofHeight: preprocessing.height, width: preprocessing.width, input: preprocessing)
        kinds.append(PreparationKind(preprocessing: preprocessing, views: views))
      }
    }
    return kinds
  }

  private func `is`(_ preprocessing: Preprocessing, _ views: Views) -> Bool {
    self.preprocessing == preprocessing && self.views.parts == views.parts
  }

  func matches(_ candidate: ProtocolEvaluation.Candidate, _ row: Int) -> Bool {
    candidate.model.preprocessing.map { self.is($0, candidate.views[row]) } ?? false
  }

  /// Of a picture's numbers, about.
  var byteCount: Int {
    let own = preprocessing.height * preprocessing.width
    let pixels = views.parts.reduce(0) { sum, part in
      let dense = part.windows.contains(.dense)
      let sides = part.scales.map { scale in
        if case .shorterSide(let side) = scale, dense { side * side * 3 / 2 } else { own }
      }
      return sum + (sides.max() ?? own) * part.count
    }
    return 4 * preprocessing.channels * pixels
  }
}

/// What a model says of a picture, after all of its views.
private struct ViewAnswer {
  var probabilities: [Double]
  /// The negative logarithm of the label's probability.
  var loss: Double
  var multiplyAdds: Double

  static func mean(_ answers: [ViewAnswer]) -> ViewAnswer {
    let share = 1 / Double(answers.count)
    var result = ViewAnswer(
      probabilities: [Double](repeating: 0, count: answers[0].probabilities.count), loss: 0,
      multiplyAdds: answers.reduce(0) { $0 + $1.multiplyAdds })
    for answer in answers {
      for index in result.probabilities.indices {
        result.probabilities[index] += share * answer.probabilities[index]
      }
    }
    result.loss = -logOfSum(answers.map { -$0.loss + log(share) })
    return result
  }
}

/// The logarithm of a sum of exponentials.
private func logOfSum(_ logs: [Double]) -> Double {
  guard let largest = logs.max(), largest.isFinite else { return logs.max() ?? .nan }
  return largest + log(logs.reduce(0) { $0 + exp($1 - largest) })
}

/// A candidate at work.
private final class MeasuredModel {
  private let preprocessing: Preprocessing
  private let runner: NetworkRunner
  private let denseRunner: NetworkRunner?
  let batch: Int
  /// The place of each class of the data among the model's; `nil` where they are the same.
  private let places: [Int]?

  init(
    _ candidate: ProtocolEvaluation.Candidate, names: [String], leader: String, batchSize: Int,
    compute: ComputeOptions
  ) throws {
    let model = candidate.model
    preprocessing = try model.requiredPreprocessing()
    guard model.classCount == names.count else {
      throw EvaluationError.memberClasses(
        first: leader, names, other: candidate.name, model.classNames)
    }
    if model.classNames.isEmpty || model.classNames == names {
      places = nil
    } else {
      var known: [String: Int] = [:]
      for (index, name) in model.classNames.enumerated() { known[name] = index }
      places = names.compactMap { known[$0] }
      guard places?.count == names.count else {
        throw EvaluationError.memberClasses(
          first: leader, names, other: candidate.name, model.classNames)
      }
    }
    runner = try NetworkRunner(model, isDense: false, compute: compute)
    denseRunner =
      candidate.views.contains(where: \.needsWholePictures)
      ? try NetworkRunner(model, isDense: true, compute: compute) : nil
    // A scale that is too small shows before a picture is read: of a square one, which has the fewest pixels.
    for views in candidate.views where views.needsWholePictures {
      let square = try views.views(
        ofHeight: preprocessing.height, width: preprocessing.width, input: preprocessing)
      for view in square {
        _ = try denseRunner?.multiplyAdds(height: view.viewHeight, width: view.viewWidth)
      }
    }
    // The largest value of a batch takes no more than 256 MiB.
    let graph = try model.graph.batched(1)
    let largest = graph.values.reduce(1) { max($0, $1.shape.count) } * MemoryLayout<Float>.size
    batch = min(batchSize, max(1, (256 << 20) / largest))
  }

  /// - Returns: one for each picture.
  func answers(
    _ pictures: [PreparedViews], average: Views.Average, batch: Int, labels: [Int]
  ) throws -> [ViewAnswer] {
    var sums = pictures.map { _ in [Double](repeating: 0, count: runner.classCount) }
    var labelLogs = [[Double]](repeating: [], count: pictures.count)
    var costs = [Double](repeating: 0, count: pictures.count)
    // Views of one size are run together, whatever picture they are of.
    var sizes: [[Int]: [(picture: Int, view: PreparedViews.View)]] = [:]
    for (place, picture) in pictures.enumerated() {
      for view in picture.views {
        sizes[[view.height, view.width], default: []].append((place, view))
      }
    }
    for (size, views) in sizes.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let isOwn = size == [preprocessing.height, preprocessing.width]
      let runner = isOwn ? runner : denseRunner ?? runner
      let cost = Double(try runner.multiplyAdds(height: size[0], width: size[1]))
      let count = size[0] * size[1] * preprocessing.channels
      let own = preprocessing.height * preprocessing.width
      let limit = max(1, min(batch, batch * own / (size[0] * size[1])))
      try runner.run(
        count: views.count, height: size[0], width: size[1], batch: isOwn ? batch : limit,
        isFilled: isOwn
      ) { index, target, start in
        let (picture, view) = views[index]
        pictures[picture].numbers.withUnsafeBufferPointer { numbers in
          target.withUnsafeMutableBufferPointer { target in
            _ = UnsafeMutableBufferPointer(rebasing: target[start..<start + count]).update(
              fromContentsOf: numbers[view.start..<view.start + count])
          }
        }
      } read: { index, scores in
        let (picture, view) = views[index]
        costs[picture] += cost
        add(
          scores, view.weight, average, label: labels[picture], to: &sums[picture],
          &labelLogs[picture])
      }
    }
    return pictures.indices.map { place in
      guard average == .logits else {
        return ViewAnswer(
          probabilities: sums[place], loss: -logOfSum(labelLogs[place]), multiplyAdds: costs[place])
      }
      let total = sums[place].allSatisfy(\.isFinite) ? logOfSum(sums[place]) : .nan
      return ViewAnswer(
        probabilities: sums[place].map { exp($0 - total) },
        loss: total - sums[place][labels[place]], multiplyAdds: costs[place])
    }
  }

  /// Adds a view's part. A score that is not finite makes all of the picture's so.
  private func add(
    _ scores: Span<Float>, _ weight: Double, _ average: Views.Average, label: Int,
    to sum: inout [Double], _ labelLogs: inout [Double]
  ) {
    var largest = -Double.infinity
    var isFinite = true
    for index in scores.indices {
      largest = max(largest, Double(scores[index]))
      isFinite = isFinite && scores[index].isFinite
    }
    guard isFinite else {
      for index in sum.indices { sum[index] = .nan }
      labelLogs.append(.nan)
      return
    }
    if average == .logits {
      for index in sum.indices { sum[index] += weight * Double(scores[places?[index] ?? index]) }
      return
    }
    var total = 0.0
    for index in scores.indices { total += exp(Double(scores[index]) - largest) }
    for index in sum.indices {
      sum[index] += weight * exp(Double(scores[places?[index] ?? index]) - largest) / total
    }
    labelLogs.append(
      Double(scores[places?[label] ?? label]) - largest - log(total) + log(weight))
  }
}
