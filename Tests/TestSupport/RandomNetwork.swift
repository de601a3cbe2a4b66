package import ConvNetGraphs
package import ConvNetTensors

/// A small training graph drawn from a seed: every kind of forward operation, odd extents and extents of one, few and many
/// channels, batches of 1 to 33, signals and pictures, values that several operations read.
package struct RandomNetwork {
  package var graph: Graph
  package private(set) var loss: ValueID
  /// What the loss is differentiated by: every parameter that is trained, and the picture.
  package private(set) var variables: [ValueID] = []
  /// The network's own seed: pictures and parameters are drawn from another.
  package let seed: UInt64

  private var draw: SeededDraws
  private var names = 0
  private var dropouts = 0

  /// The most elements that a picture has, with its batch.
  private static let mostElements = 1500

  package init(seed: UInt64) throws {
    self.seed = seed
    draw = SeededDraws(seed: seed)
    graph = Graph(name: "network \(seed)")
    loss = ValueID(0)
    var pictures = [makePicture()]
    for _ in 0..<2 + draw.below(5) {
      // An operation that does not fit is another operation's turn.
      for _ in 0..<20 {
        let from = draw.isOne(in: 4) ? draw.one(of: pictures) : pictures[pictures.count - 1]
        let before = graph
        do {
          let value = try append(to: from, among: pictures)
          guard graph[value].shape.count <= 2 * Self.mostElements else { throw Unfit() }
          pictures.append(value)
          break
        } catch {
          graph = before
        }
      }
    }
    try finish(pictures[pictures.count - 1])
    variables = graph.valueIDs.filter { id in
      graph[id].parameterKind?.isTrainable ?? (graph[id].name == "picture")
    }
  }

  private struct Unfit: Error {}

  /// Tensors of all inputs and parameters: a function of the network and the seed.
  package func given(seed data: UInt64) -> [ValueID: Tensor] {
    var given: [ValueID: Tensor] = [:]
    for id in graph.valueIDs where graph[id].source != .operation {
      let value = graph[id]
      let key = data &* 1000 &+ UInt64(id.index)
      let range: Range<Float> =
        switch value.parameterKind {
        case .kernel:
          -bound(value.shape)..<bound(value.shape)
        case .scale, .runningVariance: 0.5..<1.5
        case nil: -1..<1
        default: -0.5..<0.5
        }
      given[id] =
        value.type.elementType == .int32
        ? .randomClasses(Self.classes, examples: value.shape.count, seed: key)
        : .random(value.shape, seed: key, in: range)
    }
    return given
  }

  /// Sums of products as large as their terms.
  private func bound(_ kernel: Shape) -> Float {
    2 / Float(max(1, kernel.count / kernel[0])).squareRoot()
  }

  // MARK: Drawing

  private static let classes = 3

  private mutating func makePicture() -> ValueID {
    let batch = draw.one(of: [1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 32, 33])
    let axes = draw.isOne(in: 5) ? 1 : 2
    var shape = [batch, drawnChannels()]
    for _ in 0..<axes {
      let room = max(1, Self.mostElements / shape.reduce(1, *))
      shape.append(draw.isOne(in: 5) ? 1 : 1 + draw.below(min(room, axes == 1 ? 24 : 12)))
    }
    let first = Self.mostElements / (shape[1...].reduce(1, *))
    shape[0] = max(1, min(batch, first))
    return graph.addInput("picture", ValueType(Shape(shape)))
  }

  private mutating func drawnChannels() -> Int {
    draw.one(of: [1, 1, 2, 3, 4, 5, 7, 8, 8, 9, 15, 16, 16, 17, 24, 31, 32, 33, 40])
  }

  private mutating func name(_ kind: String) -> String {
    names += 1
    return "\(kind)\(names)"
  }

  private mutating func parameter(_ shape: Shape, _ kind: ParameterKind) -> ValueID {
    graph.addParameter(name("parameter"), shape, kind)
  }

  private mutating func numbers(_ axes: Int, _ choices: [Int]) -> [Int] {
    (0..<axes).map { _ in draw.one(of: choices) }
  }

  private mutating func padding(_ window: [Int]) -> Padding {
    switch draw.below(4) {
    case 0: return .valid
    case 1: return .same
    case 2: return .symmetric(draw.below(max(1, window.min() ?? 1)))
    default:
      return .explicit(
        window.map { .init(before: draw.below(max(1, $0)), after: draw.below(max(1, $0))) })
    }
  }

  private mutating func append(to x: ValueID, among pictures: [ValueID]) throws -> ValueID {
    let shape = graph[x].shape
    let axes = shape.rank - 2
    switch draw.below(23) {
    case 0...3: return try convolution(x, axes)
    case 4: return try transposedConvolution(x, axes)
    case 5...7:
      let window = numbers(axes, [1, 2, 2, 3, 3, 4, 7])
      return try graph.append(
        Operation.MaxPooling(
          window: window, strides: numbers(axes, [1, 2, 2, 3]), padding: padding(window),
          ceilMode: draw.isOne(in: 3)), to: x, name: name("maximum"))
    case 8, 9:
      let window = numbers(axes, [1, 2, 2, 3, 3, 5])
      return try graph.append(
        Operation.AveragePooling(
          window: window, strides: numbers(axes, [1, 2, 2, 3]), padding: padding(window),
          ceilMode: draw.isOne(in: 3), countIncludesPadding: draw.isOne(in: 2)), to: x,
        name: name("mean"))
    case 10:
      return try graph.append(
        Operation.GlobalPooling(kind: draw.one(of: [.average, .max])), to: x, name: name("global"))
    case 11: return try batchNormalization(x)
    case 12:
      guard shape.count <= 600 else { throw Unfit() }
      return try graph.append(
        Operation.LocalResponseNormalization(
          size: draw.one(of: [1, 3, 5]), alpha: 0.1,
          region: draw.isOne(in: 3) ? .withinChannel : .acrossChannels), to: x,
        name: name("response"))
    case 13, 14:
      if draw.isOne(in: 8) {
        return try graph.append(
          Operation.Clip(lower: -0.5, upper: draw.one(of: [0, 1])), to: x, name: name("clip"))
      }
      let functions: [ActivationFunction] = [
        .relu, .relu, .tanh, .sigmoid, .gelu, .silu, .relu6, .leakyReLU(slope: 0.1), .elu(alpha: 1),
        .hardSigmoid, .hardSwish,
      ]
      return try graph.append(
        Operation.Activation(draw.one(of: functions)), to: x, name: name("activation"))
    case 15: return try concatenation(x, among: pictures)
    case 16: return try combination(x, among: pictures)
    case 17: return try cut(x)
    case 18:
      let sides = (0..<axes).map { _ in
        Padding.Sides(before: draw.below(3), after: draw.below(3))
      }
      return try graph.append(
        Operation.Pad(
          sides: sides, mode: draw.one(of: [.zero, .edge, .reflect]),
          channels: .init(before: draw.below(2), after: draw.below(3))), to: x, name: name("pad"))
    case 19:
      if draw.isOne(in: 2) {
        return try graph.append(
          Operation.Upsample(
            factors: numbers(axes, [1, 2, 3]), mode: draw.one(of: [.nearest, .bilinear])), to: x,
          name: name("upsample"))
      }
      dropouts += 1
      if draw.isOne(in: 3) {
        return try graph.append(
          Operation.StochasticDepth(rate: 0.3, index: dropouts), to: x,
          name: name("stochastic depth"))
      }
      return try graph.append(
        Operation.Dropout(rate: 0.3, index: dropouts), to: x, name: name("dropout"))
    case 20:
      let channels: Shape = [shape[1]]
      return try graph.append(
        Operation.LayerNormalization(epsilon: 0.1), to: x, parameter(channels, .scale),
        parameter(channels, .shift), name: name("layer normalization"))
    case 21: return try scale(x)
    default: return try rearranged(x)
    }
  }

  /// By a number a channel, of each example or for all.
  private mutating func scale(_ x: ValueID) throws -> ValueID {
    let shape = graph[x].shape
    let factor =
      draw.isOne(in: 2)
      ? try graph.append(Operation.GlobalPooling(kind: .average), to: x, name: name("squeeze"))
      : parameter([shape[1]], .scale)
    return try graph.append(Operation.ChannelScale(), to: x, factor, name: name("scale"))
  }

  private mutating func convolution(_ x: ValueID, _ axes: Int) throws -> ValueID {
    let channels = graph[x].shape[1]
    let groups = draw.isOne(in: 4) ? draw.one(of: (1...channels).filter { channels % $0 == 0 }) : 1
    let outputs = draw.isOne(in: 3) ? channels : drawnChannels() * groups
    let window = numbers(axes, [1, 1, 2, 3, 3, 5])
    let hasBias = draw.isOne(in: 2)
    let kernel = parameter(Shape([outputs, channels / groups] + window), .kernel)
    let bias = hasBias ? [parameter([outputs], .bias)] : []
    return try graph.append(
      Operation.Convolution(
        strides: numbers(axes, [1, 1, 1, 2, 3]), dilations: numbers(axes, [1, 1, 1, 2]),
        padding: padding(window), groups: groups, hasBias: hasBias), to: [x, kernel] + bias,
      name: name("convolution"))[0]
  }

  private mutating func transposedConvolution(_ x: ValueID, _ axes: Int) throws -> ValueID {
    let channels = graph[x].shape[1]
    let window = numbers(axes, [1, 2, 3])
    let outputs = drawnChannels()
    let hasBias = draw.isOne(in: 2)
    let kernel = parameter(Shape([channels, outputs] + window), .kernel)
    let bias = hasBias ? [parameter([outputs], .bias)] : []
    return try graph.append(
      Operation.TransposedConvolution(strides: numbers(axes, [1, 2]), hasBias: hasBias),
      to: [x, kernel] + bias, name: name("transposed"))[0]
  }

  private mutating func batchNormalization(_ x: ValueID) throws -> ValueID {
    // The gradient over a single element is zero: what is left of its terms is rounding.
    guard graph[x].shape.count <= 600, graph[x].shape.count > graph[x].shape[1] else {
      throw Unfit()
    }
    let channels: Shape = [graph[x].shape[1]]
    let kinds: [ParameterKind] = [.scale, .shift, .runningMean, .runningVariance]
    let values = kinds.map { parameter(channels, $0) }
    return try graph.append(
      Operation.BatchNormalization(), to: [x] + values, name: name("normalization"))[0]
  }

  private mutating func concatenation(
    _ x: ValueID, among pictures: [ValueID]
  ) throws -> ValueID {
    let shape = graph[x].shape
    var branches = [x]
    for _ in 0...draw.below(2) {
      // A branch of its own, or whatever has the same positions.
      let others = pictures.filter {
        graph[$0].shape.rank == shape.rank && graph[$0].shape[0] == shape[0]
          && graph[$0].shape.dimensions[2...] == shape.dimensions[2...]
      }
      if draw.isOne(in: 2), !others.isEmpty {
        branches.append(draw.one(of: others))
      } else {
        let outputs = drawnChannels()
        let axes = [Int](repeating: 1, count: shape.rank - 2)
        let kernel = parameter(Shape([outputs, shape[1]] + axes), .kernel)
        branches.append(
          try graph.append(
            Operation.Convolution(strides: axes, hasBias: false), to: x, kernel,
            name: name("branch")))
      }
    }
    return try graph.append(
      Operation.Concatenate(), to: draw.isOne(in: 2) ? branches : branches.reversed(),
      name: name("joined"))[0]
  }

  private mutating func combination(_ x: ValueID, among pictures: [ValueID]) throws -> ValueID {
    let others = pictures.filter { graph[$0].shape == graph[x].shape }
    let other = draw.one(of: others)
    if draw.isOne(in: 3) {
      return try graph.append(Operation.Multiply(), to: x, other, name: name("product"))
    }
    return try graph.append(
      Operation.Add(coefficients: draw.isOne(in: 2) ? [0.5, -1.5] : nil), to: x, other,
      name: name("sum"))
  }

  private mutating func cut(_ x: ValueID) throws -> ValueID {
    let shape = graph[x].shape
    let axis = 1 + draw.below(shape.rank - 1)
    let start = draw.below(shape[axis])
    return try graph.append(
      Operation.Slice(axis: axis, start: start, count: 1 + draw.below(shape[axis] - start)), to: x,
      name: name("slice"))
  }

  /// The same elements in another shape or order.
  private mutating func rearranged(_ x: ValueID) throws -> ValueID {
    let shape = graph[x].shape
    switch draw.below(3) {
    case 0:
      let flat = try graph.append(
        Operation.Flatten(order: draw.one(of: DataFormat.allCases)), to: x, name: name("flat"))
      let order = draw.one(of: DataFormat.allCases)
      return try graph.append(
        Operation.Unflatten(order: order, shape: Shape(Array(shape.dimensions.dropFirst()))),
        to: flat, name: name("unflat"))
    case 1:
      let rest = shape.dimensions.dropFirst()
      return try graph.append(
        Operation.Reshape(shape: Shape(draw.isOne(in: 2) ? rest.reversed() : Array(rest))),
        to: x, name: name("reshaped"))
    default:
      let axes = [0] + (1..<shape.rank).shuffledAxes(&draw)
      return try graph.append(
        Operation.Transpose(permutation: axes), to: x, name: name("transposed"))
    }
  }

  /// A loss of one of both kinds.
  private mutating func finish(_ x: ValueID) throws {
    let shape = graph[x].shape
    if draw.isOne(in: 2) {
      let target = graph.addInput("target", graph[x].type)
      loss = try graph.append(Operation.MeanSquaredError(), to: x, target, name: "loss")
    } else {
      let flat = try graph.append(
        Operation.Flatten(order: draw.one(of: DataFormat.allCases)), to: x, name: "flat")
      let kernel = parameter([Self.classes, shape.count / shape[0]], .kernel)
      let logits = try graph.append(
        Operation.Dense(), to: flat, kernel, parameter([Self.classes], .bias), name: "dense")
      let labels = graph.addInput("labels", ValueType([shape[0]], .int32))
      loss = try graph.append(
        Operation.CrossEntropy(labelSmoothing: 0.1), to: [logits, labels], name: "loss")[0]
    }
    graph.addOutput("features", x)
    graph.addOutput("loss", loss)
  }
}

extension Range<Int> {
  fileprivate func shuffledAxes(_ draw: inout SeededDraws) -> [Int] {
    var axes = Array(self)
    for index in axes.indices.reversed() { axes.swapAt(index, draw.below(index + 1)) }
    return axes
  }
}
