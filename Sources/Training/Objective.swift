public import ConvNetGraphs
public import ConvNetImages

/// What a training makes small: the loss of a batch, as a part of the graph.
///
/// ```swift
/// /// The mean of (output - label)^2, where the label is one for the class and zero elsewhere.
/// struct SquaredError: Objective {
///   static let name = "example.squaredError"
///   var takesDistributions: Bool { true }
///
///   func append(
///     to graph: inout Graph, output: ValueID, labels: ValueID, name: String
///   ) throws(GraphError) -> ObjectiveValues {
///     let loss = try graph.append(
///       Operation.MeanSquaredError(), to: [output, labels], name: name + "/squared error")
///     return ObjectiveValues(loss: loss[0], scores: output)
///   }
/// }
/// ```
public protocol Objective: TrainingPart {
  /// Whether labels are always distributions, `float32` [N, classes] of sum one: of a picture that was not mixed, one for its
  /// class and zero elsewhere. Otherwise they are so where augmentation mixes pictures, and classes, `int32` [N], where not.
  /// Of data that is told by labels or numbers they are `float32` [N, names] in any case.
  var takesDistributions: Bool { get }

  /// Whether what samples are told by can be what it makes the error to. Without this: classes, and with
  /// ``takesDistributions`` labels and numbers too.
  func takes(_ kind: TargetKind) -> Bool

  /// Appends the loss of one output of the network.
  ///
  /// - Parameters:
  ///   - graph: the network in its form for training.
  ///   - output: of the network, or of one of its auxiliary classifiers: logits [N, classes].
  ///   - labels: as ``takesDistributions`` says.
  ///   - name: the beginning of the names of the operations.
  /// - Returns: the loss, a mean over the batch, [1]; its gradient is appended by the operations it is made of.
  func append(
    to graph: inout Graph, output: ValueID, labels: ValueID, name: String
  ) throws(GraphError) -> ObjectiveValues
}

extension Objective {
  public func takes(_ kind: TargetKind) -> Bool { kind == .classes || takesDistributions }
}

/// What an ``Objective`` appended to a graph.
public struct ObjectiveValues: Hashable, Sendable {
  /// [1], a mean over the batch.
  public var loss: ValueID
  /// [N, classes]: the higher, the likelier. What the accuracy of an epoch is measured by.
  public var scores: ValueID

  /// Two values of the graph that was appended to.
  public init(loss: ValueID, scores: ValueID) {
    self.loss = loss
    self.scores = scores
  }
}

/// Softmax and cross-entropy, with the labels smoothed towards the uniform distribution: see ``Operation/CrossEntropy``.
public struct CrossEntropy: Objective {
  public static let name = "crossEntropy"

  /// The share of the target that is spread evenly over the classes, 0 to below 1.
  public var labelSmoothing: Float
  /// What errors at each class weigh, in the order of the class names; `nil` where all weigh the same. The loss is then the mean
  /// weighted by the labels' classes, as ``Operation/CrossEntropy`` says, with smoothing and mixed pictures too.
  public var classWeights: [Float]?

  /// A cross-entropy whose labels are smoothed by that share.
  ///
  /// - Parameters:
  ///
  /// - classWeights: one a class, above zero.
  public init(labelSmoothing: Float = 0, classWeights: [Float]? = nil) {
    self.labelSmoothing = labelSmoothing
    self.classWeights = classWeights
  }

  public func validate() throws(TrainingError) {
    try require(
      (0..<1).contains(labelSmoothing), "label smoothing", labelSmoothing, "from 0 to below 1")
    for weight in classWeights ?? [] {
      try require(weight.isFinite && weight > 0, "a class weight", weight, "above zero")
    }
  }

  public var takesDistributions: Bool { false }

  public func append(
    to graph: inout Graph, output: ValueID, labels: ValueID, name: String
  ) throws(GraphError) -> ObjectiveValues {
    let values = try graph.append(
      Operation.CrossEntropy(labelSmoothing: labelSmoothing, classWeights: classWeights),
      to: [output, labels],
      name: name + "/cross entropy")
    return ObjectiveValues(loss: values[0], scores: values[1])
  }

