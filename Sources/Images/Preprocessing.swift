public import ConvNetFiles
public import ConvNetTensors
import Foundation

/// What happens to a picture before it enters a network. It is stored in the model's file, so that
/// prediction does what training did.
///
/// Geometry first: a picture is brought to the number of channels (transparency composited on the
/// background), and to the input's extents as ``fitting`` says, by an antialiased ``filter``. Then
/// numbers: its values are divided by 255, and normalized by channel:
///
///     x = (value / 255 - mean[channel]) / deviation[channel]
///
/// or, where there is a mean picture, x = (value / 255 - mean[row, column, channel]) / deviation. The
/// network is given the channels in ``channelOrder``.
///
/// ``Preset`` has what the networks that others publish were trained with.
public struct Preprocessing: Hashable, Sendable, Codable {
  /// The height of the network's input, in pixels.
  public var height: Int
  /// The width of the network's input, in pixels.
  public var width: Int
  /// 1 grey or 3 red, green and blue.
  public var channels: Int
  /// How pictures of other extents are brought to those of the input.
  public var fitting: PictureFitting
  /// How pixels weigh where a picture is resized.
  public var filter: ResizingFilter
  /// One number a channel, red first whatever ``channelOrder`` is, of values from 0 to 1; `nil` for
  /// none subtracted.
  public var mean: [Float]?
  /// One positive number a channel, red first, of values from 0 to 1, at most 10; `nil` for none
  /// divided by.
  public var deviation: [Float]?
  /// Of the input's extents, subtracted instead of ``mean`` (A. Krizhevsky et al., "ImageNet
  /// Classification with Deep Convolutional Neural Networks", 2012, section 2).
  public var meanPicture: MeanPicture?
  /// In which order the network is given the colors.
  public var channelOrder: ChannelOrder
  /// The order of the elements.
  public var dataFormat: DataFormat
  /// What shines through transparent pixels.
  public var background: Image.Color

  /// - Throws: ``PreprocessingError`` where extents are not positive, channels are not 1 or 3, the
  ///   shorter side is less than the input, or the mean or the deviation does not have one finite (and
  ///   positive) number a channel, or are of values from 0 to 255, or the mean picture has other extents
  ///   or stands beside a mean.
  public init(
    height: Int, width: Int, channels: Int, fitting: PictureFitting = .squash,
    filter: ResizingFilter = .bilinear, mean: [Float]? = nil, deviation: [Float]? = nil,
    meanPicture: MeanPicture? = nil, channelOrder: ChannelOrder = .rgb,
    dataFormat: DataFormat = .channelsLast, background: Image.Color = .white
  ) throws(PreprocessingError) {
    self.height = height
    self.width = width
    self.channels = channels
    self.fitting = fitting
    self.filter = filter
    self.channelOrder = channelOrder
    self.mean = mean
    self.deviation = deviation
    self.meanPicture = meanPicture
    self.dataFormat = dataFormat
    self.background = background
    try validate()
  }

