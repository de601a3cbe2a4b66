import ConvNet

/// Answers of a service, of what requests bring.
struct PictureService {
  let predictor: Predictor

  init(model path: String) throws {
    predictor = try Predictor(
      loading: path, concurrency: 2, compute: ComputeOptions(threads: 1))
  }

  /// The status and the text of an answer.
  func answer(to body: [UInt8]) async -> (status: Int, text: String) {
    do {
      let classes = try await predictor.classify(.encoded(body))
      return (200, "\(classes.top(3))")
    } catch let error as ImageError {
      return (400, "\(error)")
    } catch {
      return (500, "\(error)")
    }
  }
}

/// The samples of the article "Serving".
enum Serving {
  static func run() async throws {
    try Model(validating: network, seed: 1, classNames: ["across", "down"])
      .save(to: "served.safetensors")
    let service = try PictureService(model: "served.safetensors")
    let body = try Bars(count: 1).sample(at: 0).image.encodedPNG()
    print(await service.answer(to: body), await service.answer(to: [1, 2, 3]))
    try await inside(Bars(count: 1).sample(at: 0).image)
  }

  private static let network = Network(
    "served", input: .image(height: 32, width: 32, channels: 3)
  ) {
    Conv2D(8, kernel: 3, padding: .same).named("conv")
    ReLU()
    GlobalPool.average
    Dense(2)
  }

  private static func inside(_ image: Image) async throws {
    let predictor = try Predictor(loading: "served.safetensors", outputs: ["conv"])
    let prediction = try await predictor.predict(.image(image))
    if let features = prediction.values["conv"] { print(features.shape) }
  }
}
