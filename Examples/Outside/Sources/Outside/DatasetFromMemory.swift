import ConvNet

/// Pictures that a program makes: stripes across or down, in noise.
struct Stripes: Dataset {
  let name = "stripes"
  let count: Int
  let classNames = ["across", "down"]
  let imageShape: Shape? = [12, 12, 1]
  var seed: UInt64 = 0

  func label(at index: Int) -> Int { index % 2 }

  func sample(at index: Int) -> Sample {
    var random = RandomNumbers(
      RandomKey(seed: seed, purpose: .input, index: UInt32(truncatingIfNeeded: index)))
    let phase = Int(random.uniform(in: 0..<4))
    var image = Image(height: 12, width: 12, color: .black, channels: 1)
    for row in 0..<12 {
      for column in 0..<12 {
        let isBright = ((index % 2 == 0 ? row : column) + phase) / 2 % 2 == 0
        image[row, column, 0] = UInt8((isBright ? 150 : 50) + random.uniform(in: 0..<90))
      }
    }
    return Sample(image: image, label: label(at: index))
  }
}

/// A data set is a value of a small protocol.
enum DatasetFromMemory: Example {
  static func run() throws -> String {
    var model = try Model(validating: network, seed: 1)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(0.05), batchSize: 16)
    try trainer.fit(&model, on: Stripes(count: 256), epochs: 4)
    let accuracy = try Evaluation(of: model, on: Stripes(count: 100, seed: 1)).metrics.top1
    guard accuracy > 0.9 else { throw Unexpected(what: "accuracy \(accuracy)") }
    return "accuracy \(accuracy) on stripes that it has not seen"
  }

  static let network = Network("stripes", input: .image(height: 12, width: 12, channels: 1)) {
    Conv2D(8, kernel: 3, padding: .same).named("conv")
    BatchNorm()
    ReLU()
    MaxPool2D(2)
    Flatten()
    Dense(2).named("head")
  }
}
