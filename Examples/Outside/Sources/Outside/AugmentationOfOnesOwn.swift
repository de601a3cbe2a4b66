import ConvNet

/// Light and dark changed for each other, in half of the pictures.
struct Invert: CustomAugmentation {
  static let name = "outside.invert"
  var probability: Float = 0.5

  func apply(to image: inout Image, random: inout RandomNumbers) {
    guard random.uniform() < probability else { return }
    image.withMutablePixels { pixels in
      for index in pixels.indices { pixels[index] = 255 - pixels[index] }
    }
  }
}

/// A step of one's own stands among the others, and the model's file says that it was there.
enum AugmentationOfOnesOwn: Example {
  static func run() throws -> String {
    var model = try Model(validating: DatasetFromMemory.network, seed: 4)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(0.05),
      augmentation: [.custom(Invert()), .horizontalReflection()], batchSize: 16)
    try trainer.fit(&model, on: Stripes(count: 128), epochs: 2)
    try model.save(to: "inverted.safetensors")
    let steps = try Model(loading: "inverted.safetensors").augmentation?.steps.map(\.name) ?? []
    guard steps == ["outside.invert", "horizontalReflection"] else {
      throw Unexpected(what: "the file has \(steps)")
    }
    return "trained with \(steps.joined(separator: ", "))"
  }
}
