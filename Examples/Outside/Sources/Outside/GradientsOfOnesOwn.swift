import ConvNet

/// Gradient centralization: from what each output of a layer has of the gradient its mean is taken, g <- g - mean(g), so that
/// the weights of an output keep their sum (H. Yong, J. Huang, X. Hua, L. Zhang, "Gradient Centralization", 2020, section 3).
struct Centralization: GradientTransform {
  static let name = "outside.centralization"

  func apply(to gradients: inout Gradients) -> UpdateDecision {
    gradients.forEach { gradient in
      guard gradient.kind == .kernel else { return }
      let outputs = gradient.shape[0]
      gradient.withSpan { elements in
        let count = elements.count / outputs
        for output in 0..<outputs {
          let row = output * count..<(output + 1) * count
          let mean = row.reduce(0) { $0 + Double(elements[$1]) } / Double(count)
          for index in row { elements[index] -= Float(mean) }
        }
      }
    }
    return .update
  }
}

/// A gradient transform of one's own, before one of the package.
enum GradientsOfOnesOwn: Example {
  static func run() throws -> String {
    var model = try Model(validating: DatasetFromMemory.network, seed: 1)
    let before = sums(of: model)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(0.02),
      gradientTransforms: [Centralization(), .clipping(norm: 10)], batchSize: 16)
    try trainer.fit(&model, on: Stripes(count: 256), epochs: 6)
    let moved = zip(sums(of: model), before).map { abs($0 - $1) }.max() ?? .infinity
    guard moved < 1e-3 else { throw Unexpected(what: "a sum of weights moved by \(moved)") }
    let accuracy = try Evaluation(of: model, on: Stripes(count: 100, seed: 1)).metrics.top1
    guard accuracy > 0.9 else { throw Unexpected(what: "accuracy \(accuracy)") }
    return "every output's weights kept their sum: accuracy \(accuracy)"
  }

  /// Of the weights of each output.
  private static func sums(of model: Model) -> [Float] {
    model.graph.parameters.filter { model.graph[$0].parameterKind == .kernel }.flatMap { id in
      guard let kernel = model.parameters[model.graph[id].name] else { return [] as [Float] }
      let (outputs, weights) = (kernel.shape[0], kernel.elements)
      let count = weights.count / outputs
      return (0..<outputs).map { weights[$0 * count..<($0 + 1) * count].reduce(0, +) }
    }
  }
}
