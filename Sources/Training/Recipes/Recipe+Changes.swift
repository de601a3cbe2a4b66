package import ConvNetFiles
import Foundation

extension Recipe {
  /// Changes a setting by its name in ``numbers``: `optimizer.momentum`.
  ///
  /// The learning rate is `learningRate`, whatever the schedule calls it. Sources of what is changed are forgotten.
  ///
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where the recipe's part has no such setting.
  package mutating func set(_ name: String, to value: JSONValue) throws {
    let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
    switch (parts.first, parts.count) {
    case ("learningRate", 1): schedule = try Self.changed(schedule, ["rate", "peak"], to: value)
    case ("optimizer", 2): optimizer = try Self.changed(optimizer, [parts[1]], to: value)
    case ("schedule", 2): schedule = try Self.changed(schedule, [parts[1]], to: value)
    case ("objective", 2): objective = try Self.changed(objective, [parts[1]], to: value)
    default:
      throw TrainingError.invalidSetting(
        name: "a setting of the recipe", value: name, requirement: "one that it has")
    }
    sources[name == "learningRate" ? "schedule.rate" : name] = Self.asked
  }

  package mutating func set(_ name: String, to value: Float) throws {
    guard value.isFinite else {
      // Settings are changed as JSON, which has no such number.
      let words = (name.split(separator: ".").last ?? "").replacing(/[A-Z]/) {
        " \($0.0.lowercased())"
      }
      throw TrainingError.invalidSetting(
        name: String(words), value: "\(value)", requirement: "a finite number")
    }
    try set(name, to: .number(Self.exact(value)))
  }

  package mutating func set(_ name: String, to value: String) throws {
    try set(name, to: .string(value))
  }

  /// Another number of epochs: a schedule that lasted as long as the training still does.
  package mutating func last(_ epochs: Int) throws {
    let lengthened = try Self.lengthened(schedule, from: self.epochs, to: epochs)
    if try JSONValue(of: lengthened) != JSONValue(of: schedule) {
      sources["schedule.length"] = Self.asked
      sources["schedule.schedule.length"] = Self.asked
    }
    schedule = lengthened
    self.epochs = epochs
    sources["epochs"] = Self.asked
  }

  /// A schedule whose length is that of the training; of one after a warm-up or a low beginning, which last as long as before,
  /// what follows.
  private static func lengthened<Schedule: LearningRateSchedule>(
    _ schedule: Schedule, from old: Int, to new: Int
  ) throws -> Schedule {
    func lengthened(_ fields: JSONValue) -> JSONValue {
      guard case .object(var fields) = fields else { return fields }
      if let following = fields["schedule"] {
        fields["schedule"] = lengthened(following)
      } else if field(["length"], in: .object(fields)) == Float(old),
        fields["time"] != .string(ScheduleTime.steps.rawValue)
      {
        fields["length"] = .integer(Int64(new))
      }
      return .object(fields)
    }
    let fields = lengthened(try JSONValue(of: schedule))
    return try JSONDecoder().decode(Schedule.self, from: JSONEncoder().encode(fields))
  }

  /// A rise of the rate from zero in so many epochs, in place of one that there is.
  package mutating func warmUp(_ epochs: Double) {
    func warmedUp(_ schedule: some LearningRateSchedule) -> any LearningRateSchedule {
      schedule.warmedUp(epochs)
    }
    let following: any LearningRateSchedule =
      (schedule as? any WarmedUpSchedule)?.following ?? schedule
    schedule = warmedUp(following)
    sources["schedule.length"] = Self.asked
    sources["schedule.first"] = Self.asked
    sources["schedule.time"] = Self.asked
  }

  /// A transform in place of one of its kind, or before accumulation ends the list.
  package mutating func replace<Transform: GradientTransform>(_ transform: Transform) {
    if let place = gradientTransforms.firstIndex(where: { $0 is Transform }) {
      gradientTransforms[place] = transform
    } else {
      gradientTransforms.append(transform)
    }
    sources[Transform.name] = Self.asked
  }

  /// Gradients are gathered before they are clipped.
  package mutating func accumulate(_ batches: Int) {
    gradientTransforms.removeAll { $0 is Accumulation }
    gradientTransforms.insert(Accumulation(batches: batches), at: 0)
    sources[Accumulation.name] = Self.asked
  }

  private static let asked = RecipeSource.ours("as asked for")

