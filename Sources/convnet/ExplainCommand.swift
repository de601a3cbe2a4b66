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
  @Option(help: "Examples at once.") var batch = 1
  @Option(help: "What the plan is for: inference or training.") var mode = Mode.inference
  @OptionGroup var shared: SharedOptions

  func run() throws {
    let model = try network.model(from: model, seed: shared.seed)
    let source = try model.stepGraph(batch: batch, mode: mode)
    let pipeline = PassPipeline(mode: mode)
    if let after, !pipeline.passes.contains(where: { $0.name == after }) {
      throw UnknownName(
        kind: "pass", name: after, known: pipeline.passes.map(\.name),
        advice: "the passes are \(pipeline.passes.map(\.name).joined(separator: ", "))")
    }
    var stages: [(pass: Pass, graph: Graph)] = []
    let final = try pipeline.run(on: source) { stages.append(($0, $1)) }
    let shown = stages.first { $0.pass.name == after }?.graph ?? final
    if shared.json { return try printJSON(shown) }
    if dot { return print(shown.dot) }
    if after != nil { return print(shown.dump) }
    print("PASSES")
    var operations = source.operations.count
    print("  \(operations) operations before the first")
    for (pass, graph) in stages {
      let change = graph.operations.count - operations
      operations = graph.operations.count
      print("  \(pass.name): \(pass.purpose) (\(change == 0 ? "nothing" : "\(change) operations"))")
    }
    print("\nGRAPH\n\(final.dump)")
    let executable = try model.executable(batch: batch, mode: mode, threads: shared.threadCount)
    print("\nPLAN\n\(executable.stepTable.plainText(width: nil))")
    print("\nARENA of \(HumanReadable.bytes(executable.activationByteCount))")
    print(executable.arenaTable.plainText(width: nil))
  }
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
