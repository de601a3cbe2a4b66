import ArgumentParser
import ConvNet

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark", abstract: "Measure throughput and memory.",
    discussion: """
      EXAMPLES
        convnet benchmark lenet5 --batch 64
        convnet benchmark lenet5 --batch 64 --mode training --threads 1 --json
      """)

  @Argument(help: "A model's name, or a model file.") var model: String
  @OptionGroup var plan: PlanOptions
  @Option(help: "Seconds to measure for.") var seconds = 3.0
  @Flag(help: "Print the share of every step.") var profile = false
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: InferenceArguments
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    struct Rate: Encodable {
      var median: Double
      var p10: Double
      var p90: Double
    }
    var model: String
    var mode: String
    var batch: Int
    var threads: Int
    var imagesPerSecond: Rate
    var compileSeconds: Double
    var weightBytes: Int
    var peakMemoryBytes: Int
  }

  func validate() throws {
    try compute.validate(for: plan.mode)
    guard seconds >= 0, seconds <= 86_400 else {
      throw ValidationError("--seconds is \(seconds), must be from 0 to 86400")
    }
  }

  func run() throws {
    let model = try network.model(from: model, seed: shared.seed)
    let name = model.graph.name
    let benchmark = try Benchmark(
      model, batch: plan.batch, mode: plan.mode, compute: compute.options(shared), seconds: seconds,
      profiling: profile)
    let result = Result(
      model: name, mode: plan.mode.rawValue, batch: plan.batch,
      threads: shared.threadCount,
      imagesPerSecond: .init(
        median: benchmark.imagesPerSecond(percentile: 0.5),
        p10: benchmark.imagesPerSecond(percentile: 0.1),
        p90: benchmark.imagesPerSecond(percentile: 0.9)),
      compileSeconds: benchmark.compileSeconds, weightBytes: benchmark.weightByteCount,
      peakMemoryBytes: benchmark.peakMemoryByteCount)
    if shared.json { return try printJSON(result) }
    print(
      """
      \(result.model), \(result.mode), batch \(plan.batch), \(result.threads) threads
      \(HumanReadable.quantity(result.imagesPerSecond.median)) images/s (10 % \
      \(HumanReadable.quantity(result.imagesPerSecond.p10)), 90 % \
      \(HumanReadable.quantity(result.imagesPerSecond.p90)))
      compiled in \(HumanReadable.duration(result.compileSeconds)), weights \
      \(HumanReadable.bytes(result.weightBytes)), peak memory \
      \(HumanReadable.bytes(result.peakMemoryBytes))
      """)
    guard let profile = benchmark.profile else { return }
    var table = Table([
      .init("operation"), .init("implementation"), .init("time", .right), .init("share", .right),
      .init("GFLOP/s", .right),
    ])
    let total = profile.reduce(0) { $0 + $1.seconds }
    for entry in profile {
      let rate = 2 * Double(entry.step.multiplyAdds) / entry.seconds * 1e-9
      table.append([
        entry.step.operation, entry.step.implementation, HumanReadable.duration(entry.seconds),
        HumanReadable.percent(entry.seconds / total),
        entry.step.multiplyAdds > 0 ? HumanReadable.quantity(rate) : "",
      ])
    }
    print("\n\(table.plainText(width: nil))", terminator: "")
  }
}
