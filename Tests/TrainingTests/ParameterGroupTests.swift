import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

@Suite("Parameter groups") struct ParameterGroupTests {
  private func trained(
    _ groups: [ParameterGroup], optimizer: any Optimizer = .sgd(), epochs: Int = 1
  ) throws -> (before: Model, after: Model, checkpoint: Checkpoint) {
    let before = Model(smallNetwork(), seed: 1)
    var after = before
    var trainer = momentumTrainer
    trainer.optimizer = optimizer
    trainer.groups = groups
    // One step an epoch.
    trainer.batchSize = 16
    var checkpoint: Checkpoint?
    try trainer.fit(&after, on: syntheticData(count: 16, extent: 8), epochs: epochs) {
      checkpoint = $1
    }
    return (before, after, try #require(checkpoint))
  }

  @Test("frozen parameters keep their bits and need no memory, frozen normalization its statistics")
  func frozen() throws {
    let (before, after, checkpoint) = try trained([.frozen("conv1.*"), .frozen("bn1.*")])
    for name in ["conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias"] {
      #expect(after.parameters[name] == before.parameters[name], "\(name)")
      #expect(checkpoint.slots["velocity"]?[name] == nil)
    }
    for name in ["bn1.running_mean", "bn1.running_var"] {
      #expect(after.parameters[name] == before.parameters[name], "\(name)")
    }
    for name in ["dense1.weight", "dense1.bias"] {
      #expect(after.parameters[name] != before.parameters[name], "\(name)")
    }
    #expect(checkpoint.slots["velocity"]?["dense1.weight"] != nil)
  }

  @Test("what frozen parameters alone would need is not computed")
  func work() throws {
    let model = Model(smallNetwork(), seed: 1)
    func operations(_ groups: [ParameterGroup]) throws -> [String] {
      var trainer = momentumTrainer
      trainer.groups = groups
      return try TrainingSession(model, trainer: trainer).stepGraph(batch: 4).operations.map(\.name)
    }
    let (all, some) = try (operations([]), operations([.frozen("conv1.*"), .frozen("bn1.*")]))
    #expect(all.contains { $0.hasPrefix("conv1/") } && all.contains { $0.hasPrefix("relu1/") })
    #expect(!some.contains { $0.hasPrefix("conv1/") || $0.hasPrefix("relu1/") })
    #expect(some.contains { $0.hasPrefix("dense1/") })
  }

  @Test("frozen parameters change nothing of the others' step")
  func others() throws {
    let (_, all, _) = try trained([])
    let (_, some, _) = try trained([.frozen("conv1.weight")])
    #expect(some.parameters["dense1.weight"] == all.parameters["dense1.weight"])
    #expect(some.parameters["conv1.bias"] == all.parameters["conv1.bias"])
    #expect(some.parameters["conv1.weight"] != all.parameters["conv1.weight"])
  }

  @Test("a group has its share of the rate and of the decay; the first that fits counts")
  func factors() throws {
    let decaying = StochasticGradientDescent(weightDecay: 0.5)
    func change(_ groups: [ParameterGroup], _ name: String) throws -> [Float] {
      let (before, after, _) = try trained(groups, optimizer: decaying)
      return try zip(
        #require(after.parameters[name]).elements, #require(before.parameters[name]).elements
      ).map { $0 - $1 }
    }
    let name = "dense1.weight"
    let usual = try change([], name)
    let half = try change([ParameterGroup("dense?.*", rateFactor: 0.5), .frozen("dense*")], name)
    for (value, usual) in zip(half, usual) { #expect(abs(value - usual / 2) < 1e-6) }
    let before = try #require(Model(smallNetwork(), seed: 1).parameters[name]).elements
    let free = try change([ParameterGroup("*", decayFactor: 0)], name)
    for (index, value) in free.enumerated() {
      #expect(abs(value - 0.02 * 0.5 * before[index] - usual[index]) < 1e-6)
    }
    #expect(zip(free, usual).contains { abs($0 - $1) > 1e-5 })
  }

  @Test("a pattern that fits nothing, and groups that freeze everything, are refused")
  func refused() throws {
    func refusal(_ groups: [ParameterGroup]) -> String {
      let error = #expect(throws: TrainingError.self) { try trained(groups) }
      return error.map { "\($0)" } ?? ""
    }
    #expect(refusal([.frozen("conv1.wieght")]).contains("did you mean conv1.weight"))
    #expect(refusal([.frozen("*")]).contains("the groups freeze all of small"))
    #expect(refusal([ParameterGroup("*", rateFactor: .nan)]).contains("rate factor of *"))
    // Running statistics are not learned.
    #expect(refusal([.frozen("bn1.running_mean")]).contains("one that fits a parameter"))
  }

  @Test("a pattern with two factors of a kind is refused; of two patterns the first counts")
  func contradictions() throws {
    typealias Factors = [(pattern: String, factor: Float)]
    let network = Model(smallNetwork(), seed: 1).graph
    func combined(_ rates: Factors, _ decays: Factors = []) throws -> [ParameterGroup] {
      try .combining(frozen: [], rateFactors: rates, decayFactors: decays, in: network)
    }
    let rates = #expect(throws: TrainingError.self) {
      try combined([("conv1.*", 2), ("*", 1), ("conv1.*", 3)])
    }
    #expect(
      rates.map { "\($0)" } == "rate factor of conv1.* is 2.0 and 3.0, must be one number")
    let decays = #expect(throws: TrainingError.self) {
      try combined([("*", 2)], [("*", 0), ("*", 1)])
    }
    #expect(decays.map { "\($0)" } == "decay factor of * is 0.0 and 1.0, must be one number")
    #expect(try combined([("*", 2), ("*", 2)]).first?.rateFactor == 2)
    #expect(try combined([("conv1.*", 2), ("*", 3)]).first?.pattern == "conv1.*")
  }

  @Test("a checkpoint is refused with other groups, and resumed with the same")
  func resumes() throws {
    let groups: [ParameterGroup] = [.frozen("conv1.*"), ParameterGroup("*", rateFactor: 0.5)]
    let (_, whole, _) = try trained(groups, epochs: 3)
    let (_, _, checkpoint) = try trained(groups)
    var trainer = momentumTrainer
    trainer.optimizer = .sgd()
    let model = Model(smallNetwork(), seed: 1)
    let error = #expect(throws: TrainingError.self) {
      try checkpoint.requireFit(for: trainer, model)
    }
    #expect(error.map { "\($0)".contains("conv1.* frozen; * rate times 0.5") } == true)
    trainer.groups = groups
    var resumed = model
    try trainer.fit(
      &resumed, on: syntheticData(count: 16, extent: 8), epochs: 3, resuming: checkpoint
    ) { _, _ in }
    #expect(resumed.parameters == whole.parameters)
  }
}
