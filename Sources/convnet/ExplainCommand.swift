import ArgumentParser
import ConvNet
import Foundation

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Print what the compiler makes of a network: passes, primitives, layouts, memory.",
    discussion: """
      EXAMPLES
        convnet explain lenet5
        convnet explain lenet5 --mode training --batch 64
        convnet explain lenet5 --after activation-fusion
        convnet explain lenet5 --dot | dot -Tsvg > lenet5.svg
      """)

  @Argument(help: "A model's name, or a model file.") var model: String
  @Option(help: ArgumentHelp("Print the graph after this pass, and stop.", valueName: "pass"))
  var after: String?
  @Flag(help: "Print the graph for Graphviz.") var dot = false
  @OptionGroup var network: NetworkOptions
  @OptionGroup var plan: PlanOptions
  @OptionGroup var compute: InferenceArguments
  @OptionGroup var memory: MemoryArguments
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    try compute.validate(for: plan.mode)
    guard dot, shared.json else { return }
    throw ValidationError("--dot prints a graph for Graphviz, --json one JSON value; choose one")
  }

  func run() throws {
    let model = try network.model(from: model, seed: shared.seed, recognizingFor: shared)
    let source = try model.stepGraph(batch: plan.batch, mode: plan.mode)
    let pipeline = PassPipeline(mode: plan.mode, recomputation: memory.recompute)
    if let after, !pipeline.passes.contains(where: { $0.name == after }) {
      throw UnknownName(
        kind: "pass", name: after, known: pipeline.passes.map(\.name),
        advice: "the passes are \(pipeline.passes.map(\.name).joined(separator: ", "))")
    }
    var stages: [(pass: Pass, graph: Graph)] = []
    let final = try pipeline.run(on: source) { stages.append(($0, $1)) }
    let shown = stages.first { $0.pass.name == after }?.graph ?? final
    if shared.json, after != nil { return try printJSON(shown) }
    if dot { return try print(shown.dot) }
    if after != nil { return try printGraph(shown) }
    let executable = try model.executable(
      batch: plan.batch, mode: plan.mode,
      compute: compute.options(shared, recomputing: memory.recompute))
    if shared.json {
      return try printJSON(
        Explanation(
          graph: final,
          passes: zip(stages, [source] + stages.map { $0.graph }).map { stage, before in
            .init(
              name: stage.pass.name, purpose: stage.pass.purpose,
              change: Self.change(from: before, to: stage.graph))
          }, steps: executable.steps, arena: executable.arena,
          arenaBytes: executable.activationByteCount))
    }
    try print("PASSES")
    try print("  \(source.operations.count) operations before the first")
    var before = source
    for (pass, graph) in stages {
      try Console.write(
        wrapping: "  \(pass.name): \(pass.purpose) (\(Self.change(from: before, to: graph)))",
        indent: 4)
      before = graph
    }
    try print("\nGRAPH")
    try printGraph(final)
    try Console.write(
      wrapping: """

        PLAN (layouts: of what a step reads, values before weights, -> of what it makes; axes by \
        decreasing stride, upper case where blocked; what has one axis is left out)
        """)
    if !ComputeEnvironment.current.usesLibrary {
      try print("  \(ComputeEnvironment.current.library): every step is by a kernel of our own")
    }
    try Console.write(executable.stepTable)
    try print("\nARENA of \(HumanReadable.bytes(executable.activationByteCount))")
    try Console.write(executable.arenaTable)
  }

  /// The graph and, beside its own keys, what the compiler made of it.
  private struct Explanation: Encodable {
    struct PassOutcome: Encodable {
      var name: String
      var purpose: String
      var change: String
    }

    enum CodingKeys: CodingKey {
      case passes, steps, arena, arenaBytes
    }

    var graph: Graph
    var passes: [PassOutcome]
    var steps: [StepDescription]
    var arena: [BufferDescription]
    var arenaBytes: Int

    func encode(to encoder: any Encoder) throws {
      try graph.encode(to: encoder)
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(passes, forKey: .passes)
      try container.encode(steps, forKey: .steps)
      try container.encode(arena, forKey: .arena)
      try container.encode(arenaBytes, forKey: .arenaBytes)
    }
  }

  private func printGraph(_ graph: Graph) throws {
    for line in graph.dump.split(separator: "\n") {
      try Console.write(wrapping: String(line), indent: 4)
    }
  }

  /// What a pass did: the number of operations alone does not show an operation that was moved or
  /// changed.
  private static func change(from old: Graph, to new: Graph) -> String {
    guard new != old else { return "nothing to do" }
    var parts: [String] = []
    let difference = new.operations.count - old.operations.count
    if difference != 0 {
      let amount = abs(difference)
      parts.append(
        "\(amount) operation\(amount == 1 ? "" : "s") \(difference > 0 ? "more" : "fewer")")
    }
    let prepared = new.preparationCount - old.preparationCount
    if prepared != 0 { parts.append("\(prepared) moved to compilation") }
    let parameters = new.parameters.count - old.parameters.count
    if parameters < 0 { parts.append("\(-parameters) parameters fewer") }
    return parts.isEmpty ? "operations changed" : parts.joined(separator: ", ")
  }
}

extension Graph {
  /// Operations that are computed once, at compilation.
  fileprivate var preparationCount: Int { operations.count { $0.phase == .preparation } }
}

extension Executable {
  fileprivate var stepTable: Table {
    var table = Table([
      .init("step", .right, dispensability: 1), .init("operation", leastWidth: 16),
      .init("implementation", leastWidth: 16), .init("layouts", dispensability: 2, leastWidth: 16),
    ])
    for (index, step) in steps.enumerated() {
      table.append([
        "\(index)", step.operation, step.implementation,
        (step.readLayouts + ["->"] + step.writtenLayouts).joined(separator: " "),
      ])
    }
    return table
  }

  fileprivate var arenaTable: Table {
    var table = Table([
      .init("offset", .right), .init("bytes", .right), .init("alive in steps", .right),
    ])
    for buffer in arena {
      table.append([
        "\(buffer.offset)", "\(buffer.byteCount)", "\(buffer.firstStep)-\(buffer.lastStep)",
      ])
    }
    return table
  }
}
