import ConvNet

/// Convolution flips the kernel, cross-correlation does not: what a single 1 in the input makes of each shows it.
enum ConvolutionTopic: Topic {
  static let name = "convolution"
  static let summary = "convolution beside cross-correlation: whose kernel is flipped"

  static func show() throws {
    let impulse: [Float] = [0, 0, 1, 0, 0]
    let window: [Float] = [1, 2, 3]
    printRows("x", impulse, columns: 5)
    printRows("w", window, columns: 3)
    printRows(
      "convolution, sum over i of x[t - i] w[i]: w itself",
      try convolution(impulse, with: window), columns: 3)
    printRows(
      "cross-correlation, sum over i of x[t + i] w[i]: w backwards",
      try crossCorrelation(impulse, with: window), columns: 3)

    var dot = Tensor(zeros: [5, 5, 1])
    dot[2, 2, 0] = 1
    let kernel = Tensor((1...9).map(Float.init), shape: [3, 3, 1, 1])
    printRows("\nI", dot.elements, columns: 5)
    printRows("K", kernel.elements, columns: 3)
    printRows("convolution K * I", try convolution(dot, with: kernel).elements, columns: 3)
    printRows(
      "cross-correlation K \u{22C6} I: K turned by half a circle",
      try crossCorrelation(dot, with: kernel).elements, columns: 3)

    let image = Tensor((0..<25).map { Float($0 * $0 % 11) }, shape: [5, 5, 1])
    let flipped = Tensor(kernel.elements.reversed(), shape: kernel.shape)
    printRows("\nI", image.elements, columns: 5)
    printRows("convolution", try convolution(image, with: kernel).elements, columns: 3)
    printRows(
      "cross-correlation with the flipped kernel: the same",
      try crossCorrelation(image, with: flipped).elements, columns: 3)
  }
}

/// A pixel is a vector of channels, and every output channel a convolution of its own over all of them.
enum ChannelsTopic: Topic {
  static let name = "channels"
  static let summary = "two channels in, three out: K has four dimensions"

  static func show() throws {
    let image = Tensor((1...18).map { Float($0 % 7) }, shape: [3, 3, 2])
    let kernel = Tensor((0..<24).map { Float($0 % 5) - 2 }, shape: [2, 2, 2, 3])
    for channel in 0..<2 {
      printRows(
        "I, channel \(channel)", (0..<9).map { image[$0 / 3, $0 % 3, channel] }, columns: 3)
    }
    let output = try crossCorrelation(image, with: kernel)
    print("K has shape \(kernel.shape): height, width, input channels, output channels")
    for channel in 0..<3 {
      printRows(
        "output channel \(channel)", (0..<4).map { output[$0 / 2, $0 % 2, channel] }, columns: 2)
    }
    print("\nits first number, term by term: sum over m, n, c of I[m, n, c] K[m, n, c, 0]")
    var terms: [String] = []
    for row in 0..<2 {
      for column in 0..<2 {
        for channel in 0..<2 {
          let (value, weight) = (image[row, column, channel], kernel[row, column, channel, 0])
          terms.append("\(Int(value))*\(Int(weight))")
        }
      }
    }
    print("  " + terms.joined(separator: " + ") + " =" + number(output[0, 0, 0]))
  }
}

/// Where the windows of a kernel of three lie on a row of seven pixels.
enum PaddingTopic: Topic {
  static let name = "padding"
  static let summary = "valid and same padding, stride 1 and 2: where the windows lie"

