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

  func validate() throws { try compute.validate(for: plan.mode) }

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
    if shared.json { return try printJSON(shown) }
    if dot { return try print(shown.dot) }
    if after != nil { return try print(shown.dump, terminator: "") }
    try print("PASSES")
    try print("  \(source.operations.count) operations before the first")
    var before = source
    for (pass, graph) in stages {
      try print("  \(pass.name): \(pass.purpose) (\(Self.change(from: before, to: graph)))")
      before = graph
    }
    try print("\nGRAPH\n\(final.dump)", terminator: "")
    let executable = try model.executable(
      batch: plan.batch, mode: plan.mode,
      compute: compute.options(shared, recomputing: memory.recompute))
    try print("\nPLAN\n\(executable.stepTable.plainText(width: nil))", terminator: "")
    try print("\nARENA of \(HumanReadable.bytes(executable.activationByteCount))")
    try print(executable.arenaTable.plainText(width: nil), terminator: "")
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
      .init("step", .right), .init("operation"), .init("implementation"), .init("layouts"),
    ])
    for (index, step) in steps.enumerated() {
      table.append([
        "\(index)", step.operation, step.implementation, step.layouts.joined(separator: " "),
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