  public var description: String {
    "cross-entropy with label smoothing \(labelSmoothing)"
      + (classWeights.map { " and class weights \($0)" } ?? "")
  }
}

extension CrossEntropy {
  public func takes(_ kind: TargetKind) -> Bool { kind == .classes }
}

extension Objective where Self == CrossEntropy {
  /// ``CrossEntropy``.
  public static func crossEntropy(labelSmoothing: Float = 0, classWeights: [Float]? = nil) -> Self {
    CrossEntropy(labelSmoothing: labelSmoothing, classWeights: classWeights)
  }
}

/// Sigmoid and binary cross-entropy: for several labels a picture, each there or not. See ``Operation/BinaryCrossEntropy``.
public struct BinaryCrossEntropy: Objective {
  public static let name = "binaryCrossEntropy"

  /// What a label that is there weighs beside one that is not, in the order of the names; `nil` where both weigh the same.
  /// ``Dataset/balancedPositiveWeights`` makes both weigh the same in all.
  public var positiveWeights: [Float]?

  /// A mean over all pictures and labels.
  ///
  /// - Parameters:
  ///
  /// - positiveWeights: one a label, above zero.
  public init(positiveWeights: [Float]? = nil) {
    self.positiveWeights = positiveWeights
  }

  public func validate() throws(TrainingError) {
    for weight in positiveWeights ?? [] {
      try require(weight.isFinite && weight > 0, "a positive weight", weight, "above zero")
    }
  }

  public func takes(_ kind: TargetKind) -> Bool { kind != .numbers }

  public var takesDistributions: Bool { true }

  public func append(
    to graph: inout Graph, output: ValueID, labels: ValueID, name: String
  ) throws(GraphError) -> ObjectiveValues {
    let values = try graph.append(
      Operation.BinaryCrossEntropy(positiveWeights: positiveWeights), to: [output, labels],
      name: name + "/binary cross entropy")
    return ObjectiveValues(loss: values[0], scores: values[1])
  }

  public var description: String {
    "binary cross-entropy" + (positiveWeights.map { " with positive weights \($0)" } ?? "")
  }
}

extension Objective where Self == BinaryCrossEntropy {
  /// ``BinaryCrossEntropy``.
  public static var binaryCrossEntropy: Self { BinaryCrossEntropy() }

  /// ``BinaryCrossEntropy`` where labels that are there weigh more or less than others.
  public static func binaryCrossEntropy(positiveWeights: [Float]?) -> Self {
    BinaryCrossEntropy(positiveWeights: positiveWeights)
  }
}

/// The mean over pictures and outputs of the squared error: for numbers. See ``Operation/MeanSquaredError``. Numbers of the data
/// are standardized, so that each counts the same whatever its unit; of classes and labels the outputs come near 1 and 0.
public struct MeanSquaredError: Objective {
  public static let name = "meanSquaredError"

  /// A mean over all pictures and outputs.
  public init() {}

  public var takesDistributions: Bool { true }

  public func append(
    to graph: inout Graph, output: ValueID, labels: ValueID, name: String
  ) throws(GraphError) -> ObjectiveValues {
    let loss = try graph.append(
      Operation.MeanSquaredError(), to: [output, labels], name: name + "/squared error")
    return ObjectiveValues(loss: loss[0], scores: output)
  }

  public var description: String { "mean squared error" }
}

extension Objective where Self == MeanSquaredError {
  /// ``MeanSquaredError``.
  public static var meanSquaredError: Self { MeanSquaredError() }
}

extension TargetKind {
  /// The objective that is usual for it.
  public var usualObjective: any Objective {
    switch self {
    case .classes: .crossEntropy()
    case .labels: .binaryCrossEntropy
    case .numbers: .meanSquaredError
    }
  }
}