  static func show() throws {
    let extent = 7
    let row = Tensor(repeating: Float(1), shape: [1, 1, extent])
    let kernel = Tensor(repeating: Float(1), shape: [1, 1, 3])
    for padding in [Padding.valid, .same] {
      for stride in [1, 2] {
        let output = try computed(
          Operation.Convolution(strides: [stride], padding: padding, hasBias: false),
          of: row, kernel)
        let count = output.shape[2]
        let before = padding == .same ? max(0, (count - 1) * stride + 3 - extent) / 2 : 0
        let after = padding == .same ? max(0, (count - 1) * stride + 3 - extent) - before : 0
        print("\(padding), stride \(stride): \(extent) pixels to \(count)")
        let border = String(repeating: "0", count: before)
        print("    " + border + "xxxxxxx" + String(repeating: "0", count: after))
        for window in 0..<count {
          print("    " + String(repeating: " ", count: window * stride) + "[-]")
        }
        print(
          "  pixels under each window, which are counted by convolving ones:"
            + output.elements.map { number($0, width: 2) }.joined() + "\n")
      }
    }
    print("A picture has the same along both axes; a layer of the lecture's form:")
    for (name, layer) in [
      ("valid, stride 1", Conv2D(8, kernel: 3)),
      ("valid, stride 2", Conv2D(8, kernel: 3, stride: 2)),
      ("same, stride 1", Conv2D(8, kernel: 3, padding: .same)),
      ("same, stride 2", Conv2D(8, kernel: 3, stride: 2, padding: .same)),
    ] {
      let output = try cost(
        of: LayerSequence([layer]), on: .image(height: 28, width: 28, channels: 3))
      print("  \(padded(name, to: 18))[1, 3, 28, 28] to \(output.output.dimensions)")
    }
  }
}

/// The same picture in both orders of memory.
enum DataFormatTopic: Topic {
  static let name = "data-format"
  static let summary = "channels_last and channels_first: the order of the same numbers"

  static func show() throws {
    // Channel 1 has hundreds, channel 2 two hundreds; tens are rows, ones are columns.
    let image = Tensor(
      [Float](arrayLiteral: 100, 101, 110, 111, 200, 201, 210, 211, 300, 301, 310, 311),
      shape: [1, 3, 2, 2])
    print("a number is: hundreds for the channel, tens for the row, ones for the column")
    for (name, format) in [
      ("channels_last", DataFormat.channelsLast), ("channels_first", .channelsFirst),
    ] {
      printRows(
        name, try computed(Operation.Flatten(order: format), of: image).elements, columns: 12,
        width: 5)
    }
    print("The order inside a network is the compiler's choice: convnet explain lenet5 prints it.")
  }
}

/// What pooling keeps, and that it keeps it where the picture moves by a pixel.
enum PoolingTopic: Topic {
  static let name = "pooling"
  static let summary = "max and average pooling; a feature that moves by a pixel"

  static func show() throws {
    let maximum = Operation.MaxPooling(window: [2, 2], strides: [2, 2])
    let mean = Operation.AveragePooling(window: [2, 2], strides: [2, 2])
    var image = Tensor(zeros: [1, 1, 6, 6])
    image[0, 0, 2, 2] = 8
    image[0, 0, 4, 0] = 4
    var moved = Tensor(zeros: [1, 1, 6, 6])
    moved[0, 0, 3, 3] = 8
    moved[0, 0, 5, 1] = 4
    for (title, image) in [("a picture", image), ("the same moved by a pixel", moved)] {
      printRows(title, image.elements, columns: 6, width: 4)
      printRows("max pooling, 2x2", try computed(maximum, of: image).elements, columns: 3, width: 4)
      printRows(
        "average pooling, 2x2", try computed(mean, of: image).elements, columns: 3, width: 4)
    }
  }
}

/// Kernels share their parameters between all places.
enum ParametersTopic: Topic {
  static let name = "parameters"
  static let summary = "what a convolution saves beside a dense layer, small kernels beside large"

  static func show() throws {
    print("from 28 x 28 pixels to as many numbers in 8 channels")
    try printCosts(
      [
        (
          "Dense",
          LayerSequence {
            Flatten(); Dense(28 * 28 * 8)
          }
        ),
        ("Conv2D of 3x3", LayerSequence { Conv2D(8, kernel: 3, padding: .same) }),
      ], on: .image(height: 28, width: 28, channels: 1))
    func same(_ kernel: [Int]) -> Conv2D { Conv2D(64, kernel: kernel, padding: .same, bias: false) }
    print("\nkernels that see as much, 64 channels in and out")
    try printCosts(
      [
        ("one of 5x5", LayerSequence { same([5, 5]) }),
        (
          "two of 3x3",
          LayerSequence {
            same([3, 3]); same([3, 3])
          }
        ),
        ("one of 7x7", LayerSequence { same([7, 7]) }),
        (
          "three of 3x3",
          LayerSequence {
            same([3, 3]); same([3, 3]); same([3, 3])
          }
        ),
        (
          "1x7 and 7x1",
          LayerSequence {
            same([1, 7]); same([7, 1])
          }
        ),
      ], on: .image(height: 17, width: 17, channels: 64))
  }
}
