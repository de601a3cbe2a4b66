import CKernels
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// A convolution for the kernels of Winograd's algorithm.
struct WinogradGeometry: Sendable, CustomTestStringConvertible {
  var batch, inChannels, outChannels, height, width: Int
  /// Of the kernel, by rows and columns.
  var window = [3, 3]
  /// On each side, and what more is on the lower and right sides.
  var padding: [Int]
  var paddingAfter = [0, 0]
  var tasks = 1
  var instructions = CK_WIDEST
  /// Channels of other values that lie between a picture and the next.
  var channelsBeside = 0

  var outHeight: Int { height + 2 * padding[0] + paddingAfter[0] - window[0] + 1 }
  var outWidth: Int { width + 2 * padding[1] + paddingAfter[1] - window[1] + 1 }
  var taps: Int { window[0] * window[1] }
  var inCount: Int { inChannels * height * width }
  var outCount: Int { outChannels * outHeight * outWidth }

  /// A square kernel of 3x3 with the same padding on all sides.
  init(
    batch: Int, inChannels: Int, outChannels: Int, height: Int, width: Int, padding: Int,
    tasks: Int = 1, instructions: ck_instructions = CK_WIDEST
  ) {
    self.init(
      batch: batch, inChannels: inChannels, outChannels: outChannels, height: height,
      width: width, window: [3, 3], padding: [padding, padding], tasks: tasks,
      instructions: instructions)
  }

  init(
    batch: Int, inChannels: Int, outChannels: Int, height: Int, width: Int, window: [Int],
    padding: [Int], paddingAfter: [Int] = [0, 0], tasks: Int = 1,
    instructions: ck_instructions = CK_WIDEST
  ) {
    (self.batch, self.inChannels, self.outChannels) = (batch, inChannels, outChannels)
    (self.height, self.width, self.window) = (height, width, window)
    (self.padding, self.paddingAfter) = (padding, paddingAfter)
    (self.tasks, self.instructions) = (tasks, instructions)
  }

  var testDescription: String {
    "\(window): \(batch)x\(inChannels)x\(height)x\(width) to \(outChannels), padding \(padding)+\(paddingAfter),"
      + " \(tasks) tasks, instructions \(instructions.rawValue)"
  }

  var kernel: ck_winograd {
    ck_winograd(
      batch: batch, in_channels: inChannels, height: height, width: width,
      out_channels: outChannels, out_height: outHeight, out_width: outWidth,
      kernel_height: window[0], kernel_width: window[1], pad_top: padding[0],
      pad_left: padding[1],
      in_stride: (inChannels + channelsBeside) * height * width,
      out_stride: (outChannels + channelsBeside) * outHeight * outWidth,
      instructions: instructions)
  }

  /// Visits the products that the convolution sums: their places in input, weights and result, each in row-major order.
  func forEachProduct(_ body: (_ input: Int, _ weight: Int, _ result: Int) -> Void) {
    let (top, left) = (padding[0], padding[1])
    for n in 0..<batch {
      for o in 0..<outChannels {
        for i in 0..<outHeight {
          for j in 0..<outWidth {
            let result = ((n * outChannels + o) * outHeight + i) * outWidth + j
            for c in 0..<inChannels {
              for row in max(0, i - top)..<min(height, i - top + window[0]) {
                for column in max(0, j - left)..<min(width, j - left + window[1]) {
                  body(
                    ((n * inChannels + c) * height + row) * width + column,
                    ((o * inChannels + c) * window[0] + row - i + top) * window[1] + column - j
                      + left,
                    result)
                }
              }
            }
          }
        }
      }
    }
  }
}

/// Random operands in row-major order, what the three directions make of them in double precision, and the kernels' runs.
struct WinogradData {
  let geometry: WinogradGeometry
  let input, weights, bias, outputGradient: [Float]
  private(set) var result, inputGradient, weightGradient, biasGradient: [Double]

  init(_ geometry: WinogradGeometry, seed: UInt64) {
    self.geometry = geometry
    func random(_ count: Int, _ operand: UInt64) -> [Float] {
      Tensor.random(Shape([count]), seed: seed * 10 + operand).elements
    }
    input = random(geometry.batch * geometry.inCount, 0)
    weights = random(geometry.outChannels * geometry.inChannels * geometry.taps, 1)
    bias = random(geometry.outChannels, 2)
    outputGradient = random(geometry.batch * geometry.outCount, 3)
    var result = [Double](repeating: 0, count: outputGradient.count)
    var inputGradient = [Double](repeating: 0, count: input.count)
    var weightGradient = [Double](repeating: 0, count: weights.count)
    geometry.forEachProduct { [input, weights, outputGradient] x, w, y in
      result[y] += Double(input[x]) * Double(weights[w])
      inputGradient[x] += Double(outputGradient[y]) * Double(weights[w])
      weightGradient[w] += Double(outputGradient[y]) * Double(input[x])
    }
    let plane = geometry.outHeight * geometry.outWidth
    var biasGradient = [Double](repeating: 0, count: bias.count)
    for (index, gradient) in outputGradient.enumerated() {
      biasGradient[index / plane % geometry.outChannels] += Double(gradient)
    }
    self.result = result
    self.inputGradient = inputGradient
    self.weightGradient = weightGradient
    self.biasGradient = biasGradient
  }

