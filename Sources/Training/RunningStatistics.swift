import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Foundation

/// The running statistics of batch normalization while a network is trained, and how old they are.
///
/// In training they are moving averages that begin at a mean of 0 and a variance of 1, as the lecture has them. After t steps
/// of momentum m the beginning still has the weight m^t, 92 % after eight steps of 0.99, and the statistics of the batches have
/// only the rest. What leaves a training therefore is freed of the beginning, so that the weights of the batches sum to one (D.
/// Kingma, J. Ba, "Adam", 2015, section 3, does the same for its moments):
///
///     mean = average / (1 - m^t),  variance = (average - m^t) / (1 - m^t)
///
/// The difference in the second formula would lose digits while t is small: the average is near one, a variance may be
/// 0.0001. So a second average of the variances is kept that begins at 0, whose value over 1 - m^t is the same. After no step
/// mean and variance are 0 and 1.
///
/// Averages that a network brings along count as old and are used as they are, except those of an earlier ``Trainer`` in the
/// same process, whose age the model knows, and those that are exactly 0 and 1, and so have seen nothing.
struct RunningStatistics {
  /// Of one normalization.
  private struct Layer {
    var mean: String
    var variance: String
    var momentum: Double

    /// The weight of the batches of so many steps, 1 - m^t.
    func share(after steps: Int) -> Double {
      momentum > 0 ? -expm1(Double(steps) * log(momentum)) : steps > 0 ? 1 : 0
    }
  }

  private let layers: [Layer]
  /// Steps of averages that stay as they are, since their layers are frozen.
  private let keptAges: [String: Int]
  /// By the name of the running variance, the step before which the averages of a layer began; below zero where that was in
  /// an earlier training. Old averages have none.
  let beginnings: [String: Int]

  /// What the average of a running variance that begins at zero is called.
  static func seenName(of variance: String) -> String { variance + "/seen" }

  /// Of a training that begins.
  ///
  /// - Parameters:
  ///   - parameters: the model's.
  ///   - ages: steps that averages have seen, by the name of the running variance.
  ///   - frozen: the running means of layers that are frozen, whose averages stay.
  init(
    of graph: Graph, parameters: [String: Tensor], ages: [String: Int], frozen: Set<String> = []
  ) {
    let all = Self.layers(of: graph)
    let layers = all.filter { !frozen.contains($0.mean) }
    let stay = Set(all.filter { frozen.contains($0.mean) }.map(\.variance))
    keptAges = ages.filter { stay.contains($0.key) }
    var beginnings: [String: Int] = [:]
    for layer in layers {
      if let age = ages[layer.variance] {
        beginnings[layer.variance] = -age
      } else if parameters[layer.mean]?.isFilled(with: 0) == true,
        parameters[layer.variance]?.isFilled(with: 1) == true
      {
        beginnings[layer.variance] = 0
      }
    }
    self.layers = layers.filter { beginnings[$0.variance] != nil }
    self.beginnings = beginnings
  }

  /// Of a training that goes on.
  init(of graph: Graph, beginnings: [String: Int]) {
    layers = Self.layers(of: graph).filter { beginnings[$0.variance] != nil }
    keptAges = [:]
    self.beginnings = beginnings
  }

  private static func layers(of graph: Graph) -> [Layer] {
    graph.operations.compactMap { operation in
      guard let normalization = operation.attributes as? ConvNetGraphs.Operation.BatchNormalization
      else {
        return nil
      }
      let (mean, variance) = (graph[operation.inputs[3]], graph[operation.inputs[4]])
      guard mean.parameterKind != nil, variance.parameterKind != nil else { return nil }
      return Layer(
        mean: mean.name, variance: variance.name, momentum: Double(normalization.momentum))
    }
  }

  /// The running variances of which a second average is kept.
  var youngVariances: Set<String> { Set(layers.map(\.variance)) }

  /// Steps that the averages have seen, by the name of the running variance.
  func ages(at step: Int) -> [String: Int] {
    beginnings.mapValues { step - $0 }.merging(keptAges) { own, _ in own }
  }

  private func share(of layer: Layer, at step: Int) -> Double {
    layer.share(after: step - beginnings[layer.variance, default: step])
  }

  /// The averages as a training keeps them, made of a model's parameters before the first step.
  func averages(of parameters: consuming [String: Tensor]) -> [String: Tensor] {
    for layer in layers {
      let share = share(of: layer, at: 0)
      guard let mean = parameters[layer.mean], let variance = parameters[layer.variance] else {
        continue
      }
      parameters[layer.mean] = mean.map { Float(share * Double($0)) }
      parameters[layer.variance] = variance.map { Float((1 - share) + share * Double($0)) }
      parameters[Self.seenName(of: layer.variance)] = variance.map { Float(share * Double($0)) }
    }
    return parameters
  }

  /// A model's parameters, made of the averages as a training keeps them after so many steps.
  func parameters(of averages: consuming [String: Tensor], at step: Int) -> [String: Tensor] {
    for layer in layers {
      guard let seen = averages.removeValue(forKey: Self.seenName(of: layer.variance)) else {
        continue
      }
      let share = share(of: layer, at: step)
      // Nothing was seen, or a momentum of 1 lets nothing in.
      guard share > 0 else { continue }
      averages[layer.mean] = averages[layer.mean]?.map { Float(Double($0) / share) }
      averages[layer.variance] = seen.map { Float(Double($0) / share) }
    }
    return averages
  }
}

extension Graph {
  /// Adds to a graph in its form for training a second average of some running variances, which begins at zero.
  mutating func addSeenAverages(of variances: Set<String>) throws(GraphError) {
    let producers = producers
    for update in parameterUpdates where variances.contains(self[update.parameter].name) {
      guard let average = producers[update.value].map({ operations[$0] }),
        let attributes = average.attributes as? ConvNetGraphs.Operation.MovingAverage
      else { continue }
      let running = self[update.parameter]
      let name = RunningStatistics.seenName(of: running.name)
      let seen = addParameter(name, running.shape, .runningVariance)
      let value = try append(
        attributes, to: seen, average.inputs[1], name: name + "/moving average")
      parameterUpdates.append(ParameterUpdate(parameter: seen, value: value))
    }
  }
}

extension Tensor {
  fileprivate func isFilled(with value: Float) -> Bool {
    elementType == .float32 && elements.allSatisfy { $0 == value }
  }

  fileprivate func map(_ transform: (Float) -> Float) -> Tensor {
    Tensor(elements.map(transform), shape: shape)
  }
}
