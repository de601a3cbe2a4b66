import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetImages
import ConvNetLayers
import ConvNetProcessSupport
import ConvNetTensors
import ConvNetTraining
import Foundation
import Testing

@Suite("Processes that measure together") struct SharedEvaluationTests {
  private static func network(_ name: String) -> Network {
    Network(name, input: .image(height: 8, width: 8, channels: 1)) {
      Conv2D(3, kernel: 3)
      ReLU()
      Flatten()
      Dense(4)
    }
  }

  private static func candidates(seed: UInt64 = 1) throws -> [ProtocolEvaluation.Candidate] {
    try [("one", seed), ("other", 2)].map { name, seed in
      let model = Model(network(name), seed: seed)
      let preprocessing = try #require(model.preprocessing)
      return .init(
        name, model,
        views: try ["single", "10-crop"].map { try Views.named($0, for: preprocessing) })
    }
  }

  /// All that an evaluation says.
  private struct Outcome: Equatable, Sendable {
    struct Answer: Equatable, Sendable {
      var sample: Int
      var score: Int
      var probabilities: [Double]
    }

    var assessments: [Assessment] = []
    var costs: [Double] = []
    var logProbabilities: [[[Float]]] = []
    var answers: [Answer] = []
    var skipped: [SkippedSample] = []
    var done: [Int] = []
    var kept: [EvaluationProgress] = []
  }

  private static func outcome(
    of processes: (any ProcessGroup)?, on data: (any Dataset)? = nil,
    badSamples: BadSamplePolicy = .leaveOut, resuming start: EvaluationProgress? = nil
  ) throws -> Outcome {
    var outcome = Outcome()
    var loading = LoadingOptions()
    loading.badSamples = badSamples
    let evaluation = try ProtocolEvaluation(
      of: candidates(), on: data ?? syntheticData(count: 43, extent: 8), batchSize: 40,
      compute: ComputeOptions(threads: 1),
      loading: loading, keepsScores: true, processes: processes, resuming: start
    ) {
      outcome.done.append($0)
    } sampleSkipped: {
      outcome.skipped.append($0)
    } observe: {
      outcome.answers.append(
        .init(sample: $0.sample, score: $0.score, probabilities: $0.probabilities))
    } keep: {
      outcome.kept.append($0)
    }
    outcome.assessments = evaluation.scores.map(\.assessment)
    outcome.costs = evaluation.scores.map(\.multiplyAdds)
    outcome.logProbabilities = evaluation.scores.map(\.logProbabilities)
    return outcome
  }

  @Test("come to what one comes to, to the byte and in its order", arguments: [2, 3, 4, 13])
  func equality(count: Int) throws {
    let alone = try Self.outcome(of: nil)
    #expect(alone.done.count > 8 && alone.assessments.count == 6)
    for result in ThreadProcesses.run(count, { try Self.outcome(of: $0) }) {
      #expect(try result.get() == alone)
    }
  }

  @Test("leave out the same pictures, whoever cannot read them", arguments: [2, 3])
  func skipping(count: Int) throws {
    let data = Holes(data: try syntheticData(count: 43, extent: 8), holes: [0, 5, 6, 42])
    let alone = try Self.outcome(of: nil, on: data)
    #expect(alone.skipped.map(\.index) == [0, 5, 6, 42])
    for result in ThreadProcesses.run(count, { try Self.outcome(of: $0, on: data) }) {
      #expect(try result.get() == alone)
    }
  }

  @Test("end all with the same words where one cannot read a picture", arguments: [3, 9, 42])
  func stopping(hole: Int) throws {
    let data = Holes(data: try syntheticData(count: 43, extent: 8), holes: [hole])
    for result in ThreadProcesses.run(3, { try Self.outcome(of: $0, on: data, badSamples: .stop) })
    {
      #expect(throws: EvaluationError.unreadable(reason: "a hole at \(hole)")) {
        try result.get()
      }
    }
    #expect(throws: Hole.self) { try Self.outcome(of: nil, on: data, badSamples: .stop) }
  }

  @Test("go on where others were, of which only the first knows", arguments: [1, 2, 3])
  func resuming(count: Int) throws {
    let whole = try Self.outcome(of: nil)
    let kept = try ThreadProcesses.run(4) { try Self.outcome(of: $0) }[2].get().kept
    #expect(kept == whole.kept)
    for start in [kept[0], kept[3], kept[kept.count - 1]] {
      for result in ThreadProcesses.run(
        count, { try Self.outcome(of: $0, resuming: $0.rank == 0 ? start : nil) })
      {
        let resumed = try result.get()
        #expect(resumed.assessments == whole.assessments && resumed.costs == whole.costs)
        #expect(resumed.answers == whole.answers.suffix(resumed.answers.count))
        #expect(resumed.answers.count < whole.answers.count)
      }
    }
  }

  @Test("are refused where one would measure something else, all with the same words")
  func refusals() throws {
    func words(_ seed: UInt64, _ count: Int) throws -> String {
      let all = ThreadProcesses.run(3) { group in
        let isOther = group.rank == 1
        _ = try ProtocolEvaluation(
          of: Self.candidates(seed: isOther ? seed : 1),
          on: syntheticData(count: isOther ? count : 20, extent: 8),
          compute: ComputeOptions(threads: 1), processes: group)
      }.map { result in
        do {
          try result.get()
          return "none"
        } catch { return "\(error)" }
      }
      #expect(Set(all).count == 1, "\(all)")
      return all[0]
    }
    #expect(try words(1, 20) == "none")
    #expect(
      try words(9, 20).hasPrefix(
        "the fingerprint of models, protocols and pictures of process 1 is "))
    #expect(
      try words(1, 21)
        == "the number of pictures of process 1 is 21, of process 0 20; all processes measure the same models on the same pictures"
    )
  }
}

/// Data of which some pictures cannot be read.
private struct Holes: Dataset {
  var data: any Dataset
  var holes: Set<Int>
  var name: String { data.name }
  var count: Int { data.count }
  var classNames: [String] { data.classNames }
  var imageShape: Shape? { data.imageShape }

  func label(at index: Int) -> Int { data.label(at: index) }

  func sample(at index: Int) throws -> Sample {
    guard !holes.contains(index) else { throw Hole(place: index) }
    return try data.sample(at: index)
  }
}

private struct Hole: Error, CustomStringConvertible {
  var place: Int
  var description: String { "a hole at \(place)" }
}
