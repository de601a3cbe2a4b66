public import ConvNetTensors

extension Image {
  /// The picture with another number of channels.
  ///
  /// Colours become grey by ``Color/luminance``; grey becomes three equal channels; alpha, where it
  /// is lost, is composited on `background`, and where it is gained, is opaque.
  ///
  /// - Parameter channels: 1, 3 or 4.
  public func converted(toChannels channels: Int, background: Color = .white) -> Image {
    guard channels != self.channels else { return self }
    var result: [UInt8] = []
    result.reserveCapacity(height * width * channels)
    for start in stride(from: 0, to: pixels.count, by: self.channels) {
      result += color(at: start, background: background).values(channels: channels)
    }
    return Image(height: height, width: width, channels: channels, pixels: result)
  }

  private func color(at start: Int, background: Color) -> Color {
    if channels == 1 { return Color(grey: pixels[start]) }
    let color = Color(
      red: pixels[start], green: pixels[start + 1], blue: pixels[start + 2])
    guard channels == 4 else { return color }
    let alpha = UInt32(pixels[start + 3])
    func blend(_ front: UInt8, _ back: UInt8) -> UInt8 {
      UInt8((UInt32(front) * alpha + UInt32(back) * (255 - alpha) + 127) / 255)
    }
    return Color(
      red: blend(color.red, background.red), green: blend(color.green, background.green),
      blue: blend(color.blue, background.blue))
  }

  /// The picture as `float32` numbers from 0 to 1 in order [H, W, C]: each value divided by 255.
  public var tensor: Tensor {
    Tensor(shape: [height, width, channels]) { elements in
      for index in elements.indices { elements[index] = Float(pixels[index]) / 255 }
    }
  }

  /// A picture of `float32` numbers from 0 to 1 in order [H, W, C]: each times 255, rounded.
  /// Numbers outside, and those that are not numbers, become the nearer end, or black.
  ///
  /// - Precondition: the tensor is `float32` of three dimensions, the last 1, 3 or 4.
  public init(_ tensor: Tensor) {
    precondition(
      tensor.shape.rank == 3 && tensor.elementType == .float32,
      "a picture needs float32 elements in order [H, W, C], has \(tensor)")
    let pixels = tensor.elements.map { value in
      value > 0 ? UInt8((min(value, 1) * 255).rounded()) : 0
    }
    self.init(
      height: tensor.shape[0], width: tensor.shape[1], channels: tensor.shape[2], pixels: pixels)
  }
}
