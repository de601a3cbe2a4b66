import ConvNetTensors

/// An operation from outside the package, with a kernel of its own.
///
/// It is told apart from others by its name and its attributes, which a model file keeps. Everything that holds for operations of
/// the package holds for it: shapes are inferred, its gradient is a rewriting of the graph, and passes and engine obey its
/// ``OperationAttributes/traits``. ``GradientCheck`` compares its gradient with differences. A file that needs it is read with
/// it: `Model(loading: path, operations: [Cube.self, CubeGradient.self])`.
///
/// ```swift
/// /// scale x^3
/// struct Cube: CustomOperation {
///   static let name = "example.cube"
///   var scale: Float
///
///   var traits: OperationTraits {
///     OperationTraits(
///       batch: .separately(linear: .inNone), recomputable: .all, overwritesInput: true,
///       isRandom: false, isGradient: false, isIdentityInInference: false)
///   }
///
///   func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] { [inputs[0]] }
///
///   func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }
///
///   func appendGradient(
///     of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
///   ) throws(GraphError) -> [ValueID?] {
///     guard let gradient = outputGradients[0] else { return [nil] }
///     return try builder.append(
///       CubeGradient(scale: scale), to: [operation.inputs[0], gradient], of: operation)
///   }
///
///   func compute(
///     output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>
///   ) {
///     inputs.withSpan(of: 0) { x in
///       for index in x.indices { result[index] = scale * x[index] * x[index] * x[index] }
///     }
///   }
/// }
/// ```
public protocol CustomOperation: OperationAttributes {
  /// Computes an output, all elements of it, in logical row-major order: batch, channels, height, width.
  ///
  /// Called once a run for each output, by one thread; in a batch that is cut into parts, by several threads at the same time for
  /// one part each. Where ``OperationTraits/overwritesInput`` is set and there is one output, `result` may be the memory of an
  /// input of its shape: element i must then be written after all that is read of element i, and of no other element later.
  ///
  /// - Parameters:
  ///   - output: which output, by its place.
  ///   - inputs: the operation's inputs.
  ///   - result: the output's elements; what they are before is not defined.
  func compute(
    output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>)
}

/// What the kernel of a ``CustomOperation`` reads.
public struct KernelInputs: ~Copyable {
  /// The inputs' shapes and element types.
  public let types: [ValueType]
  /// Of the run: random operations draw from these numbers alone.
  public let seed: UInt64
  /// The training step.
  public let step: Int
  /// The place of the first example in the whole batch, where that is computed in parts.
  public let firstExample: Int
  private let addresses: ArraySlice<UnsafeMutableRawPointer>

  package init(
    _ addresses: ArraySlice<UnsafeMutableRawPointer>, types: [ValueType], seed: UInt64, step: Int,
    firstExample: Int
  ) {
    self.addresses = addresses
    self.types = types
    self.seed = seed
    self.step = step
    self.firstExample = firstExample
  }

  /// Lends the elements of a `float32` input, in logical row-major order.
  public func withSpan<Result>(
    of input: Int, _ body: (Span<Float>) throws -> Result
  ) rethrows -> Result {
    try body(elements(of: input, .float32, as: Float.self).span)
  }

  /// Lends the elements of two inputs.
  public func withSpans<Result>(
    of first: Int, _ second: Int, _ body: (Span<Float>, Span<Float>) throws -> Result
  ) rethrows -> Result {
    try withSpan(of: first) { first in try withSpan(of: second) { try body(first, $0) } }
  }

  /// Lends the elements of three inputs.
  public func withSpans<Result>(
    of first: Int, _ second: Int, _ third: Int,
    _ body: (Span<Float>, Span<Float>, Span<Float>) throws -> Result
  ) rethrows -> Result {
    try withSpans(of: first, second) { first, second in
      try withSpan(of: third) { try body(first, second, $0) }
    }
  }

  /// Lends the elements of an `int32` input, such as classes.
  public func withIntegers<Result>(
    of input: Int, _ body: (Span<Int32>) throws -> Result
  ) rethrows -> Result {
    try body(elements(of: input, .int32, as: Int32.self).span)
  }

  private func elements<Scalar>(
    of input: Int, _ elementType: ElementType, as scalar: Scalar.Type
  ) -> UnsafeBufferPointer<Scalar> {
    guard types.indices.contains(input), types[input].elementType == elementType else {
      fatalError("a kernel asks for input \(input) of \(types.count) as \(elementType)")
    }
    return UnsafeBufferPointer(
      start: addresses[addresses.startIndex + input].assumingMemoryBound(to: scalar),
      count: types[input].shape.count)
  }
}
