import ConvNet

/// The samples of the article "A first network".
enum FirstNetwork {
  static func run() throws {
    let train = try FashionMNIST.load(split: .train)
    let test = try FashionMNIST.load(split: .test)

    let network = Network("lenet5", input: .image(height: 28, width: 28, channels: 1)) {
      Conv2D(6, kernel: 5, padding: .same)
      Tanh()
      AveragePool2D(2)
      Conv2D(16, kernel: 5)
      Tanh()
      AveragePool2D(2)
      Flatten()
      Dense(120)
      Tanh()
      Dense(84)
      Tanh()
      Dense(10)
    }

    var model = try Model(validating: network, seed: 42, classNames: FashionMNIST.classNames)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .plateau(from: 0.01))
    try trainer.fit(&model, on: train, validating: test, epochs: 2) { print($0) }

    let evaluation = try Evaluation(of: model, on: test)
    print("right:", evaluation.metrics.top1)
    for pair in evaluation.worstConfusions(limit: 3) {
      print("\(pair.count) of \(pair.label) taken for \(pair.predicted)")
    }

    try model.save(to: "lenet5.safetensors")
    let classifier = try Classifier(loading: "lenet5.safetensors", batch: 1)
    print(try classifier.classify(test.sample(at: 0).image).top(3))
  }
}