  private enum CodingKeys: String, CodingKey {
    case height, width, channels, fitting, filter, mean, deviation, meanPicture, channelOrder
    case dataFormat, background
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      height: values.decode(Int.self, forKey: .height),
      width: values.decode(Int.self, forKey: .width),
      channels: values.decode(Int.self, forKey: .channels),
      fitting: values.decodeIfPresent(PictureFitting.self, forKey: .fitting) ?? .squash,
      filter: values.decodeIfPresent(ResizingFilter.self, forKey: .filter) ?? .bilinear,
      mean: values.decodeIfPresent([Float].self, forKey: .mean),
      deviation: values.decodeIfPresent([Float].self, forKey: .deviation),
      meanPicture: values.decodeIfPresent(MeanPicture.self, forKey: .meanPicture),
      channelOrder: values.decodeIfPresent(ChannelOrder.self, forKey: .channelOrder) ?? .rgb,
      dataFormat: values.decode(DataFormat.self, forKey: .dataFormat),
      background: values.decodeIfPresent(Image.Color.self, forKey: .background) ?? .white)
  }

  /// What is usual is left out, as it was before there was a choice.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(height, forKey: .height)
    try values.encode(width, forKey: .width)
    try values.encode(channels, forKey: .channels)
    if fitting != .squash { try values.encode(fitting, forKey: .fitting) }
    if filter != .bilinear { try values.encode(filter, forKey: .filter) }
    try values.encodeIfPresent(mean, forKey: .mean)
    try values.encodeIfPresent(deviation, forKey: .deviation)
    try values.encodeIfPresent(meanPicture, forKey: .meanPicture)
    if channelOrder != .rgb { try values.encode(channelOrder, forKey: .channelOrder) }
    try values.encode(dataFormat, forKey: .dataFormat)
    try values.encode(background, forKey: .background)
  }

  /// Whether values stay as they are, from 0 to 1.
  public var isPlain: Bool { mean == nil && deviation == nil && meanPicture == nil }

  /// Whether nothing was said but the extents: values stay as they are, and pictures are squashed.
  public var isUsual: Bool {
    isPlain && fitting == .squash && filter == .bilinear && channelOrder == .rgb
  }

  /// The same for another input. The shorter side before a crop grows with it; a mean picture of
  /// other extents is lost.
  public func resized(height: Int, width: Int) throws(PreprocessingError) -> Preprocessing {
    var result = self
    if case .centerCrop(let side) = fitting {
      let ratio = Double(min(height, width)) / Double(min(self.height, self.width))
      let scaled = Double(side) * ratio
      result.fitting = .centerCrop(
        shorterSide: max(max(height, width), Int(min(scaled, 0x1p40).rounded())))
    }
    result.height = height
    result.width = width
    if (height, width) != (self.height, self.width) { result.meanPicture = nil }
    try result.validate()
    return result
  }

  /// The shape of one prepared picture: [H, W, C] or [C, H, W].
  public var shape: Shape {
    switch dataFormat {
    case .channelsLast: [height, width, channels]
    case .channelsFirst: [channels, height, width]
    }
  }

  /// A prepared picture: `float32` of ``shape``.
  public func prepared(_ image: Image) -> Tensor {
    Tensor(shape: shape) { prepare(image, into: &$0) }
  }

  /// Prepares a picture as one of a batch.
  ///
  /// - Precondition: `target` holds the elements of ``shape`` from `offset` on.
  package func prepare(
    _ image: Image, into target: inout MutableSpan<Float>, at offset: Int = 0
  ) {
    var canvas = Canvas()
    canvas.load(image)
    canvas.convert(toChannels: channels, background: background)
    canvas.fit(self)
    canvas.resolveSize()
    let converter = PixelConverter(self)
    let window = canvas.window
    target.withUnsafeMutableBufferPointer { target in
      let part = UnsafeMutableBufferPointer(rebasing: target[offset..<offset + shape.count])
      canvas.withPixels { converter.convert($0, window, into: part) }
    }
  }

  /// The picture with the input's channels and extents: what the network sees, before it becomes
  /// numbers.
  public func fitted(_ image: Image) -> Image {
    var canvas = Canvas()
    canvas.load(image)
    canvas.convert(toChannels: channels, background: background)
    canvas.fit(self)
    return canvas.image()
  }

  /// Whether pictures that have the input's extents stay as they are.
  package var keepsFittingPictures: Bool {
    switch fitting {
    case .squash, .pad: true
    case .centerCrop(let side): side == min(height, width)
    }
  }

  /// Fields may be set after creation; what uses the value checks it once more.
  package func validate() throws(PreprocessingError) {
    guard height > 0, width > 0, height <= 1 << 16, width <= 1 << 16 else {
      throw .extents(height: height, width: width)
    }
    guard channels == 1 || channels == 3 else { throw .channels(channels) }
    if case .centerCrop(let side) = fitting {
      guard max(height, width)...1 << 16 ~= side else {
        throw .shorterSide(side, height: height, width: width)
      }
    }
    guard channelOrder == .rgb || channels == 3 else { throw .channelOrder(channelOrder) }
    if let mean {
      guard mean.count == channels, mean.allSatisfy(\.isFinite) else {
        throw .mean(mean, channels: channels)
      }
      try Self.requireRange(mean: mean)
    }
    if let deviation {
      guard deviation.count == channels, deviation.allSatisfy({ $0.isFinite && $0 > 0 }) else {
        throw .deviation(deviation, channels: channels)
      }
      try Self.requireRange(deviation: deviation)
    }
    if let meanPicture {
      guard
        mean == nil, meanPicture.height == height, meanPicture.width == width,
        meanPicture.channels == channels, meanPicture.values.allSatisfy(\.isFinite)
      else {
        throw .meanPicture(
          height: meanPicture.height, width: meanPicture.width, channels: meanPicture.channels)
      }
      if let value = meanPicture.values.first(where: { abs($0) > Self.largestMean }) {
        throw .range("mean picture", [value])
      }
    }
  }

  private static let largestMean: Float = 1
  /// Numbers from 0 to 1 deviate by a half at most; some divide by a little more to scale. Of pictures of values from 0 to 255
  /// only those without any contrast deviate by less.
  private static let largestDeviation: Float = 10

  /// What other frameworks give for values from 0 to 255 would leave a network with hardly any picture.
  ///
  /// - Throws: ``PreprocessingError/range(_:_:)``.
  package static func requireRange(
    mean: [Float]? = nil, deviation: [Float]? = nil
  ) throws(PreprocessingError) {
    if let mean, mean.contains(where: { abs($0) > largestMean }) { throw .range("mean", mean) }
    if let deviation, deviation.contains(where: { abs($0) > largestDeviation }) {
      throw .range("deviation", deviation)
    }
  }
}

