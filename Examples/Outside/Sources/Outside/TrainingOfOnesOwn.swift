import ConvNet

/// The mean of (output - label)^2.
struct SquaredError: Objective {
  static let name = "outside.squaredError"
  var takesDistributions: Bool { true }

  func append(
    to graph: inout Graph, output: ValueID, labels: ValueID, name: String
  ) throws(GraphError) -> ObjectiveValues {
    let loss = try graph.append(
      Operation.MeanSquaredError(), to: [output, labels], name: name + "/squared error")
    return ObjectiveValues(loss: loss[0], scores: output)
  }
}

/// w <- w - rate g / (sqrt(sum of all g^2 so far) + 1e-10).
struct AdaptiveGradient: Optimizer {
  static let name = "outside.adaptiveGradient"
  var slots: [String] { ["squares"] }
  var updatesElementsSeparately: Bool { true }

  func update(
    _ weights: inout MutableSpan<Float>, gradient: Span<Float>, in step: borrowing OptimizerStep
  ) {
    step.withSlot("squares") { squares in
      for index in weights.indices {
        squares[index] += gradient[index] * gradient[index]
        weights[index] -=
          step.learningRate * gradient[index] / (squares[index].squareRoot() + 1e-10)
      }
    }
  }
}

/// From zero to the rate in the first steps.
struct WarmUp: LearningRateSchedule {
  static let name = "outside.warmUp"
  var rate: Float
  var steps: Int

  func learningRate(at point: TrainingPoint) -> Float {
    rate * min(1, Float(point.step + 1) / Float(steps))
  }
}

/// Objective, optimizer and schedule of one's own in a trainer.
enum TrainingOfOnesOwn: Example {
  static func run() throws -> String {
    var model = try Model(validating: DatasetFromMemory.network, seed: 1)
    let trainer = Trainer(
      optimizer: AdaptiveGradient(), schedule: WarmUp(rate: 0.02, steps: 16),
      objective: SquaredError(), batchSize: 16)
    try trainer.fit(&model, on: Stripes(count: 256), epochs: 6)
    let accuracy = try Evaluation(of: model, on: Stripes(count: 100, seed: 1)).metrics.top1
    guard accuracy > 0.9 else { throw Unexpected(what: "accuracy \(accuracy)") }
    return "\(trainer.optimizer), \(trainer.schedule): accuracy \(accuracy)"
  }
}
