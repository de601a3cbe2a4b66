import ConvNetFiles
import ConvNetImages
import Foundation

/// The parts of trainings that a recipe's file may name.
///
/// Parts from outside the package are known to who adds their types.
public struct TrainingPartCatalog: Sendable {
  private let optimizers: [any Optimizer.Type]
  private let schedules: [any LearningRateSchedule.Type]
  private let transforms: [any GradientTransform.Type]
  private let averagings: [any WeightAveraging.Type]
  private let objectives: [any Objective.Type]

  /// Those of the package, and others.
  public init(
    optimizers: [any Optimizer.Type] = [], schedules: [any LearningRateSchedule.Type] = [],
    transforms: [any GradientTransform.Type] = [], averagings: [any WeightAveraging.Type] = [],
    objectives: [any Objective.Type] = []
  ) {
    self.optimizers =
      [StochasticGradientDescent.self, RMSProp.self, Adam.self, LARS.self] + optimizers
    let plain: [any LearningRateSchedule.Type] =
      [
        ConstantRate.self, StepDecay.self, Milestones.self, ExponentialDecay.self, Plateau.self,
        CosineDecay.self, PolynomialDecay.self, OneCycle.self,
      ] + schedules
    func warmedUp<Part: LearningRateSchedule>(_ type: Part.Type) -> any LearningRateSchedule.Type {
      WarmUp<Part>.self
    }
    func begunLow<Part: LearningRateSchedule>(_ type: Part.Type) -> any LearningRateSchedule.Type {
      LowBeginning<Part>.self
    }
    let all = plain + plain.map { begunLow($0) }
    self.schedules = all + all.map { warmedUp($0) }
    self.transforms =
      [NormClipping.self, ValueClipping.self, Accumulation.self] + transforms
    self.averagings = [ExponentialAverage.self, PolyakAverage.self] + averagings
    self.objectives =
      [CrossEntropy.self, BinaryCrossEntropy.self, MeanSquaredError.self] + objectives
  }

  /// A part, of what a file says of it.
  private func part<Kind>(_ kept: KeptPart, among types: [Kind]) throws -> any TrainingPart {
    for case let type as any TrainingPart.Type in types where type.name == kept.name {
      return try JSONDecoder().decode(type, from: JSONEncoder().encode(kept.fields))
    }
    let names = types.compactMap { ($0 as? any TrainingPart.Type)?.name }
    throw TrainingError.invalidSetting(
      name: "a part of a recipe", value: kept.name,
      requirement: "one that is known: \(names.joined(separator: ", "))")
  }

  func optimizer(_ kept: KeptPart) throws -> (any Optimizer)? {
    try part(kept, among: optimizers) as? any Optimizer
  }

  func schedule(_ kept: KeptPart) throws -> (any LearningRateSchedule)? {
    try part(kept, among: schedules) as? any LearningRateSchedule
  }

  func transform(_ kept: KeptPart) throws -> (any GradientTransform)? {
    try part(kept, among: transforms) as? any GradientTransform
  }

  func averaging(_ kept: KeptPart) throws -> (any WeightAveraging)? {
    try part(kept, among: averagings) as? any WeightAveraging
  }

  func objective(_ kept: KeptPart) throws -> (any Objective)? {
    try part(kept, among: objectives) as? any Objective
  }
}

/// A recipe as files have it: its parts by name and fields.
private struct KeptRecipe: Codable {
  var name: String
  var summary: String
  var network: String
  var batchSize: Int
  var epochs: Int
  var optimizer: KeptPart
  var schedule: KeptPart
  var gradientTransforms: [KeptPart]
  var averaging: KeptPart?
  var objective: KeptPart
  var augmentation: Augmentation
  var inputSize: Int
  var dropout: Float?
  var auxiliaryWeight: Float?
  /// `nil` too in files of earlier versions.
  var stochasticDepth: Float?
  var inputSides: [Int]?
  var heldOutShare: Double?
  var initialization: String
  var sources: [String: RecipeSource]
}

extension CodingUserInfoKey {
  /// The ``TrainingPartCatalog`` by which a decoder reads recipes; that of the package where there is none.
  public static let trainingParts = CodingUserInfoKey(rawValue: "ConvNet.trainingParts")
    .unsafelyUnwrapped
}

extension Recipe: Codable {
  public init(from decoder: any Decoder) throws {
    let catalog =
      decoder.userInfo[.trainingParts] as? TrainingPartCatalog ?? TrainingPartCatalog()
    let kept = try KeptRecipe(from: decoder)
    guard let optimizer = try catalog.optimizer(kept.optimizer),
      let schedule = try catalog.schedule(kept.schedule),
      let objective = try catalog.objective(kept.objective)
    else {
      throw TrainingError.invalidSetting(
        name: "a part of a recipe", value: kept.name, requirement: "of its own kind")
    }
    self.init(
      kept.name, summary: kept.summary, network: kept.network, batchSize: kept.batchSize,
      epochs: kept.epochs, optimizer: optimizer, schedule: schedule,
      gradientTransforms: try kept.gradientTransforms.compactMap(catalog.transform),
      averaging: try kept.averaging.flatMap(catalog.averaging), objective: objective,
      augmentation: kept.augmentation, inputSize: kept.inputSize, dropout: kept.dropout,
      auxiliaryWeight: kept.auxiliaryWeight, stochasticDepth: kept.stochasticDepth,
      initialization: kept.initialization, sources: kept.sources)
    inputSides = kept.inputSides ?? []
    heldOutShare = kept.heldOutShare
  }

  public func encode(to encoder: any Encoder) throws {
    try KeptRecipe(
      name: name, summary: summary, network: network, batchSize: batchSize, epochs: epochs,
      optimizer: KeptPart(optimizer), schedule: KeptPart(schedule),
      gradientTransforms: gradientTransforms.map { try KeptPart($0) },
      averaging: averaging.map { try KeptPart($0) }, objective: KeptPart(objective),
      augmentation: augmentation, inputSize: inputSize, dropout: dropout,
      auxiliaryWeight: auxiliaryWeight, stochasticDepth: stochasticDepth,
      inputSides: inputSides.isEmpty ? nil : inputSides, heldOutShare: heldOutShare,
      initialization: initialization, sources: sources
    ).encode(to: encoder)
  }
}

extension Recipe: Hashable {
  /// By every setting, not by what is said of it.
  public static func == (left: Self, right: Self) -> Bool {
    left.name == right.name && left.augmentation == right.augmentation
      && left.differences(from: right).isEmpty
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(batchSize)
  }
}
