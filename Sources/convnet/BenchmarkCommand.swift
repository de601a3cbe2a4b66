import ArgumentParser
import ConvNet

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark", abstract: "Measure throughput and memory.",
    discussion: """
      EXAMPLES
        convnet benchmark lenet5 --batch 64
        convnet benchmark lenet5 --batch 64 --mode training --threads 1 --json
        convnet benchmark resnet18 --batch 16 --profile --trace resnet18.json
        convnet benchmark mobilenet-v2 --batch 1 --threads 2 --requests 2
      """)

  @Argument(help: "A model's name, or a model file.") var model: String
  @OptionGroup var plan: PlanOptions
  @Option(
    help: "Batches at the same time, as a service computes them: each has its part of the threads.")
  var requests = 1
  @Option(help: "Seconds to measure for.") var seconds = 3.0
  @Flag(help: "Print every step's time beside the machine's peaks, which are measured.")
  var profile = false
  @Option(
    help: ArgumentHelp(
      "Write when each step ran, for chrome://tracing or ui.perfetto.dev.", valueName: "file"))
  var trace: String?
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: InferenceArguments
  @OptionGroup var memory: MemoryArguments
  @OptionGroup var shared: SharedOptions

  /// What computes.
  private struct Environment: Encodable {
    var processor: String
    /// `avx512`, `avx2` or `portable`, in use.
    var instructions: Processor.Instructions
    /// Floats that an instruction works on.
    var vectorWidth: Int
    /// Channels that lie beside each other in memory.
    var channelBlock = Processor.channelBlock
    /// Of data, nearest first.
    var cacheBytes: [Int]
    var library: String

    init() {
      let here = ComputeEnvironment.current
      processor = here.processor
      instructions = here.instructions.instructions
      vectorWidth = here.instructions.vectorWidth
      cacheBytes = here.instructions.cacheByteCounts
      library = here.library
    }

    var text: String {
      let here = ComputeEnvironment.current
      let caches = cacheBytes.map(HumanReadable.bytes).joined(separator: ", ")
      return "\(processor): \(here.instructions)"
        + (caches.isEmpty ? "" : ", caches \(caches)") + "; \(library)"
    }
  }

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
    /// Batches at the same time.
    var requests: Int
    var environment = Environment()
    var imagesPerSecond: Rate
    var compileSeconds: Double
    /// Of the parameters as they are prepared for the processor.
    var weightBytes: Int
    var activationBytes: Int
    var peakMemoryBytes: Int
    var profile: ProfileResult?
  }

  func validate() throws {
    try compute.validate(for: plan.mode)
    guard seconds >= 0, seconds <= 86_400 else {
      throw ValidationError("--seconds is \(seconds), must be from 0 to 86400")
    }
    guard 1...shared.threadCount ~= requests else {
      throw ValidationError(
        "--requests is \(requests), must be from 1 to the number of threads, \(shared.threadCount)")
    }
    guard requests == 1 || plan.mode == .inference && !profile && trace == nil else {
      throw ValidationError("--requests is for inference, without --profile and --trace")
    }
    try OutputFiles.require([NamedFile("--trace", trace)], apartFrom: [NamedFile.model(model)])
  }

  func run() throws {
    if let trace { try requireFolder(of: trace, "--trace") }
    // Handed over, so that training takes the parameters' memory.
    let benchmark = try Benchmark(
      network.model(from: model, seed: shared.seed, recognizingFor: shared), batch: plan.batch,
      mode: plan.mode, requests: requests,
      compute: compute.options(shared, recomputing: memory.recompute), seconds: seconds,
      profiling: profile || trace != nil)
    let result = Result(
      model: benchmark.modelName, mode: plan.mode.rawValue, batch: plan.batch,
      threads: shared.threadCount, requests: requests,
      imagesPerSecond: .init(
        median: benchmark.imagesPerSecond(percentile: 0.5),
        p10: benchmark.imagesPerSecond(percentile: 0.1),
        p90: benchmark.imagesPerSecond(percentile: 0.9)),
      compileSeconds: benchmark.compileSeconds, weightBytes: benchmark.weightByteCount,
      activationBytes: benchmark.activationByteCount,
      peakMemoryBytes: benchmark.peakMemoryByteCount,
      profile: benchmark.profile.map(ProfileResult.init))
    if let trace { try benchmark.profile?.trace(named: result.model).write(to: trace) }
    if shared.json { return try printJSON(result) }
    try print(
      """
      \(result.model), \(result.mode), batch \(plan.batch), \(plural(result.threads, "thread"))\
      \(requests > 1 ? ", \(requests) requests at a time" : "")
      \(result.environment.text)
      \(HumanReadable.quantity(result.imagesPerSecond.median)) images/s (10 % \
      \(HumanReadable.quantity(result.imagesPerSecond.p10)), 90 % \
      \(HumanReadable.quantity(result.imagesPerSecond.p90)))
      compiled in \(HumanReadable.duration(result.compileSeconds)), weights as prepared for this \
      processor \(HumanReadable.bytes(result.weightBytes)), activations \
      \(HumanReadable.bytes(result.activationBytes)), peak memory \
      \(HumanReadable.bytes(result.peakMemoryBytes))
      """)
    if profile, let profile = benchmark.profile {
      try print("\n\(ProfileReport(profile: profile).text)", terminator: "")
    }
    if let trace { try print("saved \(trace)") }
  }
}
