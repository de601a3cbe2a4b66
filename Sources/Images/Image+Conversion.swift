import CImages
public import ConvNetTensors

extension Image {
  /// The picture with another number of channels.
  ///
  /// Colors become grey by ``Color/luminance``; grey becomes three equal channels; alpha, where it
  /// is lost, is composited on `background`, and where it is gained, is opaque.
  ///
  /// - Parameter channels: 1, 3 or 4.
  public func converted(toChannels channels: Int, background: Color = .white) -> Image {
    guard channels != self.channels else { return self }
    var result = Image(height: 1, width: 1, color: .black)
    result.overwrite(height: height, width: width, channels: channels) { target in
      Self.convert(
        pixels.span, channels: self.channels, into: &target, channels: channels,
        background: background)
    }
    return result
  }

  /// Converts pixels that lie elsewhere.
  ///
  /// - Precondition: both have as many pixels, of 1, 3 or 4 channels.
  package static func convert(
    _ source: Span<UInt8>, channels: Int, into target: inout MutableSpan<UInt8>,
    channels targetChannels: Int, background: Color
  ) {
    let count = source.count / channels
    precondition(source.count == count * channels && target.count == count * targetChannels)
    source.withUnsafeBufferPointer { source in
      target.withUnsafeMutableBufferPointer { target in
        ci_convert(
          source.baseAddress, UInt32(channels), target.baseAddress, UInt32(targetChannels), count,
          ci_color(red: background.red, green: background.green, blue: background.blue))
      }
    }
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
    guard tensor.shape.rank == 3 && tensor.elementType == .float32 else {
      fatalError("a picture needs float32 elements in order [H, W, C], has \(tensor)")
    }
    let pixels = tensor.elements.map { value in
      value > 0 ? UInt8((min(value, 1) * 255).rounded()) : 0
    }
    self.init(
      height: tensor.shape[0], width: tensor.shape[1], channels: tensor.shape[2], pixels: pixels)
  }
}
