package import ConvNetGraphs
public import ConvNetImages
package import ConvNetTensors

/// What is known of a picture that is looked for: the picture as it was observed, and how that came about.
public struct PriorProblem: Sendable {
  /// As observed: grey or in color, without alpha.
  public let observed: Image
  /// One a pixel of the observed picture, row by row: whether it is known. `nil` where all are.
  public let known: [Bool]?
  /// How much larger along each axis the picture is that is looked for.
  public let factor: Int
  /// Whether known pixels are the picture's own, so that the result has them as they are.
  public let keepsKnownPixels: Bool

  private init(_ observed: Image, known: [Bool]?, factor: Int, keepsKnownPixels: Bool) {
    self.observed =
      observed.channels == 4 ? observed.converted(toChannels: 3) : observed
    self.known = known
    self.factor = factor
    self.keepsKnownPixels = keepsKnownPixels
  }

  /// A picture and noise: the loss is the mean squared difference from what is observed.
  public static func denoising(_ observed: Image) -> PriorProblem {
    PriorProblem(observed, known: nil, factor: 1, keepsKnownPixels: false)
  }

  /// A picture of which pixels are missing: the loss counts those that are known.
  ///
  /// - Parameter known: one a pixel, row by row.
  /// - Throws: ``InsightError`` where they are not as many as pixels, or none is known.
  public static func inpainting(_ observed: Image, known: [Bool]) throws -> PriorProblem {
    guard known.count == observed.height * observed.width else {
      throw InsightError.extents(
        what: "the number of pixels of the mask", actual: [known.count],
        expected: [observed.height * observed.width])
    }
    guard known.contains(true) else {
      throw InsightError.setting(
        name: "the mask", value: "black everywhere", requirement: "white where a pixel is known")
    }
    return PriorProblem(observed, known: known, factor: 1, keepsKnownPixels: true)
  }

  /// The same with a picture as the mask: bright pixels are known, dark ones missing.
  ///
  /// - Throws: ``InsightError/extents(what:actual:expected:)`` where it has other extents.
  public static func inpainting(_ observed: Image, mask: Image) throws -> PriorProblem {
    guard mask.height == observed.height, mask.width == observed.width else {
      throw InsightError.extents(
        what: "the mask", actual: [mask.width, mask.height],
        expected: [observed.width, observed.height])
    }
    return try inpainting(
      observed, known: mask.converted(toChannels: 1, background: .white).pixels.map { $0 > 127 })
  }

  /// A picture of which a share of the pixels is hidden, drawn at random.
  ///
  /// - Throws: ``InsightError/setting(name:value:requirement:)`` where the share is not within 0 and 1, or of a small picture
  ///   nothing is hidden, or all.
  public static func restoration(
    of picture: Image, hiding share: Double, seed: UInt64
  ) throws -> PriorProblem {
    guard share > 0, share < 1 else {
      throw InsightError.setting(
        name: "the share of missing pixels", value: "\(share)", requirement: "above 0 and below 1")
    }
    var numbers = RandomNumbers(RandomKey(seed: seed, purpose: .split))
    let known = (0..<picture.height * picture.width).map { _ in
      Double(numbers.uniform()) >= share
    }
    let knownCount = known.count { $0 }
    guard 0 < knownCount, knownCount < known.count else {
      throw InsightError.setting(
        name: "the number of pixels that stay known of \(picture.width)x\(picture.height)",
        value: "\(knownCount)",
        requirement:
          "above 0 and below \(known.count); take a larger picture, another share or another seed")
    }
    return try inpainting(picture, known: known)
  }

  /// A picture that was made smaller by a whole factor: the loss compares what the operator of that, Lanczos's, makes of the
  /// result.
  ///
  /// - Throws: ``InsightError/setting(name:value:requirement:)`` for a factor that is not from 2 to 16.
  public static func superResolution(_ observed: Image, factor: Int) throws -> PriorProblem {
    guard 2...16 ~= factor else {
      throw InsightError.setting(
        name: "the factor", value: "\(factor)", requirement: "from 2 to 16")
    }
    return PriorProblem(observed, known: nil, factor: factor, keepsKnownPixels: false)
  }

  /// Of the picture that is looked for.
  public var height: Int { observed.height * factor }
  /// Of the picture that is looked for.
  public var width: Int { observed.width * factor }
  /// 1 or 3.
  public var channels: Int { observed.channels }

