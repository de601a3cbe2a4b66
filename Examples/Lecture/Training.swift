import ConvNet

/// The nonlinearities as curves of numbers.
enum ActivationsTopic: Topic {
  static let name = "activations"
  static let summary = "ReLU, tanh, sigmoid and others at some points"

  static func show() throws {
    let points: [Float] = [-4, -2, -1, -0.5, 0, 0.5, 1, 2, 4]
    print(padded("x", to: 16) + points.map { number($0, width: 8) }.joined())
    let functions: [ActivationFunction] = [
      .relu, .tanh, .sigmoid, .relu6, .leakyReLU(slope: 0.1), .elu(alpha: 1), .silu, .gelu,
    ]
    for function in functions {
      let values = try computed(
        Operation.Activation(function), of: Tensor(points, shape: [1, points.count]))
      print(
        padded("\(function)", to: 16) + values.elements.map { number($0, width: 8) }.joined())
    }
  }
}

/// The lecture's update by hand beside the optimizer's.
enum MomentumTopic: Topic {
  static let name = "momentum"
  static let summary = "v <- 0.9 v - a dL/dw - 0.0005 a w, by hand and by the optimizer"

  static func show() throws {
    let network = Network("line", input: .features(1)) { Dense(2, bias: false).named("dense") }
    let rate: Float = 0.5
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .constant(rate))
    let step = try TrainingStep(Model(validating: network, seed: 1), trainer)
    var weight = step.model.parameters["dense.weight"]?.elements[0] ?? 0
    var velocity: Float = 0
    print("of one weight w, with a learning rate a of \(rate)")
    print("  step    loss   dL/dw  v by hand  w by hand  w of the optimizer")
    for count in 1...8 {
      let loss = try step.run(
        Tensor([1] as [Float], shape: [1, 1]), labels: Tensor([0] as [Int32]))
      let gradient = try step.gradient(of: "dense.weight")?.elements[0] ?? 0
      velocity = 0.9 * velocity - rate * gradient - 0.0005 * rate * weight
      weight += velocity
      try step.update()
      let actual = step.model.parameters["dense.weight"]?.elements[0] ?? 0
      print(
        number(Float(count)) + number(Float(loss), width: 8) + number(gradient, width: 8)
          + number(velocity, width: 11) + number(weight, width: 11) + number(actual, width: 20))
    }
  }
}

/// When the learning rate is divided by ten.
enum PlateauTopic: Topic {
  static let name = "plateau"
  static let summary = "the learning rate is divided by ten when the error stops improving"

  static func show() {
    let errors = [0.50, 0.38, 0.31, 0.30, 0.31, 0.30, 0.22, 0.20, 0.21, 0.20, 0.18, 0.18, 0.18]
    let schedule = Plateau(from: 0.01, patience: 2)
    print("\(schedule)\n  epoch  rate      error after it")
    for epoch in errors.indices {
      let rate = schedule.learningRate(
        at: TrainingPoint(epoch: epoch, errors: Array(errors[..<epoch])))
      let bar = String(repeating: "#", count: Int(errors[epoch] * 60))
      print(
        number(Float(epoch + 1), width: 7) + "  "
          + padded(HumanReadable.quantity(Double(rate)), to: 9)
          + HumanReadable.fixed(errors[epoch], digits: 2) + " " + bar)
    }
  }
}

/// Windows and reflections of a picture, as a training sees them.
enum AugmentationTopic: Topic {
  static let name = "augmentation"
  static let summary = "random windows and reflections of one picture"

  /// One picture many times: the letter F.
  private struct Letters: Dataset {
    let name = "letters"
    let count = 4
    let classNames = ["F", "others"]
    let imageShape: Shape? = [10, 10, 1]

    func label(at index: Int) -> Int { 0 }

    func sample(at index: Int) -> Sample {
      var image = Image(height: 10, width: 10, color: .black, channels: 1)
      for place in 1..<9 {
        image[place, 2, 0] = 255
        if place < 8 { image[1, place, 0] = 255 }
        if place < 6 { image[4, place, 0] = 255 }
      }
      return Sample(image: image, label: 0)
    }
  }

