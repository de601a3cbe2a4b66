import CKernels
import ConvNetEngine
public import ConvNetGraphs
public import ConvNetTensors

/// What happens to the gradients between the backward pass and the update.
///
/// A trainer has a list of them, which is gone through in order.
///
/// ```swift
/// /// Gradients of biases twice as large.
/// struct DoubledBiases: GradientTransform {
///   static let name = "example.doubledBiases"
///
///   func apply(to gradients: inout Gradients) -> UpdateDecision {
///     gradients.forEach { gradient in
///       guard gradient.kind == .bias else { return }
///       gradient.withSpan { elements in
///         for index in elements.indices { elements[index] *= 2 }
///       }
///     }
///     return .update
///   }
/// }
/// ```
public protocol GradientTransform: TrainingPart {
  /// Names of what is remembered of each parameter: as many numbers as it has elements, zero before the first step. A checkpoint
  /// keeps them. Without this there are none.
  var slots: [String] { get }

  /// Changes the gradients in place: finite numbers, of which it makes finite ones.
  func apply(to gradients: inout Gradients) -> UpdateDecision
}

extension GradientTransform {
  public var slots: [String] { [] }
}

/// Whether parameters are updated after a backward pass.
public enum UpdateDecision: Hashable, Sendable {
  /// By the gradients as they are now, after what further transforms make of them.
  case update
  /// Not yet: further transforms and the optimizer wait for another batch.
  case wait
}

/// The gradients of a batch by all parameters that are learned.
public struct Gradients: ~Copyable {
  /// Backward passes of the training before this one.
  public let step: Int
  /// Samples of this batch.
  public let samples: Int
  /// Samples of this batch and of those before it that no update came of.
  public let samplesSinceUpdate: Int
  private let compiled: CompiledStep
  private var knownNorm: Double?
  /// Of the transform that has its turn.
  var memory: SlotMemory?

  init(
    _ compiled: CompiledStep, step: Int, samplesBefore: Int, norm: Double
  ) {
    self.compiled = compiled
    samples = compiled.batch
    samplesSinceUpdate = samplesBefore + compiled.batch
    self.step = step
    knownNorm = norm
  }

  /// The Euclidean length of all gradients together, in double precision.
  public var norm: Double {
    mutating get {
      if let knownNorm { return knownNorm }
      let norm = compiled.sumOfSquares().squareRoot()
      knownNorm = norm
      return norm
    }
  }

  /// Multiplies all.
  public mutating func scale(by factor: Float) {
    forEachPart { part in
      part.withSpan { elements in
        elements.withUnsafeMutableBufferPointer { ck_scale($0.baseAddress, $0.count, factor) }
      }
    }
  }

  /// Goes through the parameters, one after the other.
  public mutating func forEach(_ body: (borrowing ParameterGradient) throws -> Void) rethrows {
    knownNorm = nil
    for parameter in compiled.parameters {
      try body(ParameterGradient(parameter, 0..<parameter.count, memory))
    }
  }

  /// Goes through parts of all parameters, several at the same time.
  mutating func forEachPart(_ body: (borrowing ParameterGradient) -> Void) {
    knownNorm = nil
    let (compiled, memory) = (compiled, memory)
    compiled.executable.share(workOn: compiled.elementCount) { task, tasks in
      for parameter in compiled.parameters {
        body(ParameterGradient(parameter, parameter.share(of: task, tasks), memory))
      }
    }
  }
}

/// The gradient by one parameter.
public struct ParameterGradient: ~Copyable {
  private let parameter: OptimizedParameter
  private let range: Range<Int>
  private let memory: SlotMemory?

  init(_ parameter: OptimizedParameter, _ range: Range<Int>, _ memory: SlotMemory?) {
    self.parameter = parameter
    self.range = range
    self.memory = memory
  }

  /// The parameter's name.
  public var name: String { parameter.name }
  /// What the parameter is to its layer.
  public var kind: ParameterKind { parameter.kind }
  /// The parameter's, in whose row-major order the elements are: output channels, input channels, height, width of a kernel.
  public var shape: Shape { parameter.shape }

  /// Lends the elements for reading and writing.
  public func withSpan<Result>(
    _ body: (inout MutableSpan<Float>) throws -> Result
  ) rethrows -> Result {
    var span = UnsafeMutableBufferPointer(rebasing: parameter.gradient[range]).mutableSpan
    return try body(&span)
  }

  /// Lends the elements and what a slot has of them. A name that is none of the transform's ends the process.
  public func withSpan<Result>(
    andSlot slot: String,
    _ body: (inout MutableSpan<Float>, inout MutableSpan<Float>) throws -> Result
  ) rethrows -> Result {
    guard let memory, let place = memory.names.firstIndex(of: slot) else {
      fatalError("the transform has no slot \(slot), it has \(memory?.names ?? [])")
    }
    let address = memory.addresses(of: parameter.name, count: parameter.count)[place]
    var remembered = UnsafeMutableBufferPointer(
      start: address + range.lowerBound, count: range.count
    ).mutableSpan
    return try withSpan { try body(&$0, &remembered) }
  }
}
