public import ConvNetTensors

extension Operation {
  /// A border around every channel, and channels of zeros before and after those of the input.
  ///
  /// Input: [N, C, (H,) W]. Output: each spatial extent, and the number of channels, grows by what
  /// its two sides say.
  public struct Pad: OperationAttributes {
    public static let name = "pad"

    /// What the border holds.
    public enum Mode: String, Hashable, Sendable, Codable, CaseIterable {
      /// Zeros.
      case zero
      /// The nearest element of the input.
      case edge
      /// The input mirrored at its outermost element, which is not repeated: c b | a b c | b a.
      case reflect
    }

    /// One a spatial axis.
    public var sides: [Padding.Sides]
    /// What the border holds.
    public var mode: Mode
    /// Added channels, all zeros in every mode.
    public var channels: Padding.Sides

    /// A border of that many elements, one pair a spatial axis.
    public init(
      sides: [Padding.Sides], mode: Mode, channels: Padding.Sides = .init(before: 0, after: 0)
    ) {
      self.sides = sides
      self.mode = mode
      self.channels = channels
    }

    private enum CodingKeys: CodingKey {
      case sides, mode, channels
    }

    // Most borders add no channels and need not say so.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      try self.init(
        sides: container.decode([Padding.Sides].self, forKey: .sides),
        mode: container.decode(Mode.self, forKey: .mode),
        channels: container.decodeIfPresent(Padding.Sides.self, forKey: .channels)
          ?? .init(before: 0, after: 0))
    }

    /// The input's position that an output's position shows; `nil` for zero.
    package func source(of position: Int, axis: Int, extent: Int) -> Int? {
      let source = position - sides[axis].before
      if 0..<extent ~= source { return source }
      switch mode {
      case .zero: return nil
      case .edge: return source < 0 ? 0 : extent - 1
      case .reflect: return source < 0 ? -source : 2 * (extent - 1) - source
      }
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0])), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 3...4)
      let input = inputs[0].shape
      let description = "\(sides.map { [$0.before, $0.after] })"
      let allowed = 0...windowLimit
      guard sides.count == input.rank - 2,
        sides.allSatisfy({ allowed ~= $0.before && allowed ~= $0.after })
      else {
        throw .attribute(
          name: "sides", value: description,
          requirement: "\(input.rank - 2) pairs between 0 and \(windowLimit)")
      }
      guard allowed ~= channels.before, allowed ~= channels.after else {
        throw .attribute(
          name: "channels", value: "\([channels.before, channels.after])",
          requirement: "a pair between 0 and \(windowLimit)")
      }
      if mode == .reflect {
        guard zip(sides, input.spatial).allSatisfy({ max($0.before, $0.after) < $1 }) else {
          throw .attribute(
            name: "sides", value: description,
            requirement: "smaller than the input \(joined(input.spatial)), which is mirrored once")
        }
      }
      let extents = zip(input.spatial, sides).map { $0 + $1.before + $1.after }
      let channels = input[1] + channels.before + channels.after
      return [ValueType(try resultShape([input[0], channels] + extents))]
    }

    public func summary(inputs: [ValueType]) -> String {
      func text(_ sides: Padding.Sides) -> String { "\(sides.before)+\(sides.after)" }
      let border = "pad \(sides.map(text).joined(separator: " ")) \(mode)"
      return channels.before + channels.after > 0 ? "\(border), channels \(text(channels))" : border
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      let input = builder.type(of: operation.inputs[0]).shape
      return try builder.append(
        PadGradient(self, inputShape: input.withoutBatch), to: [gradient], of: operation)
    }
  }
}

extension Operation {
  /// The gradient of padding: every element sums the gradients of the outputs that show it.
  ///
  /// Input: gradient by the output. Output: gradient by the input.
  public struct PadGradient: OperationAttributes {
    public static let name = "padGradient"

    /// The forward operation.
    public var pad: Pad
    /// The forward input's shape without its batch.
    public var inputShape: Shape

    package init(_ pad: Pad, inputShape: Shape) {
      self.pad = pad
      self.inputShape = inputShape
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0])), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 3...4)
      let input = ValueType(try inputShape.batched(inputs[0].shape[0]))
      try requireShape(inputs, 0, pad.outputTypes(for: [input])[0].shape)
      return [input]
    }
  }
}
