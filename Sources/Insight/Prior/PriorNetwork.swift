public import ConvNetGraphs
public import ConvNetLayers
import ConvNetTensors

/// The encoder-decoder whose structure is the prior of pictures (D. Ulyanov, A. Vedaldi, V. Lempitsky, "Deep Image Prior", 2018,
/// figure 21 of the journal's version, figure 1 of the supplement).
///
/// At each scale a convolution of stride 2 and one of stride 1 lead down, upsampling and two convolutions, of a kernel and of
/// 1x1, back up; a 1x1 convolution leads across, and is joined with what comes back from below. Borders are reflected. Batch
/// normalization and a leaky ReLU of slope 0.2 follow every convolution but the last, whose sigmoid makes a picture.
///
/// Two things differ from the authors' program and change no result: convolutions that a normalization follows have no bias,
/// which it would take away; and the joined branches are normalized before they are joined, channel by channel as after it, and
/// lie in the other order.
public struct PriorNetwork: Hashable, Sendable, Codable {
  /// Channels on the way down, one number a scale, the finest first.
  public var down: [Int]
  /// Channels on the way up.
  public var up: [Int]
  /// Channels across; 0 for no way across.
  public var skip: [Int]
  /// Rows and columns of the kernels on the way down, and up: odd.
  public var downKernel: Int
  /// Of those up.
  public var upKernel: Int
  /// How what comes from below is enlarged.
  public var upsampling: Operation.Upsample.Mode
  /// Channels of the input.
  public var inputChannels: Int

  /// That of the paper's denoising and super-resolution, where nothing else is said.
  public init(
    down: [Int] = [128, 128, 128, 128, 128], up: [Int]? = nil, skip: [Int]? = nil,
    downKernel: Int = 3, upKernel: Int = 3, upsampling: Operation.Upsample.Mode = .bilinear,
    inputChannels: Int = 32
  ) {
    self.down = down
    self.up = up ?? down
    self.skip = skip ?? down.map { _ in 4 }
    self.downKernel = downKernel
    self.upKernel = upKernel
    self.upsampling = upsampling
    self.inputChannels = inputChannels
  }

  /// The weight of negative numbers in the leaky ReLU.
  public static let negativeSlope: Float = 0.2

  /// The extents of the input are multiples of this.
  public var multiple: Int { 1 << down.count }

  /// The extents that a picture is computed in: multiples of ``multiple``, and so large that borders can be reflected at the
  /// coarsest scale.
  public func paddedExtent(_ extent: Int) -> Int {
    let coarsest = max(2, downKernel / 2 + 1)
    return max(coarsest, (extent + multiple - 1) / multiple) * multiple
  }

  /// - Throws: ``InsightError/setting(name:value:requirement:)``.
  func validate() throws {
    guard 1...8 ~= down.count, up.count == down.count, skip.count == down.count else {
      throw InsightError.setting(
        name: "scales", value: "\(down.count) down, \(up.count) up, \(skip.count) across",
        requirement: "from 1 to 8, as many of each")
    }
    guard (down + up).allSatisfy({ 1...1024 ~= $0 }), skip.allSatisfy({ 0...1024 ~= $0 }),
      1...1024 ~= inputChannels
    else {
      throw InsightError.setting(
        name: "channels", value: "\(down), \(up), \(skip), \(inputChannels)",
        requirement: "from 1 to 1024; 0 for no way across")
    }
    for kernel in [downKernel, upKernel] where !(1...7 ~= kernel && kernel % 2 == 1) {
      throw InsightError.setting(
        name: "a kernel", value: "\(kernel)", requirement: "an odd number from 1 to 7")
    }
  }

  /// The network for pictures of these extents, which are padded already.
  public func network(height: Int, width: Int, channels: Int) -> Network {
    Network(
      "deep-image-prior",
      input: .image(height: height, width: width, channels: inputChannels),
      dataFormat: .channelsFirst
    ) {
      PriorScale(network: self, index: 0)
      ReflectedConvolution(channels: channels, kernel: 1, hasBias: true).named("last")
      Sigmoid()
    }
  }
}

/// A convolution with a reflected border as wide as the kernel reaches; its parameters begin as PyTorch's do.
private struct ReflectedConvolution: Layer {
  var channels: Int
  var kernel: Int
  var stride = 1
  var hasBias = false
  /// Whether the border is there already.
  var isBordered = false
  /// Channels of the input that are no zeros; `nil` for all.
  var inputChannels: Int?

  var defaultName: String { "conv" }

