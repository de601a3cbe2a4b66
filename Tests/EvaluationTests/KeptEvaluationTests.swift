import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// Pictures of one grey each, some of which cannot be read.
private struct Greys: Dataset {
  let name = "greys"
  var classNames = ["a", "b", "c"]
  var count = 150
  var bad: Set<Int> = []
  var imageShape: Shape? { nil }
  func label(at index: Int) -> Int { index * 7 % 3 }
  func sample(at index: Int) throws -> Sample {
    if bad.contains(index) { throw Unreadable() }
    var image = Image(height: 20, width: 24, color: .init(grey: UInt8(index)))
    image[index % 20, index % 24, 0] = 255
    return Sample(image: image, label: label(at: index))
  }
}

private struct Stopped: Error {}
private struct Unreadable: Error {}

@Suite("Evaluations that go on") struct KeptEvaluationTests {
  private func candidates(seed: UInt64 = 1) throws -> [ProtocolEvaluation.Candidate] {
    try (0..<2).map { place in
      let model = try Model(
        validating: Network("small", input: .image(height: 12, width: 12, channels: 3)) {
          Conv2D(4, kernel: 3)
          ReLU()
          Flatten()
          Dense(3)
        }, seed: seed + UInt64(place), classNames: ["a", "b", "c"])
      let preprocessing = try #require(model.preprocessing)
      return .init(
        "\(place)", model,
        views: [
          try Views.named("single", for: preprocessing),
          try Views.named("10-crop", for: preprocessing),
        ])
    }
  }

  private let loading = {
    var loading = LoadingOptions()
    loading.badSamples = .leaveOut
    return loading
  }()

  private func run(
    _ candidates: [ProtocolEvaluation.Candidate], _ data: Greys, _ kept: KeptEvaluation,
    stoppingAfter limit: Int = .max
  ) throws -> ProtocolEvaluation {
    var calls = 0
    return try ProtocolEvaluation(
      of: candidates, on: data, batchSize: 32, loading: loading, resuming: kept.progress,
      observe: kept.add
    ) { progress in
      try kept.save(progress)
      calls += 1
      if calls >= limit { throw Stopped() }
    }
  }

  @Test(
    "stopped anywhere, it goes on to the same result and the same answers", arguments: [1, 3, 20])
  func same(stop: Int) throws {
    let directory = try TemporaryDirectory()
    let data = Greys(bad: [2, 77])
    let candidates = try candidates()
    let key = KeptEvaluation.key(of: candidates, on: data, batchSize: 32)
    func kept(_ folder: String) -> KeptEvaluation {
      KeptEvaluation(folder: directory.file(folder), key: key, keepsAnswers: true)
    }
    func answers(_ kept: KeptEvaluation, _ evaluation: ProtocolEvaluation) throws -> [[Double]] {
      var all: [[Double]] = []
      try kept.forEachAnswer(of: evaluation) {
        all.append([Double($0.sample), Double($0.label), Double($0.score)] + $0.probabilities)
      }
      return all
    }
    let whole = kept("whole")
    let expected = try run(candidates, data, whole)
    #expect(throws: Stopped.self) {
      try run(candidates, data, kept("part"), stoppingAfter: stop)
    }
    let again = kept("part")
    let reached = try #require(again.progress)
    #expect(reached.pictures > 0 && reached.pictures < data.count)
    let actual = try run(candidates, data, again)
    #expect(actual.skippedCount == 2 && expected.skippedCount == 2)
    for (one, other) in zip(actual.scores, expected.scores) {
      #expect(one.assessment == other.assessment && one.multiplyAdds == other.multiplyAdds)
    }
    #expect(try answers(again, actual) == answers(whole, expected))
    #expect(try answers(again, actual).count == 148 * 6)
    again.remove()
    #expect(!FileManager.default.fileExists(atPath: directory.file("part")))
  }

  @Test("a folder is one process's, until that is done with it")
  func claimed() throws {
    let directory = try TemporaryDirectory()
    let folder = directory.file("a/b")
    do {
      let first = KeptEvaluation(folder: folder, key: "k")
      #expect(try first.claim())
      #expect(try first.claim())
      #expect(!(try KeptEvaluation(folder: folder, key: "k").claim()))
      first.remove()
    }
    #expect(!FileManager.default.fileExists(atPath: folder))
    #expect(try KeptEvaluation(folder: folder, key: "k").claim())
  }

  @Test("what is kept of other models, pictures or settings is not gone on with")
  func others() throws {
    let directory = try TemporaryDirectory()
    let (data, candidates) = (Greys(), try candidates())
    let key = KeptEvaluation.key(of: candidates, on: data, batchSize: 32)
    #expect(throws: Stopped.self) {
      try run(
        candidates, data, KeptEvaluation(folder: directory.path, key: key), stoppingAfter: 2)
    }
    #expect(KeptEvaluation(folder: directory.path, key: key).progress != nil)
    #expect(KeptEvaluation(folder: directory.path, key: key, keepsAnswers: true).progress == nil)
    var logits = candidates
    logits[0].views[0].average = .logits
    let keys = [
      key, KeptEvaluation.key(of: try self.candidates(seed: 2), on: data, batchSize: 32),
      KeptEvaluation.key(of: candidates, on: Greys(count: 149), batchSize: 32),
      KeptEvaluation.key(of: candidates, on: data, batchSize: 64),
      KeptEvaluation.key(of: candidates, on: data, among: .data, batchSize: 32),
      KeptEvaluation.key(of: logits, on: data, batchSize: 32),
      KeptEvaluation.key(
        of: candidates, on: data, batchSize: 32, compute: ComputeOptions(isExact: true)),
    ]
    #expect(Set(keys).count == keys.count)
    for other in keys.dropFirst() {
      #expect(KeptEvaluation(folder: directory.path, key: other).progress == nil)
    }
    // The right key, and sums of something else.
    let kept = KeptEvaluation(folder: directory.path, key: key)
    #expect(throws: EvaluationError.otherProgress) {
      try ProtocolEvaluation(
        of: Array(candidates.prefix(1)), on: data, batchSize: 32, resuming: kept.progress)
    }
    // Damaged, it is as if it were not there.
    let path = directory.file("progress.json")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for damaged in [String(text.dropLast(9)), "", "{}", text.replacing("key", with: "kex")] {
      try damaged.write(toFile: path, atomically: true, encoding: .utf8)
      #expect(KeptEvaluation(folder: directory.path, key: key).progress == nil)
    }
    try text.replacing(#""label":"#, with: #""label":9"#)
      .write(toFile: path, atomically: true, encoding: .utf8)
    let other = KeptEvaluation(folder: directory.path, key: key)
    if text.contains(#""label":"#) {
      #expect(throws: EvaluationError.otherProgress) {
        try ProtocolEvaluation(
          of: candidates, on: data, batchSize: 32, resuming: other.progress)
      }
    }
  }
}

