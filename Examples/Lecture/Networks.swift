import ConvNet

/// A strong channel inhibits its neighbours.
enum ResponseNormalizationTopic: Topic {
  static let name = "response-normalization"
  static let summary = "local response normalization with AlexNet's constants"

  static func show() throws {
    let strong: [Float] = [10, 10, 10, 200, 10, 10, 10, 10]
    let normalized = try computed(
      Operation.LocalResponseNormalization(size: 5), of: Tensor(strong, shape: [1, 8, 1, 1]))
    printRows("eight channels of one pixel", strong, columns: 8, width: 8)
    printRows(
      "y = x / (2 + 0.0001 sum of five x^2)^0.75: neighbours of the strong one are weaker than the rest",
      normalized.elements, columns: 8, width: 8)
  }
}

/// Normalized by the batch in training, by moving averages in inference.
enum BatchNormalizationTopic: Topic {
  static let name = "batch-normalization"
  static let summary = "batch normalization in training, its moving averages, and inference"

  static func show() throws {
    let network = Network("normalization", input: .features(2)) { BatchNorm().named("bn") }
    let model = try Model(validating: network, seed: 1)
    let batch = Tensor([1, 100, 2, 200, 3, 300, 6, 600] as [Float], shape: [4, 2])
    printRows("four examples of two neurons", batch.elements, columns: 2, width: 9)

    let store = try ParameterStore(model.parameters)
    var training = try Executable(
      network.graph(batch: 4), training: store, options: CompilationOptions(mode: .training))
    for count in 1...3 {
      let output = try training.run([Network.inputName: batch])[Network.outputName]
      if count == 1 {
        printRows(
          "training: mean 0 and variance 1 of each neuron over the batch", output?.elements ?? [],
          columns: 2, width: 9)
        print("moving averages, 0.99 old + 0.01 of the batch, from 0 and 1:")
      }
      let averages = [store["bn.running_mean"], store["bn.running_var"]].map { $0?.elements ?? [] }
      print(
        "  after step \(count): mean" + averages[0].map { number($0, width: 9) }.joined()
          + ", variance" + averages[1].map { number($0, width: 11) }.joined())
    }
    var parameters = store.values
    parameters["bn.running_mean"] = Tensor([3, 300] as [Float])
    parameters["bn.running_var"] = Tensor([3.5, 35_000] as [Float])
    var inference = try Executable(network.graph(batch: 1), parameters: parameters)
    for example: [Float] in [[3, 300], [6, 600]] {
      let output = try inference.run([Network.inputName: Tensor(example, shape: [1, 2])])
      print(
        "inference with averages 3, 300 and 3.5, 35000 of"
          + example.map { number($0, width: 5) }.joined() + ":"
          + (output[Network.outputName]?.elements ?? []).map { number($0, width: 7) }.joined())
    }
  }
}

/// The blocks of figure 2 of the paper, on the input and with the channels of block 3a.
enum InceptionTopic: Topic {
  static let name = "inception"
  static let summary = "an Inception block without and with dimensionality reduction"

  static func show() throws {
    func unit(_ channels: Int, _ kernel: Int) -> LayerSequence {
      LayerSequence {
        Conv2D(channels, kernel: kernel, padding: .same)
        ReLU()
      }
    }
    try printCosts(
      [
        (
          "naive: 1x1, 3x3, 5x5, pooling",
          LayerSequence { NaiveInceptionBlock(one: 64, three: 128, five: 32) }
        ),
        (
          "1x1 convolutions before and behind (3a)",
          LayerSequence {
            Concatenate(
              unit(64, 1),
              LayerSequence {
                unit(96, 1); unit(128, 3)
              },
              LayerSequence {
                unit(16, 1); unit(32, 5)
              },
              LayerSequence {
                MaxPool2D(3, stride: 1, padding: .same); unit(32, 1)
              })
          }
        ),
      ], on: .image(height: 28, width: 28, channels: 192))
    print("Without reduction every block adds its input's channels to its own.")
  }
}

/// A block that learned nothing yet is the identity.
enum ResidualTopic: Topic {
  static let name = "residual"
  static let summary = "y = F(x) + x: what a block does before it has learned anything"

  static func show() throws {
    let body = LayerSequence {
      Conv2D(1, kernel: 3, padding: .same, initializer: .zeros)
    }
    let image = Tensor((1...9).map(Float.init), shape: [3, 3, 1])
    printRows("x", image.elements, columns: 3)
    for (title, layers) in [
      (
        "three plain layers F whose weights are zero: all is lost",
        LayerSequence([body, body, body])
      ),
      (
        "three residual blocks F(x) + x: x goes through",
        LayerSequence((0..<3).map { _ in Residual { body } })
      ),
    ] {
      let network = Network("stack", input: .image(height: 3, width: 3, channels: 1)) { layers }
      let model = try Model(validating: network, seed: 1)
      printRows(title, try model.run(image).elements, columns: 3)
    }
  }
}

/// How a residual network gets past a change of its channels.
enum ShortcutsTopic: Topic {
  static let name = "shortcuts"
  static let summary = "ResNet-34 with shortcuts A, B and C, and without"

  static func show() throws {
    let options = ModelOptions(height: 224, width: 224, channels: 3, classes: 1000)
    let networks =
      [("plain", plainNet(.layers34, options))]
      + ResNetShortcut.allCases.map {
        ("shortcuts \($0.rawValue.uppercased())", resNet(.layers34, shortcut: $0, options))
      }
    print(padded("", to: 16) + "parameters  multiply-adds")
    for (name, network) in networks {
      let cost = try network.graph().cost
      print(
        padded(name, to: 16) + padded(HumanReadable.count(cost.parameters), to: 12)
          + HumanReadable.count(cost.multiplyAdds))
    }
    print(
      "A: zeros for new channels; B: 1x1 convolutions where channels change; C: in every block.")
  }
}