  /// Says of a setting, and of all of a part, that it is as somebody asked for.
  package mutating func noteAsked(_ name: String) {
    sources = sources.filter { !$0.key.hasPrefix(name + ".") }
    sources[name] = Self.asked
  }

  /// The learning rate that the schedule goes by: its first, or its highest.
  public var learningRate: Float? {
    Self.field(["rate", "peak"], in: (try? JSONValue(of: schedule)) ?? .null)
  }

  /// The share of the last step in the next; `nil` where the optimizer has no such number.
  public var momentum: Float? { number("momentum", of: optimizer) }

  /// What the optimizer adds to what it divides by; `nil` where there is none.
  public var epsilon: Float? { number("epsilon", of: optimizer) }

  /// What the weights are drawn to zero by; `nil` where the optimizer has no such number.
  public var weightDecay: Float? { number("weightDecay", of: optimizer) }

  /// The share of the labels that is spread over the classes; `nil` where the objective has no such number.
  public var labelSmoothing: Float? { number("labelSmoothing", of: objective) }

  private func number(_ name: String, of part: some TrainingPart) -> Float? {
    Self.field([name], in: (try? JSONValue(of: part)) ?? .null)
  }

  private static func field(_ names: [String], in value: JSONValue) -> Float? {
    guard case .object(let fields) = value else { return nil }
    for name in names {
      switch fields[name] {
      case .number(let number): return Float(number)
      case .integer(let number): return Float(number)
      default: continue
      }
    }
    return fields["schedule"].flatMap { field(names, in: $0) }
  }

  /// A part with another value in the first field of these names, its own or that of the schedule within it.
  private static func changed<Part: TrainingPart>(
    _ part: Part, _ names: [String], to value: JSONValue
  ) throws -> Part {
    func changed(_ fields: JSONValue) -> JSONValue? {
      guard case .object(var fields) = fields else { return nil }
      if let name = names.first(where: { fields[$0] != nil }) {
        fields[name] = value
        return .object(fields)
      }
      guard let inner = fields["schedule"].flatMap(changed) else { return nil }
      fields["schedule"] = inner
      return .object(fields)
    }
    guard let fields = changed(try JSONValue(of: part)) else {
      throw TrainingError.invalidSetting(
        name: names[0], value: "\(value)", requirement: "left out: \(part) has no such setting")
    }
    return try JSONDecoder().decode(Part.self, from: JSONEncoder().encode(fields))
  }
}

extension TrainingPart {
  /// The same with the fields of a JSON object.
  ///
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where it has no such field, or another type of it.
  package func changed(byJSON text: String) throws -> Self {
    guard case .object(var fields) = try JSONValue(of: self),
      case .object(let given) = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    else { return self }
    fields.merge(given) { $1 }
    do {
      let part = try JSONDecoder().decode(
        Self.self, from: JSONEncoder().encode(JSONValue.object(fields)))
      guard case .object(let taken) = try JSONValue(of: part) else { return part }
      // What is as usual may be left out when it is written.
      let usual = Set(Mirror(reflecting: part).children.compactMap(\.label))
      if let unknown = given.keys.sorted().first(where: { taken[$0] == nil && !usual.contains($0) })
      {
        throw TrainingError.invalidSetting(
          name: unknown, value: "\(given[unknown] ?? .null)",
          requirement: "left out: \(Self.name) has \(usual.sorted().joined(separator: ", "))")
      }
      return part
    } catch let error as DecodingError {
      throw unreadable(error, given, text)
    }
  }

  /// Says which of the given fields cannot be read, and what would be.
  private func unreadable(
    _ error: DecodingError, _ given: [String: JSONValue], _ text: String
  ) -> TrainingError {
    let path =
      switch error {
      case .dataCorrupted(let context), .keyNotFound(_, let context),
        .typeMismatch(_, let context), .valueNotFound(_, let context):
        context.codingPath.map(\.stringValue)
      @unknown default: [String]()
      }
    guard let field = path.first, let value = given[field],
      let usual = Mirror(reflecting: self).children.first(where: { $0.label == field })?.value
    else {
      return .invalidSetting(
        name: Self.name, value: text, requirement: "of fields that it can read")
    }
    func names<Choice: CaseIterable>(_: Choice) -> String {
      Choice.allCases.map { "\($0)" }.joined(separator: ", ")
    }
    let choices = (usual as? any CaseIterable).map { "one of \(names($0))" }
    return .invalidSetting(
      name: field, value: "\(value)",
      requirement: choices
        ?? (usual is any Numeric ? "a number, such as \(usual)" : "such as \(usual)"))
  }
}