@Suite("Labels that are probably wrong") struct LabelSuspicionTests {
  @Test("thresholds are means of a class's own probabilities, and who reaches another's is suspect")
  func byHand() throws {
    var suspicion = LabelSuspicion(classes: 3)
    let rows: [(label: Int, probabilities: [Double])] = [
      (0, [0.9, 0.1, 0]), (0, [0.5, 0.5, 0]), (0, [0.2, 0.8, 0]), (1, [0.4, 0.6, 0]),
      (1, [0.3, 0.7, 0]), (1, [0.5, 0.45, 0.05]), (0, [.nan, 1, 0]), (0, [0.35, 0.2, 0.45]),
    ]
    for row in rows { suspicion.add(label: row.label, probabilities: row.probabilities) }
    #expect(abs(suspicion.threshold(of: 0) - 1.95 / 4) < 1e-12)
    #expect(abs(suspicion.threshold(of: 1) - 1.75 / 3) < 1e-12)
    #expect(suspicion.threshold(of: 2) == .infinity)
    let found = rows.enumerated().compactMap {
      suspicion.suspect(
        sample: $0, label: $1.label, probabilities: $1.probabilities)
    }
    // The tie and what only nears a threshold are none; 0.5 is enough for class 0.
    #expect(found.map(\.sample) == [2, 5])
    #expect(found.map(\.suggested) == [1, 0])
    #expect(abs(found[0].margin - 0.6) < 1e-12)
  }

  @Test("labels that were exchanged on purpose are found")
  func exchanged() {
    var suspicion = LabelSuspicion(classes: 2)
    let draws = Tensor.random([200], seed: 4).elements.map { 0.5 + 0.5 * abs(Double($0)) / 4 }
    let wrong: Set = [3, 50, 120]
    let rows = draws.enumerated().map { index, sure in
      let truth = index % 2
      let probability = min(0.99, sure + 0.2)
      return (
        label: wrong.contains(index) ? 1 - truth : truth,
        probabilities: truth == 0
          ? [probability, 1 - probability] : [1 - probability, probability]
      )
    }
    for row in rows { suspicion.add(label: row.label, probabilities: row.probabilities) }
    let found = rows.enumerated().compactMap {
      suspicion.suspect(sample: $0, label: $1.label, probabilities: $1.probabilities)
    }
    #expect(Set(found.map(\.sample)).isSubset(of: wrong) && !found.isEmpty)
  }
}
