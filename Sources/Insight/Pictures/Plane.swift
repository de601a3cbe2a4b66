public import ConvNetImages
import ConvNetTensors

/// A plane of numbers, rows from the top: a channel of a layer, a map of what matters in a picture.
public struct Plane: Hashable, Sendable {
  /// Rows, at least 1.
  public let height: Int
  /// Columns, at least 1.
  public let width: Int
  /// Row by row.
  public var values: [Float]

  /// - Precondition: as many values as places, and at least one.
  public init(height: Int, width: Int, values: [Float]) {
    guard height > 0, width > 0, values.count == height * width else {
      fatalError("\(values.count) values do not fill a plane of \(height)x\(width)")
    }
    self.height = height
    self.width = width
    self.values = values
  }

  /// The planes of one example of a value of shape [batch, channels, height, width].
  static func all(of value: Tensor, example: Int = 0) -> [Plane] {
    let (channels, height, width) = (value.shape[1], value.shape[2], value.shape[3])
    let elements = value.elements
    return (0..<channels).map { channel in
      let start = (example * channels + channel) * height * width
      return Plane(
        height: height, width: width, values: Array(elements[start..<start + height * width]))
    }
  }

  /// One value.
  public subscript(row: Int, column: Int) -> Float {
    get { values[row * width + column] }
    set { values[row * width + column] = newValue }
  }

  /// The sum of the values, in double precision.
  public var sum: Double { values.reduce(0) { $0 + Double($1) } }

  /// The least and the largest of the values that are finite; 0 and 0 where none is.
  public var bounds: (lowest: Float, highest: Float) {
    let finite = values.filter(\.isFinite)
    return (finite.min() ?? 0, finite.max() ?? 0)
  }

  /// The largest magnitude.
  public var largestMagnitude: Float { max(-bounds.lowest, bounds.highest) }

  /// The plane brought to other extents, bilinearly and with the edges of the outermost pixels at those of the picture.
  public func resized(height: Int, width: Int) -> Plane {
    if (height, width) == (self.height, self.width) { return self }
    let resized = Tensor(values, shape: [self.height, self.width, 1])
      .resizedAsPicture(height: height, width: width)
    return Plane(height: height, width: width, values: resized.elements)
  }

  /// A picture of the values by the colors of a scale, whose upper end is `unit`.
  public func image(_ scale: ColorScale, unit: Float) -> Image {
    let factor = unit > 0 ? 1 / unit : 0
    return image { scale.color(Double($0 * factor)) }
  }

  /// A grey picture, from the least value, black, to the largest.
  public func greyImage() -> Image {
    let (lowest, highest) = bounds
    let span = highest > lowest ? highest - lowest : 1
    return Image(
      height: height, width: width, channels: 1,
      pixels: values.map {
        UInt8(max(0, min(255, (($0.isFinite ? $0 - lowest : 0) / span * 255).rounded())))
      })
  }

  private func image(_ color: (Float) -> Image.Color) -> Image {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(values.count * 3)
    for value in values {
      let color = color(value)
      pixels += [color.red, color.green, color.blue]
    }
    return Image(height: height, width: width, channels: 3, pixels: pixels)
  }

  /// The plane over a picture of its own brought to the picture's extents: colors of the scale, of the picture its brightness.
  ///
  /// - Parameter opacity: the share of the colors.
  public func overlay(
    on picture: Image, _ scale: ColorScale, unit: Float, opacity: Double = 0.6
  ) -> Image {
    let colors = resized(height: picture.height, width: picture.width).image(scale, unit: unit)
    let grey = picture.converted(toChannels: 1)
    var pixels = colors.pixels
    for index in pixels.indices {
      let mixed = opacity * Double(pixels[index]) + (1 - opacity) * Double(grey.pixels[index / 3])
      pixels[index] = UInt8(mixed.rounded())
    }
    return Image(height: picture.height, width: picture.width, channels: 3, pixels: pixels)
  }
}
