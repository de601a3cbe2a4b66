public import ArgumentParser
public import ConvNet
import Foundation

/// What of a network is learned, and at which rate.
struct FineTuningOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Parameters that stay as they are, by a pattern of their names; may be repeated.",
      discussion: """
        * stands for any characters, ? for one: "layer1.*". `convnet explain MODEL` prints the \
        names. Normalization of frozen layers uses its running statistics and leaves them. What \
        is frozen at the beginning is computed as in inference, and without --augment once.
        """, valueName: "pattern"))
  var freeze: [String] = []

  @Option(
    help: ArgumentHelp(
      "Times the learning rate for parameters of a pattern: \"fc.*=10\"; may be repeated, and the first that fits a parameter counts.",
      valueName: "pattern=factor"))
  var rateFactor: [PatternFactor] = []

  @Option(
    help: ArgumentHelp(
      "Times the weight decay for parameters of a pattern: \"*.bias=0\"; may be repeated, and the first that fits a parameter counts.",
      valueName: "pattern=factor"))
  var decayFactor: [PatternFactor] = []

  @Option(
    help: ArgumentHelp(
      "Where what a frozen beginning makes of each picture is kept: automatic, in memory where it fits; never; memory; a folder.",
      valueName: "automatic|never|memory|folder"))
  var keepFeatures: FeatureKeeping?

  /// The groups of these options; `nil` where there is none of them.
  ///
  /// - Throws: `TrainingError` where a pattern fits nothing, or has two factors of a kind.
  func groups(in network: Graph) throws -> [ParameterGroup]? {
    if freeze.isEmpty, rateFactor.isEmpty, decayFactor.isEmpty { return nil }
    return try .combining(
      frozen: freeze, rateFactors: rateFactor.map { ($0.pattern, $0.factor) },
      decayFactors: decayFactor.map { ($0.pattern, $0.factor) }, in: network)
  }
}

/// What is made of data that has many pictures of some classes and few of others.
struct BalanceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What errors at each class weigh: balanced, so that all classes together weigh the same, or a number a class in their order. Of several labels a picture, what a label that is there weighs beside one that is not.",
      valueName: "balanced|a,b,c"))
  var classWeights: ClassWeights?

  @Option(
    help: ArgumentHelp(
      "Which pictures an epoch goes through: every one once, or of each class equally many, rare ones several times.",
      valueName: "every|balanced"))
  var sampling: Sampling?
}

extension Sampling: ExpressibleByArgument {}

/// `layer1.*=0.1`
struct PatternFactor: ExpressibleByArgument {
  var pattern: String
  var factor: Float

  init?(argument: String) {
    guard let separator = argument.lastIndex(of: "="), separator > argument.startIndex,
      let factor = Float(argument[argument.index(after: separator)...]), factor.isFinite,
      factor >= 0
    else { return nil }
    pattern = String(argument[..<separator])
    self.factor = factor
  }
}

extension FeatureKeeping: ExpressibleByArgument {
  /// `automatic`, `never`, `memory`, or a folder.
  public init?(argument: String) {
    switch argument {
    case "": return nil
    case "automatic": self = .automatic
    case "never": self = .never
    case "memory": self = .memory
    default: self = .folder(argument)
    }
  }
}

enum ClassWeights: ExpressibleByArgument {
  case balanced
  case given([Float])

  init?(argument: String) {
    if argument == "balanced" {
      self = .balanced
      return
    }
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Float($0.trimmingCharacters(in: .whitespaces)) }
    guard numbers.count == parts.count, numbers.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      return nil
    }
    self = .given(numbers)
  }

  /// The numbers, in the order of the data's class names.
  ///
  /// - Throws: ``WrongWeights``.
  func weights(of training: any Dataset) throws -> [Float] {
    guard training.targetKind != .numbers else {
      throw NotForTargets(option: "--class-weights", kind: .numbers)
    }
    switch self {
    case .balanced:
      return training.targetKind == .labels
        ? training.balancedPositiveWeights : training.balancedClassWeights
    case .given(let weights):
      guard weights.count == training.classNames.count else {
        throw WrongWeights(
          count: weights.count, kind: training.targetKind, classNames: training.classNames)
      }
      return weights
    }
  }
}

/// There are as many class weights as classes.
struct WrongWeights: ReadableError {
  var count: Int
  var kind: TargetKind
  var classNames: [String]

  var description: String {
    "--class-weights has \(plural(count, "number")), the data \(plural(classNames.count, kind.noun.one, kind.noun.many)): "
      + "\(classList(classNames)); give one for each, in this order, or balanced"
  }
}
