import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Synchronization
import Testing

@Suite struct ExecutableTests {
  private let options = CompilationOptions(inputFormat: .channelsFirst, threads: 1)

  private func problem(_ body: () throws -> Void) -> EngineError.Problem? {
    #expect(throws: EngineError.self, performing: body)?.problem
  }

  @Test("a parameter that is missing, of another shape or type is refused by name")
  func parameters() throws {
    let network = try SmallNetwork()
    var parameters = network.parameters
    parameters["dense.bias"] = nil
    for (value, expected) in [
      (Tensor?.none, EngineError.Problem.missingParameter("dense.bias")),
      (
        Tensor(zeros: [6]),
        .parameterShape(name: "dense.bias", expected: [5], actual: [6])
      ),
      (
        Tensor(zeros: [5], elementType: .int32),
        .parameterType(name: "dense.bias", actual: .int32)
      ),
    ] {
      parameters["dense.bias"] = value
      #expect(
        problem {
          _ = try Executable(network.graph, parameters: parameters, options: options)
        } == expected)
      #expect(
        problem {
          let store = try ParameterStore(parameters)
          _ = try Executable(network.graph, training: store, options: options)
        } == expected)
    }
  }

  @Test("an input or output that is not there or does not fit is refused by name")
  func ports() throws {
    let network = try SmallNetwork()
    var executable = try Executable(
      network.graph, parameters: network.parameters, options: options)
    #expect(executable.inputNames == ["images"])
    #expect(executable.outputNames == ["logits"])
    #expect(executable.inputShape("images") == [4, 3, 8, 8])
    #expect(executable.outputShape("logits") == [4, 5])
    #expect(executable.inputShape("logits") == nil)
    #expect(executable.outputShape("images") == nil)

    let images = network.images
    var error = #expect(throws: EngineError.self) { try executable.write(images, to: "image") }
    #expect(error?.problem == .unknownInput("image", known: ["images"]))
    #expect(error?.description == "small: has no input image; its inputs are images")
    error = #expect(throws: EngineError.self) {
      try executable.write(images.channelsLast, to: "images")
    }
    #expect(
      error?.problem
        == .inputShape(name: "images", expected: [4, 3, 8, 8], actual: [4, 8, 8, 3]))
    error = #expect(throws: EngineError.self) {
      try executable.write(Tensor(zeros: [4, 3, 8, 8], elementType: .int32), to: "images")
    }
    let typeProblem = EngineError.Problem.inputType(
      name: "images", expected: .float32, actual: .int32)
    #expect(error?.problem == typeProblem)
    error = #expect(throws: EngineError.self) {
      try executable.withInput("images", of: Int32.self) { _ in }
    }
    #expect(error?.problem == typeProblem)
    error = #expect(throws: EngineError.self) { _ = try executable.output("probabilities") }
    #expect(error?.problem == .unknownOutput("probabilities", known: ["logits"]))
    error = #expect(throws: EngineError.self) { try executable.withOutput("images") { _ in } }
    #expect(error?.problem == .unknownOutput("images", known: ["logits"]))
  }

  @Test("a graph that is not well formed is refused")
  func malformedGraph() throws {
    var network = try SmallNetwork()
    network.graph.operations.swapAt(0, 1)
    #expect(throws: GraphError.self) {
      _ = try Executable(network.graph, parameters: network.parameters, options: options)
    }
  }

  @Test("inputs and outputs that are lent are those that are copied")
  func lending() throws {
    let network = try SmallNetwork()
    var executable = try Executable(
      network.graph, parameters: network.parameters, options: options)
    let expected = try #require(executable.run(["images": network.images])["logits"])
    let elements = network.images.elements
    try executable.withInput("images", of: Float.self) { span in
      for index in elements.indices { span[index] = elements[index] }
    }
    try executable.run()
    let actual = try executable.withOutput("logits") { span in
      span.indices.map { span[$0] }
    }
    #expect(actual == expected.elements)
  }

  @Test("results are the same bytes at every run, and in every executable", arguments: [1, 2])
  func determinism(_ threads: Int) throws {
    let network = try SmallNetwork()
    let options = CompilationOptions(inputFormat: .channelsFirst, threads: threads)
    var first = try Executable(network.graph, parameters: network.parameters, options: options)
    var second = try Executable(network.graph, parameters: network.parameters, options: options)
    let expected = try first.run(["images": network.images])
    for _ in 0..<5 {
      #expect(try first.run(["images": network.images]) == expected)
      #expect(try second.run(["images": network.images]) == expected)
    }
    let (training, _, _) = try network.training()
    let inputs = ["images": network.images, "labels": network.labels]
    var gradients: [String: Tensor] = [:]
    for attempt in 0..<3 {
      var executable = try Executable(
        training, training: ParameterStore(network.parameters), options: options)
      let outputs = try executable.run(inputs, step: 2, seed: 9)
      if attempt == 0 { gradients = outputs }
      #expect(outputs == gradients)
    }
  }

  @Test("what was in the arena before a run does not matter")
  func staleMemory() throws {
    let network = try SmallNetwork()
    let (training, _, _) = try network.training()
    let store = try ParameterStore(network.parameters)
    var used = try Executable(training, training: store, options: options)
    let strange = Tensor.random([4, 3, 8, 8], seed: 77, in: -1000..<1000)
    _ = try used.run(["images": strange, "labels": network.labels], step: 8)
    var fresh = try Executable(training, training: store, options: options)
    let inputs = ["images": network.images, "labels": network.labels]
    #expect(try used.run(inputs) == fresh.run(inputs))
  }

  @Test("a duplicate shares the weights, computes the same bytes, and has its own inputs")
  func duplicates() throws {
    let network = try SmallNetwork()
    var original = try Executable(
      network.graph, parameters: network.parameters, options: options)
    var duplicate = try original.duplicate()
    #expect(duplicate.weightByteCount == original.weightByteCount)
    #expect(duplicate.activationByteCount == original.activationByteCount)
    let other = Tensor.random([4, 3, 8, 8], seed: 55)
    try original.write(network.images, to: "images")
    try duplicate.write(other, to: "images")
    try original.run()
    try duplicate.run()
    let (first, second) = try (original.output("logits"), duplicate.output("logits"))
    #expect(first != second)
    #expect(try duplicate.run(["images": network.images])["logits"] == first)
    #expect(try original.run(["images": other])["logits"] == second)
  }

  @Test("compiling and running leave the caller's arithmetic as it was: denormals are numbers")
  func denormals() throws {
    let network = try SmallNetwork()
    let numbers: [Float] = [.leastNonzeroMagnitude, .leastNormalMagnitude]
    var sums: [Float] { numbers.map { $0 / 2 + $0 / 4 } }
    let expected = sums
    #expect(expected[1] > 0)
    var executable = try Executable(
      network.graph, parameters: network.parameters, options: options)
    #expect(sums == expected)
    _ = try executable.run(["images": network.images])
    #expect(sums == expected)
  }

  @Test("two threads run a duplicate each, at once")
  func threads() async throws {
    let network = try SmallNetwork()
    var original = try Executable(
      network.graph, parameters: network.parameters, options: options)
    let batches = (0..<8).map { Tensor.random([4, 3, 8, 8], seed: UInt64($0)) }
    var expected: [Tensor?] = []
    for batch in batches { expected.append(try original.run(["images": batch])["logits"]) }
    let workers = [Worker(try original.duplicate()), Worker(try original.duplicate())]
    let results = try await withThrowingTaskGroup(of: [Tensor?].self) { group in
      for worker in workers {
        group.addTask {
          var results: [Tensor?] = []
          for _ in 0..<20 { results = try worker.logits(of: batches) }
          return results
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results == [expected, expected])
  }

  // What compilations share is made by the first; the thread sanitizer sees whether both may.
  @Test("Several threads compile at once")
  func concurrentCompilation() async throws {
    let network = try SmallNetwork()
    let options = options
    let batch = Tensor.random([4, 3, 8, 8], seed: 1)
    let results = try await withThrowingTaskGroup(of: Tensor?.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var executable = try Executable(
            network.graph, parameters: network.parameters, options: options)
          return try executable.run(["images": batch])["logits"]
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(results.count == 4 && results[0] != nil)
    #expect(results.allSatisfy { $0 == results[0] })
  }

  /// An executable in a place that tasks may share.
  private final class Worker: Sendable {
    private let executable: Mutex<Executable>

    init(_ executable: consuming sending Executable) {
      self.executable = Mutex(executable)
    }

    func logits(of batches: [Tensor]) throws -> [Tensor?] {
      try executable.withLock { executable in
        var logits: [Tensor?] = []
        for batch in batches { logits.append(try executable.run(["images": batch])["logits"]) }
        return logits
      }
    }
  }
}
