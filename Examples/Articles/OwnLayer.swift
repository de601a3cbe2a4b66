import ConvNet

/// A convolution, its normalization and its activation, as one word.
struct ConvolutionBlock: Block {
  var channels: Int
  var stride = 1

  var body: LayerSequence {
    Conv2D(channels, kernel: 3, stride: stride, padding: .same, bias: false)
    BatchNorm()
    ReLU()
  }
}

/// y = x sigmoid(1.702 x), which is nearly the GELU (D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", 2016, section 2).
struct QuickGELU: Layer {
  var defaultName: String { "quick_gelu" }

  func append(to builder: inout LayerBuilder, input: ValueID) throws(GraphError) -> ValueID {
    let scaled = try builder.append(ScaleBy(factor: 1.702), to: input, part: "scaled")
    let gate = try builder.append(
      Operation.Activation(.sigmoid), to: scaled, part: "gate")
    return try builder.append(Operation.Multiply(), to: input, gate, part: "product")
  }
}

/// y = factor x, and its gradient dx = factor dy.
struct ScaleBy: CustomOperation {
  static let name = "articles.scaleBy"
  var factor: Float

  var traits: OperationTraits {
    OperationTraits(
      batch: .separately(linear: .inEach([0])), recomputable: .all, overwritesInput: true,
      isRandom: false, isGradient: false, isIdentityInInference: false)
  }

  func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
    [inputs[0]]
  }

  func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { outputs[0].shape.count }

  func appendGradient(
    of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
  ) throws(GraphError) -> [ValueID?] {
    guard let gradient = outputGradients[0] else { return [nil] }
    return try builder.append(ScaleBy(factor: factor), to: [gradient], of: operation)
  }

  func compute(
    output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>
  ) {
    inputs.withSpan(of: 0) { x in
      for index in x.indices { result[index] = factor * x[index] }
    }
  }
}

/// The samples of the article "A layer of your own".
enum OwnLayer {
  static func run() throws {
    let check = try GradientCheck(
      of: ScaleBy(factor: 1.702),
      inputs: [Tensor([0.3, -0.2, 1.1, -0.9] as [Float], shape: [2, 2])])
    print("relative error of the gradient:", try check.largestRelativeError())

    let network = Network("own", input: .image(height: 32, width: 32, channels: 3)) {
      ConvolutionBlock(channels: 8)
      Residual {
        ConvolutionBlock(channels: 8)
        Conv2D(8, kernel: 3, padding: .same)
      }
      QuickGELU()
      GlobalPool.average
      Dense(2)
    }
    var model = try Model(validating: network, seed: 1)
    let trainer = Trainer(
      optimizer: .adam(), schedule: .constant(0.005), batchSize: 12)
    try trainer.fit(&model, on: Bars(count: 96), epochs: 2) { print($0) }

    try model.save(to: "own.safetensors")
    let back = try Model(loading: "own.safetensors", operations: [ScaleBy.self])
    print(try Evaluation(of: back, on: Bars(count: 24)).metrics.top1)
  }
}