/// Why a ``Preprocessing`` is not possible.
public enum PreprocessingError: Error, Hashable, Sendable {
  /// An extent is not from 1 to 65536.
  case extents(height: Int, width: Int)
  /// The number of channels is neither 1 nor 3.
  case channels(Int)
  /// The shorter side that a picture is resized to is less than the input that is cut out of it, or more than 65536.
  case shorterSide(Int, height: Int, width: Int)
  /// A grey picture has no order of colors.
  case channelOrder(ChannelOrder)
  /// A preset of color pictures was asked for, and pictures are grey.
  case presetOfColors(String)
  /// There is not one finite mean a channel.
  case mean([Float], channels: Int)
  /// There is not one finite, positive deviation a channel.
  case deviation([Float], channels: Int)
  /// A setting is of values from 0 to 255, where pictures are of values from 0 to 1.
  case range(String, [Float])
  /// The mean picture has other extents than the input, numbers that are not finite, or a mean
  /// beside it.
  case meanPicture(height: Int, width: Int, channels: Int)
}

extension PreprocessingError: ReadableError {
  public var description: String {
    switch self {
    case .extents(let height, let width):
      "an input of \(height) x \(width) pixels is not possible; extents go from 1 to 65536"
    case .channels(let channels):
      "an input of \(channels) channels cannot be made from pictures; use 1 or 3"
    case .shorterSide(let side, let height, let width):
      "the shorter side of pictures is resized to \(side), must be from \(max(height, width)), since \(height)x\(width) is cut "
        + "out of it, to 65536"
    case .channelOrder(let order):
      "an order of channels (\(order.rawValue)) is for color pictures; these have one channel"
    case .presetOfColors(let name):
      "\(name) is of color pictures, the network's input has one channel; give mean and deviation"
    case .mean(let mean, let channels):
      "mean \(mean) must have one finite number for each of \(channels) channels"
    case .deviation(let deviation, let channels):
      "deviation \(deviation) must have one positive number for each of \(channels) channels"
    case .range(let setting, let values):
      "\(setting) is of values from 0 to 1, and \(values.map { "\($0)" }.joined(separator: ",")) is of values from 0 to 255; divide by 255: "
        + values.map { String(format: "%.4f", Double($0) / 255) }.joined(separator: ",")
    case .meanPicture(let height, let width, let channels):
      "a mean picture of \(height)x\(width)x\(channels) must have the input's extents, finite "
        + "numbers, and no mean beside it"
    }
  }
}

extension Preprocessing: CustomStringConvertible {
  /// One line for the protocol of a score: what is done to every picture, in order.
  public var description: String {
    var text =
      switch fitting {
      case .squash: "resized to \(height)x\(width)"
      case .centerCrop(let side): "shorter side \(side), centre \(height)x\(width)"
      case .pad(let color):
        "resized to fit \(height)x\(width), the rest \(color.red),\(color.green),\(color.blue)"
      }
    text += " (\(filter.rawValue), antialiased), "
    return text + numbers
  }

  /// The same without the geometry, for views that have their own.
  package var descriptionOfNumbers: String {
    "input \(height)x\(width) (\(filter.rawValue), antialiased), \(numbers)"
  }

  private var numbers: String {
    var text = plural(channels, "channel")
    if channelOrder != .rgb { text += " in order \(channelOrder.rawValue)" }
    if let mean { text += ", mean \(mean)" }
    if meanPicture != nil { text += ", the mean picture subtracted" }
    if let deviation { text += ", deviation \(deviation)" }
    return text
  }
}
