extension Preprocessing {
  /// What the networks that others publish for ImageNet were trained with, by name: a value that others
  /// can make as well.
  public struct Preset: Hashable, Sendable {
    /// By which options call it.
    public var name: String
    /// Whose it is, in a few words.
    public var summary: String
    /// The extent of the input in its publication; any other is prepared alike.
    public var size: Int
    /// The share of the shorter side that the window in the centre takes, above 0, at most 1.
    public var cropFraction: Double
    /// How `size / cropFraction` becomes a whole number.
    public var rounding: FloatingPointRoundingRule
    /// How pixels weigh where a picture is resized.
    public var filter: ResizingFilter
    /// Of the channels red, green and blue, of values from 0 to 1.
    public var mean: [Float]
    /// Of the channels red, green and blue, of values from 0 to 1.
    public var deviation: [Float]
    /// In which order the network is given them.
    public var channelOrder: ChannelOrder

    /// A preset of these parts.
    public init(
      _ name: String, summary: String, size: Int = 224, cropFraction: Double = 0.875,
      rounding: FloatingPointRoundingRule = .toNearestOrAwayFromZero,
      filter: ResizingFilter = .bilinear, mean: [Float], deviation: [Float],
      channelOrder: ChannelOrder = .rgb
    ) {
      self.name = name
      self.summary = summary
      self.size = size
      self.cropFraction = cropFraction
      self.rounding = rounding
      self.filter = filter
      self.mean = mean
      self.deviation = deviation
      self.channelOrder = channelOrder
    }

    /// Of the channels red, green and blue of ImageNet's pictures, of values from 0 to 1.
    package static let imageNetMean: [Float] = [0.485, 0.456, 0.406]
    package static let imageNetDeviation: [Float] = [0.229, 0.224, 0.225]

    /// torchvision's first weights of its networks: 256, of it 224.
    public static let imagenet = Preset(
      "imagenet",
      summary: "torchvision: shorter side 256 of an input of 224, ImageNet's mean and deviation",
      mean: imageNetMean, deviation: imageNetDeviation)

    /// Inception's: values from -1 to 1. torchvision's GoogLeNet and Inception-v3 bring theirs to this inside
    /// the network; here it is the preparation.
    public static let inception = Preset(
      "inception", summary: "Inception: shorter side 342 of an input of 299, values from -1 to 1",
      size: 299,
      mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5])

    /// What `keras.applications` calls mode caffe: blue first, values to 255, the mean of ImageNet's
    /// training pictures subtracted.
    public static let kerasCaffe = Preset(
      "keras-caffe",
      summary:
        "Caffe's networks and Keras's VGG and ResNet: blue first, values to 255 around the mean",
      mean: [123.68 / 255, 116.779 / 255, 103.939 / 255],
      deviation: [1 / 255, 1 / 255, 1 / 255], channelOrder: .bgr)

    /// What timm does where a network says nothing else: bicubic.
    public static let timm = Preset(
      "timm", summary: "timm: as imagenet, with the bicubic filter", rounding: .down,
      filter: .bicubic, mean: imageNetMean, deviation: imageNetDeviation)

    /// torchvision's ConvNeXt-T: 236, of it 224.
    public static let convNeXt = Preset(
      "convnext",
      summary: "torchvision's ConvNeXt-T: as imagenet, shorter side 236 of an input of 224",
      cropFraction: 224.0 / 236, mean: imageNetMean, deviation: imageNetDeviation)

    /// All that have names, in the order of help texts.
    public static let all = [imagenet, inception, kerasCaffe, timm, convNeXt]

    /// The pixels of the shorter side before an input of so many is cut out.
    public func shorterSide(forInput extent: Int) -> Int {
      max(extent, Int((Double(extent) / cropFraction).rounded(rounding)))
    }
  }

  /// The same input, with pictures prepared as a preset says.
  ///
  /// - Throws: ``PreprocessingError`` where pictures are grey, or a value of the preset is out of its range.
  public func applying(_ preset: Preset) throws(PreprocessingError) -> Preprocessing {
    guard channels == 3 else { throw .presetOfColors(preset.name) }
    guard preset.cropFraction > 0, preset.cropFraction <= 1,
      Double(max(height, width)) / preset.cropFraction <= 0x1p16
    else { throw .shorterSide(.max, height: height, width: width) }
    return try Preprocessing(
      height: height, width: width, channels: channels,
      fitting: .centerCrop(
        shorterSide: max(preset.shorterSide(forInput: min(height, width)), max(height, width))),
      filter: preset.filter, mean: preset.mean, deviation: preset.deviation,
      channelOrder: preset.channelOrder, dataFormat: dataFormat, background: background)
  }
}
