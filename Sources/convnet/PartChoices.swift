import ArgumentParser
import ConvNet
import Foundation

/// A part of a recipe: its name, or its name and fields in JSON.
struct PartChoice: Equatable, CustomStringConvertible {
  var name: String
  /// JSON of an object; `nil` where the name alone was given.
  var fields: String?
  var description: String

  init?(_ argument: String) {
    description = argument
    guard argument.hasPrefix("{") else {
      name = argument
      return
    }
    guard let object = try? JSONSerialization.jsonObject(with: Data(argument.utf8)),
      let parts = object as? [String: [String: Any]], let part = parts.first, parts.count == 1,
      let data = try? JSONSerialization.data(withJSONObject: part.value)
    else { return nil }
    name = part.key
    fields = String(decoding: data, as: UTF8.self)
  }
}

/// `--optimizer`.
struct OptimizerChoice: ExpressibleByArgument, Equatable, CustomStringConvertible {
  static let names = ["sgd", "nesterov", "rmsprop", "adam", "adamw", "lars"]
  static var words: String { "one of \(names.joined(separator: ", "))" }

  var choice: PartChoice
  var description: String { choice.description }

  init?(argument: String) {
    guard let choice = PartChoice(argument) else { return nil }
    self.choice = choice
  }

  /// With the momentum and the weight decay of the recipe, where the one that it had is of the same kind.
  func optimizer(for recipe: Recipe) throws -> any Optimizer {
    let momentum = recipe.optimizer is Adam ? 0.9 : recipe.momentum ?? 0.9
    let decay = recipe.weightDecay ?? 0
    let optimizer: any Optimizer =
      switch choice.name {
      case "sgd": .sgd(momentum: momentum, weightDecay: decay)
      case "nesterov": .nesterov(momentum: momentum, weightDecay: decay)
      case "rmsprop": .rmsProp(weightDecay: decay)
      case "adam": .adam(weightDecay: decay)
      case "adamw": .adamW()
      case "lars": .lars(momentum: momentum, weightDecay: decay)
      default:
        throw UnknownName(
          kind: "optimizer", name: choice.name, known: Self.names,
          advice: Self.words)
      }
    return try choice.fields.map { try optimizer.changed(byJSON: $0) } ?? optimizer
  }
}

/// `--schedule`.
struct ScheduleChoice: ExpressibleByArgument, Equatable, CustomStringConvertible {
  static let names = [
    "constant", "plateau", "steps", "milestones", "exponential", "cosine", "polynomial",
    "one-cycle",
  ]
  static var words: String { "one of \(names.joined(separator: ", "))" }

  var choice: PartChoice
  var description: String { choice.description }

  init?(argument: String) {
    guard let choice = PartChoice(argument) else { return nil }
    self.choice = choice
  }

  /// From the recipe's rate, over its epochs.
  func schedule(for recipe: Recipe) throws -> any LearningRateSchedule {
    let rate = recipe.learningRate ?? TrainingSettings.defaultLearningRate
    let length = Double(recipe.epochs)
    let schedule: any LearningRateSchedule =
      switch choice.name {
      case "constant": .constant(rate)
      case "plateau": .plateau(from: rate)
      case "steps": .steps(from: rate, factor: 0.1, every: max(1, recipe.epochs / 3))
      case "milestones":
        .milestones(
          from: rate,
          at: Array(Set([1, recipe.epochs / 2, recipe.epochs * 3 / 4])).sorted().suffix(2).filter {
            $0 > 0
          })
      case "exponential": .exponential(from: rate, factor: 0.01, every: length)
      case "cosine": .cosine(from: rate, length: length)
      case "polynomial": .polynomial(from: rate, length: length)
      case "one-cycle": .oneCycle(peak: rate, length: length)
      default:
        throw UnknownName(
          kind: "schedule", name: choice.name, known: Self.names, advice: Self.words)
      }
    return try choice.fields.map { try schedule.changed(byJSON: $0) } ?? schedule
  }
}
