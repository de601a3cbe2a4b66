import ConvNet

/// The bytes of a picture file, as a request brings them; what is no picture is refused, and nothing else suffers.
enum PictureFromBytes: Example {
  static func run() async throws -> String {
    let model = try Model(validating: DatasetFromMemory.network, seed: 7)
    let predictor = try Predictor(model)
    let picture = Stripes(count: 1).sample(at: 0).image
    let fromBytes = try await predictor.classify(.encoded(picture.encodedPNG()))
    guard fromBytes == (try await predictor.classify(.image(picture))) else {
      throw Unexpected(what: "another answer from bytes")
    }
    do {
      _ = try await predictor.classify(.encoded([71, 73, 70]))
      throw Unexpected(what: "an answer for no picture")
    } catch let error as ImageError {
      return "\(fromBytes.top(1)[0]); three bytes: \(error)"
    }
  }
}
