import ConvNet

extension OperationTraits {
  /// Of an operation on elements, each by itself.
  static func outside(isGradient: Bool, linear: BatchTreatment.Linearity) -> OperationTraits {
    OperationTraits(
      batch: .separately(linear: linear), recomputable: .all, overwritesInput: true,
      isRandom: false, isGradient: isGradient, isIdentityInInference: false)
  }
}

/// An activation made of an operation from outside the package.
struct SignedSquareLayer: Layer {
  var defaultName: String { "square" }

  func append(to builder: inout LayerBuilder, input: ValueID) throws(GraphError) -> ValueID {
    try builder.append(SignedSquare(scale: 0.5), to: input)
  }
}

/// The gradient is checked with differences; a model with the operation is trained, saved, and read by whoever has it.
enum OperationOfOnesOwn: Example {
  static func run() throws -> String {
    let check = try GradientCheck(
      of: SignedSquare(scale: 0.5),
      inputs: [Tensor([0.3, -0.2, 1.1, -0.9] as [Float], shape: [2, 2])])
    let error = try check.largestRelativeError()
    guard error < 1e-3 else { throw Unexpected(what: "gradient off by \(error)") }

    let network = Network("squared", input: .image(height: 12, width: 12, channels: 1)) {
      Conv2D(6, kernel: 3)
      SignedSquareLayer()
      Flatten()
      Dense(2)
    }
    var model = try Model(validating: network, seed: 3)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(0.01), batchSize: 16)
    try trainer.fit(&model, on: Stripes(count: 256), epochs: 8)
    try model.save(to: "squared.safetensors")
    let refusal = Result { try Model(loading: "squared.safetensors") }
    guard case .failure(let reason) = refusal, "\(reason)".contains(SignedSquare.name) else {
      throw Unexpected(what: "without its operation the file gives \(refusal)")
    }
    let back = try Model(
      loading: "squared.safetensors", operations: [SignedSquare.self, SignedSquareGradient.self])
    let accuracy = try Evaluation(of: back, on: Stripes(count: 100, seed: 1)).metrics.top1
    guard accuracy > 0.9 else { throw Unexpected(what: "accuracy \(accuracy)") }
    return "gradient within \(error), accuracy \(accuracy)"
  }
}
