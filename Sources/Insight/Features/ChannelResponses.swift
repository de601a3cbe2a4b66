public import ConvNetDatasets
public import ConvNetEngine
import ConvNetInference
public import ConvNetLayers
import ConvNetTensors

/// How a channel of a layer answers to each picture of some data.
public struct ChannelResponses: Sendable {
  /// The layer.
  public var layer: String
  /// Of the layer.
  public var channel: Int
  /// The largest value over the channel's positions, a picture each.
  public var largest: [Float]
  /// The mean over the channel's positions, a picture each.
  public var mean: [Float]
  /// Where the largest stands, row and column; 0 and 0 of a channel without positions.
  public var places: [[Int]]
  /// The place of each picture in the data.
  public var samples: [Int]

  /// The pictures with the largest responses, best first.
  public func best(_ count: Int) -> [Int] {
    Array(largest.indices.sorted { (largest[$0], $1) > (largest[$1], $0) }.prefix(max(0, count)))
  }

  /// A value that so large a share of the means is not above: 0.999 for the 99.9th percentile, linearly between two.
  public func percentile(_ share: Double) -> Double {
    let sorted = mean.sorted()
    guard let last = sorted.last else { return .nan }
    let place = max(0, min(1, share)) * Double(sorted.count - 1)
    let index = Int(place)
    guard index + 1 < sorted.count else { return Double(last) }
    return Double(sorted[index])
      + (place - Double(index)) * (Double(sorted[index + 1]) - Double(sorted[index]))
  }
}

extension Model {
  /// The responses of a channel to all pictures of some data.
  ///
  /// - Parameters:
  ///   - layer: by name; `nil` for the network's scores, before a softmax.
  ///   - progress: told of the pictures that are done; what it throws ends the work.
  /// - Throws: ``InferenceError/unknownValue(name:model:nearest:)``, ``InsightError/setting(name:value:requirement:)`` for a
  ///   channel
  ///   that there is not, ``InsightError/noAnswer(model:subject:what:)`` for the first picture whose values are not finite; what
  ///   reading and computing throws.
  public func responses(
    to dataset: any Dataset, layer: String? = nil, channel: Int, batchSize: Int = 32,
    compute: ComputeOptions = .init(), loading: LoadingOptions = LoadingOptions(),
    progress: (Int) throws -> Void = { _ in }
  ) throws -> ChannelResponses {
    let name = try layer ?? scoreName()
    let shape = try shape(of: name)
    guard shape.rank >= 2, 0..<shape[1] ~= channel else {
      throw InsightError.setting(
        name: "the channel", value: "\(channel)",
        requirement: "from 0 to \((shape.dimensions.dropFirst().first ?? 1) - 1) of \(name)")
    }
    let positions = shape.dimensions.dropFirst(2).reduce(1, *)
    let width = shape.rank > 3 ? shape[3] : positions
    var result = ChannelResponses(
      layer: name, channel: channel, largest: [], mean: [], places: [], samples: [])
    try forEachBatch(
      of: dataset, outputs: [name], batchSize: batchSize, compute: compute, loading: loading
    ) { indices, outputs in
      guard let output = outputs[name] else { return }
      var unanswered: Int?
      output.withSpan { values in
        for example in indices.indices {
          let start = (example * shape[1] + channel) * positions
          var (best, sum) = (0, 0.0)
          for place in 0..<positions {
            sum += Double(values[start + place])
            if values[start + place] > values[start + best] { best = place }
          }
          // Finite numbers of single precision have a finite sum in double precision.
          if !sum.isFinite, unanswered == nil { unanswered = indices[example] }
          result.largest.append(values[start + best])
          result.mean.append(Float(sum / Double(positions)))
          result.places.append([best / width, best % width])
        }
      }
      if let unanswered { throw noAnswer(for: unanswered, of: dataset, layer: name) }
      result.samples += indices
      try progress(result.samples.count)
    }
    guard !result.samples.isEmpty else {
      throw InsightError.tooFew(what: "pictures", count: 0, least: 1)
    }
    return result
  }
}