  static func show() throws {
    let preparation = try Preprocessing(height: 10, width: 10, channels: 1)
    print("the picture")
    try draw(BatchLoader(Letters(), batchSize: 1, preprocessing: preparation), count: 1)
    let augmentation: Augmentation = [.randomCrop(padding: 2), .horizontalReflection()]
    print("\n\(augmentation)")
    try draw(
      BatchLoader(
        Letters(), batchSize: 4, preprocessing: preparation, augmentation: augmentation,
        shuffleSeed: 3), count: 4)
    print("\nconvnet augmentations lists those of the lecture's networks.")
  }

  private static func draw(_ loader: BatchLoader, count: Int) throws {
    loader.start(epoch: 0)
    guard let pixels = try loader.next()?.images.elements else { return }
    for row in 0..<10 {
      let parts = (0..<count).map { sample in
        (0..<10).map { pixels[(sample * 10 + row) * 10 + $0] > 0.5 ? "#" : "." }.joined()
      }
      print("  " + parts.joined(separator: "   "))
    }
  }
}

/// Which elements dropout keeps, and that their mean stays.
enum DropoutTopic: Topic {
  static let name = "dropout"
  static let summary = "dropout in training, step by step, and in inference"

  static func show() throws {
    let dropout = Operation.Dropout(rate: 0.5, index: 0)
    let ones = Tensor(repeating: Float(1), shape: [1, 16])
    for step in 0..<3 {
      printRows(
        "training, step \(step): what is kept is divided by 1 - 0.5",
        try computed(dropout, of: ones, step: step).elements, columns: 16, width: 3)
    }
    printRows("inference", try computed(dropout, of: ones).elements, columns: 16, width: 3)
    let many = try computed(
      dropout, of: Tensor(repeating: Float(1), shape: [1, 100_000]), step: 0
    ).elements
    print("mean of 100,000 in training:" + number(many.reduce(0, +) / Float(many.count)))
  }
}

/// The derivative of the loss by every parameter, backwards and by moving the parameter.
enum BackpropagationTopic: Topic {
  static let name = "backpropagation"
  static let summary = "gradients of a small network beside differences of its loss"

  static func show() throws {
    let network = Network("small", input: .image(height: 8, width: 8, channels: 1)) {
      Conv2D(4, kernel: 3, padding: .same).named("conv")
      Tanh()
      AveragePool2D(2)
      Flatten()
      Dense(3).named("dense")
    }
    let model = try Model(validating: network, seed: 1)
    var graph = try network.graph(batch: 2)
    let labels = graph.addInput("labels", ValueType([2], .int32))
    let logits = graph.outputs[0].value
    let loss = try graph.append(Operation.CrossEntropy(), to: [logits, labels], name: "loss")[0]
    var given = model.parameters
    given[Network.inputName] = Tensor(
      (0..<128).map { Float($0 * $0 % 17) / 17 }, shape: [2, 1, 8, 8])
    given["labels"] = Tensor([0, 2] as [Int32])
    let errors = try GradientCheck(of: graph, loss: loss, given: given).relativeErrors()
    print("largest difference of the gradient by backpropagation from the quotient of differences,")
    print("(loss(w + h) - loss(w - h)) / 2h, as a share of the largest gradient:")
    for (parameter, error) in errors.sorted(by: { $0.key < $1.key }) {
      print("  " + padded(parameter, to: 16) + HumanReadable.quantity(error))
    }
  }
}

/// What label smoothing makes of a target, and of the loss.
enum SmoothingTopic: Topic {
  static let name = "label-smoothing"
  static let summary = "cross-entropy with labels as they are and smoothed by 0.1"

  static func show() throws {
    let label = Tensor([0] as [Int32])
    print("three classes, the first is right; the logit of it grows")
    print("   logit  loss, labels as they are  loss, smoothed by 0.1")
    for logit: Float in [0, 1, 2, 3, 4, 6, 8] {
      let logits = Tensor([logit, 0, 0], shape: [1, 3])
      let losses = try [0, 0.1].map { share in
        try computed(Operation.CrossEntropy(labelSmoothing: share), of: logits, label).elements[0]
      }
      print(number(logit, width: 8) + number(losses[0], width: 26) + number(losses[1], width: 23))
    }
    print("Smoothed, being ever surer does not pay: the loss has its least at a finite logit.")
  }
}
