package import ConvNetFiles
import ConvNetImages

/// A setting of a ``Recipe``, in words.
public struct RecipeNumber: Hashable, Sendable {
  /// As in `optimizer.momentum`.
  public var name: String
  /// As it is written in a file.
  public var value: String
  /// Where it is from; `nil` where the recipe does not say.
  public var source: RecipeSource?
}

extension Recipe {
  /// Every setting, those of parts by their names: `schedule.rate`. What two recipes differ in can be told by these.
  public var numbers: [RecipeNumber] {
    values.map { RecipeNumber(name: $0.name, value: "\($0.value)", source: source(of: $0.name)) }
  }

  /// Where a setting is from: its own source, or that of the part that it belongs to.
  public func source(of name: String) -> RecipeSource? {
    var name = name[...]
    while true {
      if let source = sources[String(name)] { return source }
      guard let dot = name.lastIndex(of: ".") else { return nil }
      name = name[..<dot]
    }
  }

  /// The settings in which another recipe differs, with both values; `nil` where one does not have it.
  public func differences(
    from other: Recipe
  ) -> [(name: String, value: String?, other: String?)] {
    NamedSettings(values).differences(from: NamedSettings(other.values))
  }

  package var values: [(name: String, value: JSONValue)] {
    var values: [(String, JSONValue)] = [
      ("network", .string(network)), ("inputSize", .integer(Int64(inputSize))),
      ("batchSize", .integer(Int64(batchSize))), ("epochs", .integer(Int64(epochs))),
    ]
    func add(_ name: String, _ part: some TrainingPart) {
      values.append((name, .string(type(of: part).name)))
      values += Self.fields(of: part, below: name)
    }
    add("optimizer", optimizer)
    add("schedule", schedule)
    add("objective", objective)
    for transform in gradientTransforms {
      values += Self.fields(of: transform, below: type(of: transform).name)
    }
    if let averaging { add("averaging", averaging) }
    values.append(
      ("dropout", dropout.map { Self.number($0) } ?? .string("the network's own")))
    values.append(
      (
        "auxiliaryWeight",
        auxiliaryWeight.map { Self.number($0) } ?? .string("the network's own")
      )
    )
    if !inputSides.isEmpty {
      values.append(("inputSides", .array(inputSides.map { .integer(Int64($0)) })))
    }
    if let heldOutShare { values.append(("heldOutShare", .number(heldOutShare))) }
    if let stochasticDepth { values.append(("stochasticDepth", Self.number(stochasticDepth))) }
    values.append(("initialization", .string(initialization)))
    values.append(("augmentation", .string("\(augmentation)")))
    return values
  }

  /// 0.1 and not 0.10000000149, the nearest single-precision number.
  static func exact(_ number: Float) -> Double { Double("\(number)") ?? Double(number) }

  /// As files have it: 0 and not 0.0.
  private static func number(_ number: Float) -> JSONValue {
    let exact = exact(number)
    return exact == exact.rounded() ? .integer(Int64(exact)) : .number(exact)
  }

  private static func fields(
    of part: some TrainingPart, below name: String
  ) -> [(String, JSONValue)] {
    ((try? JSONValue(of: part)) ?? .null).flattened(below: name).map { ($0.name, $0.value) }
  }
}
