public import ConvNetGraphs

/// How parameters follow their gradients.
///
/// ```swift
/// /// w <- w - rate g / (sqrt(sum of all g^2 so far) + 1e-10) (J. Duchi et al., "Adaptive Subgradient Methods", 2011).
/// struct AdaptiveGradient: Optimizer {
///   static let name = "example.adaptiveGradient"
///   var slots: [String] { ["squares"] }
///   var updatesElementsSeparately: Bool { true }
///
///   func update(
///     _ weights: inout MutableSpan<Float>, gradient: Span<Float>, in step: borrowing OptimizerStep
///   ) {
///     step.withSlot("squares") { squares in
///       for index in weights.indices {
///         squares[index] += gradient[index] * gradient[index]
///         weights[index] -= step.learningRate * gradient[index] / (squares[index].squareRoot() + 1e-10)
///       }
///     }
///   }
/// }
/// ```
public protocol Optimizer: TrainingPart {
  /// Names of what is remembered of each parameter: as many numbers as it has elements, zero before the first update. A
  /// checkpoint keeps them by these names.
  var slots: [String] { get }

  /// Whether an element's update depends on nothing of other elements, so that several threads may share a parameter: each then
  /// calls ``update(_:gradient:in:)`` for a part of it. Without this, a call has the whole parameter.
  var updatesElementsSeparately: Bool { get }

  /// Moves a parameter, or a part of it, by one step. Called by several threads at the same time for what they share.
  ///
  /// - Parameters:
  ///   - weights: the parameter's elements, to be changed.
  ///   - gradient: of the loss by each of them; finite.
  ///   - step: the rate, and what is remembered of these elements.
  func update(
    _ weights: inout MutableSpan<Float>, gradient: Span<Float>, in step: borrowing OptimizerStep)
}

/// An update of one parameter, or of a part of it.
public struct OptimizerStep: ~Copyable {
  /// The parameter's name.
  public let parameter: String
  /// What the parameter is to its layer: an optimizer may treat biases otherwise than kernels.
  public let kind: ParameterKind
  /// That of the schedule, times the factor of the parameter's group.
  public let learningRate: Float
  /// Of the parameter's group: what weight decay is to be multiplied by.
  public let decayFactor: Float
  /// Updates of the training, this one included: from 1.
  public let number: Int
  private let slots: [String]
  private let addresses: [UnsafeMutablePointer<Float>]
  private let range: Range<Int>

  init(
    _ parameter: OptimizedParameter, range: Range<Int>, slots: [String], learningRate: Float,
    number: Int
  ) {
    self.parameter = parameter.name
    kind = parameter.kind
    self.learningRate = parameter.rateFactor * learningRate
    decayFactor = parameter.decayFactor
    self.number = number
    self.slots = slots
    addresses = parameter.slots
    self.range = range
  }

  /// Lends what a slot has of these elements. A name that is none of the optimizer's ends the process.
  public func withSlot<Result>(
    _ name: String, _ body: (inout MutableSpan<Float>) throws -> Result
  ) rethrows -> Result {
    let elements = UnsafeMutableBufferPointer(start: address(of: name), count: range.count)
    var span = elements.mutableSpan
    return try body(&span)
  }

  /// Where a slot has these elements.
  func address(of slot: String) -> UnsafeMutablePointer<Float> {
    guard let place = slots.firstIndex(of: slot) else {
      fatalError("the optimizer has no slot \(slot), it has \(slots)")
    }
    return addresses[place] + range.lowerBound
  }

  /// Lends what two slots have of these elements.
  public func withSlots<Result>(
    _ first: String, _ second: String,
    _ body: (inout MutableSpan<Float>, inout MutableSpan<Float>) throws -> Result
  ) rethrows -> Result {
    guard first != second else { fatalError("the slot \(first) is asked for twice") }
    return try withSlot(first) { first in try withSlot(second) { try body(&first, &$0) } }
  }
}