  private var tasks: Int32 { Int32(geometry.tasks) }
  private var plane: Int { geometry.height * geometry.width }
  private var outPlane: Int { geometry.outHeight * geometry.outWidth }

  func forward(bias: [Float]?, addend: [Float]?, rectifies: Bool) -> [Float] {
    let kernel = geometry.kernel
    let packed = pack(kernel, transposes: false)
    // An addend lies where the result will.
    var y = blocked(
      addend ?? [Float](repeating: .nan, count: outputGradient.count),
      channels: geometry.outChannels, plane: outPlane)
    let adds = addend != nil
    let x = blocked(input, channels: geometry.inChannels, plane: plane)
    var scratch = memory(withUnsafePointer(to: kernel) { ck_winograd_forward_scratch($0, tasks) })
    withUnsafePointer(to: kernel) { kernel in
      y.withUnsafeMutableBufferPointer { y in
        ck_winograd_forward(
          kernel, y.baseAddress, x, packed, bias, adds ? UnsafePointer(y.baseAddress) : nil,
          rectifies, &scratch, tasks)
      }
    }
    return plain(y, channels: geometry.outChannels, plane: outPlane)
  }

  func runInputGradient() -> [Float] {
    let kernel = withUnsafePointer(to: geometry.kernel) { ck_winograd_transposed($0) }
    let packed = pack(kernel, transposes: true)
    var dx = blocked(
      [Float](repeating: .nan, count: input.count), channels: geometry.inChannels, plane: plane)
    let dy = blocked(outputGradient, channels: geometry.outChannels, plane: outPlane)
    withUnsafePointer(to: kernel) { kernel in
      var scratch = memory(ck_winograd_forward_scratch(kernel, tasks))
      ck_winograd_forward(kernel, &dx, dy, packed, nil, nil, false, &scratch, tasks)
    }
    return plain(dx, channels: geometry.inChannels, plane: plane)
  }

  func runParameterGradients(hasBias: Bool) -> (weights: [Float], bias: [Float]) {
    var weightGradient = [Float](repeating: .nan, count: weights.count)
    var biasGradient = [Float](repeating: .nan, count: bias.count)
    let x = blocked(input, channels: geometry.inChannels, plane: plane)
    let dy = blocked(outputGradient, channels: geometry.outChannels, plane: outPlane)
    withUnsafePointer(to: geometry.kernel) { kernel in
      var scratch = memory(ck_winograd_gradient_scratch(kernel, tasks))
      biasGradient.withUnsafeMutableBufferPointer { bias in
        ck_winograd_gradient(
          kernel, &weightGradient, hasBias ? bias.baseAddress : nil, x, dy, &scratch, tasks)
      }
    }
    return (weightGradient, biasGradient)
  }

  private func pack(_ kernel: ck_winograd, transposes: Bool) -> [Float] {
    withUnsafePointer(to: kernel) { kernel in
      var packed = memory(ck_winograd_weights_size(kernel))
      ck_winograd_pack(kernel, &packed, weights, transposes, tasks)
      return packed
    }
  }

  /// Memory whose old contents must not matter.
  private func memory(_ count: Int) -> [Float] { [Float](repeating: .nan, count: count) }

  // MARK: Blocks of 16 channels

  private func blocked(_ values: [Float], channels: Int, plane: Int) -> [Float] {
    let stride = (channels + geometry.channelsBeside) * plane
    var result = [Float](repeating: Self.beside, count: geometry.batch * stride)
    for (index, value) in values.enumerated() {
      result[offset(index, channels, plane, stride)] = value
    }
    return result
  }

  /// The values of a picture in blocks; what lies beside it must be as it was.
  private func plain(_ blocked: [Float], channels: Int, plane: Int) -> [Float] {
    let stride = (channels + geometry.channelsBeside) * plane
    for index in blocked.indices where index % stride >= channels * plane {
      precondition(blocked[index] == Self.beside, "memory beside the slice was written")
    }
    return (0..<geometry.batch * channels * plane).map {
      blocked[offset($0, channels, plane, stride)]
    }
  }

  private func offset(_ index: Int, _ channels: Int, _ plane: Int, _ stride: Int) -> Int {
    let (picture, channel, position) = (
      index / plane / channels, index / plane % channels, index % plane
    )
    return picture * stride + (channel / 16 * plane + position) * 16 + channel % 16
  }

  private static let beside: Float = 7
}