  func append(to builder: inout LayerBuilder, input: ValueID) throws(GraphError) -> ValueID {
    var value = input
    if kernel > 1, !isBordered {
      value = try builder.append(Operation.Pad(reflecting: kernel / 2), to: value, part: "border")
    }
    let channelsBefore = builder.shape(value)[1]
    let bound = 1 / Float((inputChannels ?? channelsBefore) * kernel * kernel).squareRoot()
    let weight = try builder.addParameter(
      "weight", [channels, channelsBefore, kernel, kernel], .kernel,
      initializer: .uniform(bound: bound))
    let convolution = Operation.Convolution(
      strides: [stride, stride], padding: .valid, hasBias: hasBias)
    guard hasBias else { return try builder.append(convolution, to: value, weight) }
    let bias = try builder.addParameter(
      "bias", [channels], .bias, initializer: .uniform(bound: bound))
    return try builder.append(convolution, to: value, weight, bias)
  }
}

/// A convolution, normalized and rectified.
private struct PriorUnit: Block {
  var convolution: ReflectedConvolution

  init(
    _ channels: Int, kernel: Int, stride: Int = 1, isBordered: Bool = false,
    inputChannels: Int? = nil
  ) {
    convolution = ReflectedConvolution(
      channels: channels, kernel: kernel, stride: stride, isBordered: isBordered,
      inputChannels: inputChannels)
  }

  var body: LayerSequence {
    convolution.named("conv")
    PriorNetwork.normalization.named("bn")
    LeakyReLU(slope: PriorNetwork.negativeSlope)
  }
}

extension PriorNetwork {
  /// With PyTorch's constants. The statistics are always those of the one picture.
  fileprivate static let normalization = BatchNorm(momentum: 0.9, epsilon: 1e-5)
}

/// A scale and all that are coarser.
private struct PriorScale: Layer {
  var network: PriorNetwork
  var index: Int

  var defaultName: String { "" }

  func append(to builder: inout LayerBuilder, input: ValueID) throws(GraphError) -> ValueID {
    try builder.append(
      Named("scale\(index + 1)") { PriorScaleBody(network: network, index: index) }, to: input)
  }
}

private struct PriorScaleBody: Layer {
  var network: PriorNetwork
  var index: Int

  var defaultName: String { "" }

  func append(to builder: inout LayerBuilder, input: ValueID) throws(GraphError) -> ValueID {
    let (down, up, skip) = (network.down[index], network.up[index], network.skip[index])
    var deeper = try builder.append(
      PriorUnit(down, kernel: network.downKernel, stride: 2).named("down1"), to: input)
    deeper = try builder.append(
      PriorUnit(down, kernel: network.downKernel).named("down2"), to: deeper)
    if index + 1 < network.down.count {
      deeper = try builder.append(PriorScale(network: network, index: index + 1), to: deeper)
    }
    deeper = try builder.append(
      Operation.Upsample(factors: [2, 2], mode: network.upsampling), to: deeper, part: "enlarged")
    deeper = try builder.append(PriorNetwork.normalization.named("joined"), to: deeper)
    let reach = network.upKernel / 2
    var joined = try builder.append(
      Operation.Pad(reflecting: reach), to: deeper, part: "joined border")
    if skip > 0 {
      var across = try builder.append(PriorUnit(skip, kernel: 1).named("across"), to: input)
      across = try builder.append(
        PriorNetwork.normalization.named("joined.across"), to: across)
      // Filled up with zeros to a whole block, so that the branches lie side by side where they are made.
      let isFilled = builder.shape(deeper)[1] % 16 == 0
      across = try builder.append(
        Operation.Pad(reflecting: reach, zeroChannels: isFilled ? (16 - skip % 16) % 16 : 0),
        to: across, part: "across border")
      joined = try builder.append(Operation.Concatenate(), to: joined, across, part: "join")
    }
    let value = try builder.append(
      PriorUnit(
        up, kernel: network.upKernel, isBordered: true,
        inputChannels: builder.shape(deeper)[1] + skip
      ).named("up1"), to: joined)
    return try builder.append(PriorUnit(up, kernel: 1).named("up2"), to: value)
  }
}

extension Operation.Pad {
  /// The same border on all sides, and channels of zeros behind those that there are.
  fileprivate init(reflecting reach: Int, zeroChannels: Int = 0) {
    let sides = Padding.Sides(before: reach, after: reach)
    self.init(
      sides: [sides, sides], mode: .reflect, channels: .init(before: 0, after: zeroChannels))
  }
}