  /// The observed picture as the loss reads it: channels first, from 0 to 1.
  var target: Tensor { Self.planes(of: observed) }

  static func planes(of image: Image) -> Tensor {
    let (height, width, channels) = (image.height, image.width, image.channels)
    return Tensor(shape: [1, channels, height, width]) { elements in
      for pixel in 0..<height * width {
        for channel in 0..<channels {
          elements[channel * height * width + pixel] =
            Float(image.pixels[pixel * channels + channel]) / 255
        }
      }
    }
  }

  /// One or zero for each number of the observed picture, channels first; `nil` where all are known.
  var mask: Tensor? {
    known.map { known in
      Tensor(shape: [1, channels, observed.height, observed.width]) { elements in
        for index in elements.indices { elements[index] = known[index % known.count] ? 1 : 0 }
      }
    }
  }

  /// The picture that was observed, at the size of the one that is looked for, by the means that there are without a network:
  /// enlarged by Keys's cubic; missing pixels black. What a result is compared with.
  public var baseline: Image {
    if factor > 1 { return observed.resized(height: height, width: width, filter: .bicubic) }
    guard let known else { return observed }
    var image = observed
    image.withMutablePixels { pixels in
      for index in pixels.indices where !known[index / channels] { pixels[index] = 0 }
    }
    return image
  }

  /// A result with the known pixels in their places, where these are the picture's own.
  func withKnownPixels(_ image: Image) -> Image {
    guard keepsKnownPixels, let known else { return image }
    var image = image
    image.withMutablePixels { pixels in
      for index in pixels.indices where known[index / channels] {
        pixels[index] = observed.pixels[index]
      }
    }
    return image
  }
}

/// The operator that makes pictures smaller by a whole factor, as ``ResizingFilter/lanczos`` does within a picture, so that the
/// loss of super-resolution is computed by two convolutions: along rows, and along columns.
package struct LanczosReduction {
  let factor: Int

  package init(factor: Int) { self.factor = factor }

  /// What each pixel of the smaller picture weighs those around it by; their sum is one.
  var taps: [Float] {
    let filter = ResizingFilter.lanczos
    // The middle of a smaller pixel is that of a pixel where the factor is odd, and lies between two where it is even.
    let count = 2 * Int(filter.support) * factor - factor % 2
    let weights = (0..<count).map {
      filter.weight(at: (Double($0) - Double(count - 1) / 2) / Double(factor))
    }
    let sum = weights.reduce(0, +)
    return weights.map { Float($0 / sum) }
  }

  /// Pixels of a border, which is repeated, on each side.
  var border: Int { (taps.count - factor) / 2 }

  /// A kernel [channels, channels, taps, 1], or [.., 1, taps], that treats each channel alike and by itself.
  func kernel(channels: Int, isVertical: Bool) -> Tensor {
    let taps = taps
    return Tensor(
      shape: Shape([channels, channels] + (isVertical ? [taps.count, 1] : [1, taps.count]))
    ) { elements in
      for channel in 0..<channels {
        let first = (channel * channels + channel) * taps.count
        for (index, tap) in taps.enumerated() { elements[first + index] = tap }
      }
    }
  }

  /// Appends the reduction of a picture.
  ///
  /// - Returns: the smaller picture, and the kernels that are inputs of the graph, by their names.
  package func append(
    to graph: inout Graph, picture: ValueID
  ) throws -> (value: ValueID, inputs: [String: Tensor]) {
    let side = Padding.Sides(before: border, after: border)
    let channels = graph[picture].shape[1]
    var value = try graph.append(
      Operation.Pad(sides: [side, side], mode: .edge), to: picture, name: "reduction/border")
    var inputs: [String: Tensor] = [:]
    for isVertical in [true, false] {
      let name = isVertical ? "reduction/rows" : "reduction/columns"
      let kernel = kernel(channels: channels, isVertical: isVertical)
      let weight = graph.addInput("\(name) weights", ValueType(kernel.shape))
      inputs["\(name) weights"] = kernel
      value = try graph.append(
        Operation.Convolution(
          strides: isVertical ? [factor, 1] : [1, factor], padding: .valid, hasBias: false),
        to: value, weight, name: name)
    }
    return (value, inputs)
  }
}
