import ConvNetDatasets
import ConvNetEngine
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetTensors
import Foundation

/// What a model says of a picture, after all of its views.
struct ViewAnswer {
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
final class MeasuredModel {
  private let preprocessing: Preprocessing
  /// Of pictures of the input's extents.
  private let converter: PixelConverter
  private let runner: NetworkRunner
  private let denseRunner: NetworkRunner?
  let batch: Int
  /// The place of each class that is scored among the model's; `nil` where they are the same.
  private let places: [Int]?
  private var scoredCount: Int { places?.count ?? runner.classCount }

  init(
    _ candidate: ProtocolEvaluation.Candidate, names: [String], of classCount: Int,
    leader: String, batchSize: Int, compute: ComputeOptions
  ) throws {
    let model = candidate.model
    preprocessing = try model.requiredPreprocessing()
    converter = PixelConverter(preprocessing)
    guard model.classCount == classCount else {
      throw EvaluationError.memberClasses(
        first: leader, names, other: candidate.name, model.classNames)
    }
    if model.classNames.isEmpty || model.classNames == names {
      places = nil
    } else {
      let known = ClassPlaces(model.classNames)
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
    var sums = pictures.map { _ in [Double](repeating: 0, count: scoredCount) }
    var labelLogs = [[Double]](repeating: [], count: pictures.count)
    var costs = [Double](repeating: 0, count: pictures.count)
    var exponentials = [Double](repeating: 0, count: scoredCount)
    // Views of one size are run together, whatever picture they are of.
    var sizes: [[Int]: [(picture: Int, view: PreparedViews.View)]] = [:]
    for (place, picture) in pictures.enumerated() {
      for view in picture.views {
        sizes[view.size, default: []].append((place, view))
      }
    }
    for (size, views) in sizes.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let isOwn = size == [preprocessing.height, preprocessing.width]
      let runner = isOwn ? runner : denseRunner ?? runner
      let converter = isOwn ? converter : preprocessing.converter(height: size[0], width: size[1])
      let cost = Double(try runner.multiplyAdds(height: size[0], width: size[1]))
      let count = size[0] * size[1] * preprocessing.channels
      let own = preprocessing.height * preprocessing.width
      let limit = max(1, min(batch, batch * own / (size[0] * size[1])))
      try runner.run(
        count: views.count, height: size[0], width: size[1], batch: isOwn ? batch : limit,
        isFilled: isOwn
      ) { index, target, start in
        let (picture, view) = views[index]
        target.withUnsafeMutableBufferPointer {
          pictures[picture].convert(
            view, by: converter, into: .init(rebasing: $0[start..<start + count]))
        }
      } read: { index, scores in
        let (picture, view) = views[index]
        costs[picture] += cost
        add(
          scores, view.weight, average, label: labels[picture], to: &sums[picture],
          &labelLogs[picture], &exponentials)
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
    to sum: inout [Double], _ labelLogs: inout [Double], _ exponentials: inout [Double]
  ) {
    var largest = -Double.infinity
    var isFinite = true
    for index in scores.indices { isFinite = isFinite && scores[index].isFinite }
    for index in sum.indices {
      largest = max(largest, Double(scores[places?[index] ?? index]))
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
    for index in sum.indices {
      exponentials[index] = exp(Double(scores[places?[index] ?? index]) - largest)
      total += exponentials[index]
    }
    for index in sum.indices { sum[index] += weight * exponentials[index] / total }
    labelLogs.append(
      Double(scores[places?[label] ?? label]) - largest - log(total) + log(weight))
  }
}

extension Preprocessing {
  /// Of pictures of other extents, which are not resized any more.
  fileprivate func converter(height: Int, width: Int) -> PixelConverter {
    var other = self
    other.meanPicture = nil
    other.fitting = .squash
    other.height = height
    other.width = width
    return PixelConverter(other)
  }
}
