/// Changes of colors as Pillow's `ImageEnhance` and `ImageOps` make them: a change by a factor f
/// goes from a degenerate picture (f = 0) through the picture itself (f = 1) and beyond,
///
///     f value + (1 - f) degenerate,
///
/// cut off at 0 and 255, the fraction dropped.
extension Canvas {
  /// Replaces every value of the picture by a table's.
  private mutating func map(_ value: (UInt8) -> UInt8) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { table in
      for level in 0..<256 { table[level] = value(UInt8(level)) }
      withMutablePixels { pixels in
        for index in pixels.indices { pixels[index] = table[Int(pixels[index])] }
      }
    }
  }

  private static func blend(_ degenerate: Float, _ value: UInt8, _ factor: Float) -> UInt8 {
    UInt8(max(0, min(255, degenerate + factor * (Float(value) - degenerate))))
  }

  /// The degenerate picture is black.
  package mutating func scaleBrightness(by factor: Float) {
    map { Self.blend(0, $0, factor) }
  }

  /// The degenerate picture is the mean luminance.
  package mutating func scaleContrast(by factor: Float) {
    flatten()
    let (channels, pixelCount) = (channels, height * width)
    let sum = withPixels { pixels in
      var sum = 0
      for pixel in 0..<pixelCount {
        sum &+= Int(Self.luminance(pixels, at: pixel * channels, channels: channels))
      }
      return sum
    }
    let mean = (Double(sum) / Double(pixelCount) + 0.5).rounded(.down)
    map { Self.blend(Float(mean), $0, factor) }
  }

  /// The degenerate picture is the luminance of each pixel.
  package mutating func scaleSaturation(by factor: Float) {
    guard channels == 3 else { return }
    let pixelCount = height * width
    withMutablePixels { pixels in
      for pixel in 0..<pixelCount {
        let start = pixel * 3
        let grey = Float(Self.luminance(UnsafeBufferPointer(pixels), at: start, channels: 3))
        for index in start..<start + 3 {
          pixels[index] = Self.blend(grey, pixels[index], factor)
        }
      }
    }
  }

  /// The degenerate picture is smoothed: of each pixel and its eight neighbours, the pixel counts
  /// five times. Pixels at the border stay.
  package mutating func scaleSharpness(by factor: Float) {
    flatten()
    let (height, width, channels) = (height, width, channels)
    guard height > 2, width > 2 else { return }
    let line = width * channels
    rewrite(extents) { source, target in
      for index in 0..<height * line { target[index] = source[index] }
      for row in 1..<height - 1 {
        for index in row * line + channels..<(row + 1) * line - channels {
          var sum = 4 * Int(source[index])
          for neighbour in stride(from: index - line, through: index + line, by: line) {
            sum &+= Int(source[neighbour - channels]) &+ Int(source[neighbour])
            sum &+= Int(source[neighbour + channels])
          }
          // Rounded to the nearest level, as the smoothed picture is one of its own.
          target[index] = Self.blend(Float((2 * sum + 13) / 26), source[index], factor)
        }
      }
    }
  }

  /// The hue turned by a share of the full circle; saturation and value of the HSV model stay.
  package mutating func turnHue(by share: Float) {
    guard channels == 3 else { return }
    let pixelCount = height * width
    withMutablePixels { pixels in
      for pixel in 0..<pixelCount {
        let start = pixel * 3
        let (red, green, blue) = Self.turned(
          Float(pixels[start]), Float(pixels[start + 1]), Float(pixels[start + 2]), by: share)
        pixels[start] = UInt8(red + 0.5)
        pixels[start + 1] = UInt8(green + 0.5)
        pixels[start + 2] = UInt8(blue + 0.5)
      }
    }
  }

  private static func turned(
    _ red: Float, _ green: Float, _ blue: Float, by share: Float
  ) -> (Float, Float, Float) {
    let value = max(red, green, blue)
    let chroma = value - min(red, green, blue)
    guard chroma > 0 else { return (red, green, blue) }
    // In sixths of the circle, red at 0.
    var hue =
      value == red
      ? (green - blue) / chroma
      : value == green ? 2 + (blue - red) / chroma : 4 + (red - green) / chroma
    hue += 6 * share
    func component(_ offset: Float) -> Float {
      var place = hue + offset
      if place >= 6 { place -= 6 }
      if place < 0 { place += 6 }
      return value - chroma * max(0, min(place, 4 - place, 1))
    }
    if hue < 0 { hue += 6 }
    if hue >= 6 { hue -= 6 }
    return (component(5), component(3), component(1))
  }

  /// Keeps the upper bits of every value.
  ///
  /// - Parameter bits: from 1 to 8.
  package mutating func posterize(bits: Int) {
    let mask = ~UInt8(truncatingIfNeeded: 255 >> bits)
    map { $0 & mask }
  }

  /// Inverts the values that are not below a threshold.
  package mutating func solarize(from threshold: Float) {
    map { Float($0) < threshold ? $0 : 255 - $0 }
  }

  /// Stretches the values of each channel to all of 0 to 255.
  package mutating func stretchContrast() {
    mapChannels { histogram, table in
      guard let low = histogram.firstIndex(where: { $0 > 0 }),
        let high = histogram.lastIndex(where: { $0 > 0 }), low < high
      else { return }
      let scale = 255 / Double(high - low)
      for level in 0..<256 {
        table[level] = UInt8(max(0, min(255, Double(level) * scale - Double(low) * scale)))
      }
    }
  }

  /// Makes the levels of each channel equally frequent, as far as that is possible.
  package mutating func equalize() {
    mapChannels { histogram, table in
      guard let high = histogram.lastIndex(where: { $0 > 0 }) else { return }
      let step = Int(histogram.reduce(0, +) - histogram[high]) / 255
      guard step > 0 else { return }
      var sum = step / 2
      for level in 0..<256 {
        table[level] = UInt8(min(255, sum / step))
        sum += Int(histogram[level])
      }
    }
  }

  /// Replaces the values of each channel by a table made from its histogram; the table is the
  /// identity at first.
  private mutating func mapChannels(
    _ fill: (UnsafeMutableBufferPointer<UInt32>, UnsafeMutableBufferPointer<UInt8>) -> Void
  ) {
    let (channels, count) = (channels, count)
    withMutablePixels { pixels in
      // No more than a kilobyte comes from the stack.
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 256) { histogram in
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { table in
          for channel in 0..<channels {
            for level in 0..<256 { (histogram[level], table[level]) = (0, UInt8(level)) }
            for index in stride(from: channel, to: count, by: channels) {
              histogram[Int(pixels[index])] &+= 1
            }
            fill(histogram, table)
            for index in stride(from: channel, to: count, by: channels) {
              pixels[index] = table[Int(pixels[index])]
            }
          }
        }
      }
    }
  }

  private static func luminance(
    _ pixels: UnsafeBufferPointer<UInt8>, at start: Int, channels: Int
  ) -> UInt8 {
    channels == 1
      ? pixels[start]
      : Image.Color(red: pixels[start], green: pixels[start + 1], blue: pixels[start + 2]).luminance
  }
}
