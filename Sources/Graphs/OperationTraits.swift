/// What the passes and the engine must know of an operation beside its formula.
///
/// None has a usual value: of an operation that forgot one, the numbers would be wrong without a word.
public struct OperationTraits: Hashable, Sendable {
  /// Whether parts of a batch may be computed by themselves, and what then joins their results.
  public var batch: BatchTreatment
  /// Which outputs the backward pass may compute a second time instead of keeping them.
  public var recomputable: RecomputableOutputs
  /// Whether the first output may take the memory of an input of its size that nobody reads afterwards.
  public var overwritesInput: Bool
  /// Whether the result depends on the seed and the step of a run, and not on the inputs alone.
  public var isRandom: Bool
  /// Whether only backward passes have the operation: the first of them is where one begins.
  public var isGradient: Bool
  /// Whether compiling for inference takes the operation out, and its first input for its result.
  public var isIdentityInInference: Bool

  /// The traits of an operation, each said.
  public init(
    batch: BatchTreatment, recomputable: RecomputableOutputs, overwritesInput: Bool,
    isRandom: Bool, isGradient: Bool, isIdentityInInference: Bool
  ) {
    self.batch = batch
    self.recomputable = recomputable
    self.overwritesInput = overwritesInput
    self.isRandom = isRandom
    self.isGradient = isGradient
    self.isIdentityInInference = isIdentityInInference
  }
}

/// How the results of a batch come from those of its parts: decides whether the threads may compute parts of a batch by
/// themselves. Inputs that hold examples have them along their first axis.
public enum BatchTreatment: Hashable, Sendable {
  /// The result of an example depends on others, or the examples do not stay along the first axis: the batch must be computed
  /// at once.
  case together
  /// The result of each example by itself: those of the parts are joined.
  case separately(linear: Linearity)
  /// The first output is a mean over the examples, the others are of each example by itself: a loss.
  case mean
  /// The gradient of such a mean, of each example its share in it: twice as large in half a batch. The last input is the
  /// gradient by the mean.
  case shareOfMean
  /// A sum over the examples of something that is proportional to one input: the gradient by a parameter.
  case sum

  /// In which inputs an operation is linear: twice the input, twice the result.
  public enum Linearity: Hashable, Sendable {
    /// In none: twice the input may give anything.
    case inNone
    /// In each of these, by their places, while the others stay as they are.
    case inEach([Int])
    /// In all of them together, as a sum is.
    case inAll
  }
}

/// Which outputs of an operation may be computed a second time. It must give the same bits.
public enum RecomputableOutputs: Hashable, Sendable {
  /// Every one.
  case all
  /// Only the first: the others are small, and make it cheap to repeat that.
  case first
  /// None: a loss, from which the backward pass starts, or what is computed once a step by its meaning.
  case none

  package func contains(_ output: Int) -> Bool {
    switch self {
    case .all: true
    case .first: output == 0
    case .none: false
    }
  }
}
