import ConvNet

/// A value inside is read by the name of its layer, beside the prediction.
enum ValueInside: Example {
  static func run() async throws -> String {
    guard let entry = ModelRegistry["resnet20"] else { throw Unexpected(what: "no resnet20") }
    let model = try Model(validating: entry.network, seed: 5)
    let predictor = try Predictor(model, outputs: ["layer2"])
    let picture = Image(height: 32, width: 32, color: .init(red: 200, green: 90, blue: 20))
    guard let features = try await predictor.predict(.image(picture)).values["layer2"] else {
      throw Unexpected(what: "no features")
    }
    guard features.shape == [32, 16, 16] else {
      throw Unexpected(what: "features of \(features.shape)")
    }
    do {
      _ = try Predictor(model, outputs: ["layer9"])
      throw Unexpected(what: "a layer that is not there")
    } catch let error as InferenceError {
      return "features of \(features.shape); \(error)"
    }
  }
}
