import ConvNetDatasets
import ConvNetEngine
import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetTestSupport
import Foundation
import Synchronization
import Testing

@Suite("Lists of pictures are classified") struct PicturesTests {
  private static func model() throws -> Model {
    try meansOfChannels(preprocessing: Preprocessing(height: 4, width: 4, channels: 3))
  }

  /// A picture of another color for each number.
  private static func image(_ number: Int) -> Image {
    Image(
      height: 5, width: 6,
      color: .init(red: UInt8(number * 7 % 256), green: UInt8(number * 31 % 256), blue: 90))
  }

  @Test(
    "As one at a time, in the list's order, whatever the batches",
    arguments: [(1, nil), (2, 1), (9, 4), (9, 2), (65, nil), (130, 64)] as [(Int, Int?)])
  func order(count: Int, batch: Int?) throws {
    var list = PictureList()
    for number in 0..<count { list.add(try Self.image(number).encodedPNG(), name: "\(number)") }
    let model = try Self.model()
    let classifier = try Classifier(model)
    var next = 0
    try model.classify(list, batchSize: batch) { index, outcome in
      #expect(index == next)
      next += 1
      let expected = try classifier.classify(Self.image(index))
      for (own, other) in zip(try outcome.get().probabilities, expected.probabilities) {
        #expect(abs(own - other) < 1e-6)
      }
    }
    #expect(next == count)
  }

  @Test(
    "Bad ones are outcomes in their places",
    arguments: [[0], [4], [8], [0, 1, 2, 3], [2, 3, 7, 8], Array(0..<9)])
  func bad(places: [Int]) throws {
    var list = PictureList()
    for number in 0..<9 {
      let isBad = places.contains(number)
      list.add(try isBad ? [1, 2, 3] : Self.image(number).encodedPNG(), name: "picture \(number)")
    }
    let model = try Self.model()
    let classifier = try Classifier(model)
    var seen: [Int] = []
    try model.classify(list, batchSize: 2) { index, outcome in
      seen.append(index)
      switch outcome {
      case .success(let classification):
        #expect(!places.contains(index))
        let expected = try classifier.classify(Self.image(index))
        #expect(classification.top(1).map(\.label) == expected.top(1).map(\.label))
      case .failure(let error):
        #expect(places.contains(index) && error.name == "picture \(index)")
        #expect("\(error)".hasPrefix("picture \(index): none of PNG"))
      }
    }
    #expect(seen == Array(0..<9))
  }

  /// What a function that may be called from any thread has noted.
  private final class Notes: Sendable {
    let list = Mutex<[(index: Int, best: String?)]>([])
    let isReleased = Atomic(false)
  }

  @Test(
    "a task that is suspended meanwhile has the same outcomes, and is ended by its cancellation")
  func suspended() async throws {
    let model = try Self.model()
    var list = PictureList()
    for number in 0..<40 {
      list.add(try number == 7 ? [1] : Self.image(number).encodedPNG(), name: "\(number)")
    }
    let expected = try Self.outcomes(of: model, list)
    let notes = Notes()
    let pictures = list
    try await model.classify(pictures, batchSize: 4) { index, outcome in
      notes.list.withLock { $0.append((index, try? outcome.get().top(1).first?.label)) }
    }
    #expect(notes.list.withLock { $0.map(\.index) } == Array(0..<40))
    #expect(notes.list.withLock { $0.map(\.best) } == expected)

    // Cancelled by the sixth picture, of which the next is not told.
    let begun = Notes()
    let task = Task {
      try await model.classify(pictures, batchSize: 4) { index, _ in
        begun.list.withLock { $0.append((index, nil)) }
        if index == 5 { withUnsafeCurrentTask { #expect($0 == nil) } }
        while index == 5, !begun.isReleased.load(ordering: .acquiring) { usleep(100) }
      }
    }
    while begun.list.withLock({ $0.count }) < 6 { try await Task.sleep(nanoseconds: 100_000) }
    task.cancel()
    begun.isReleased.store(true, ordering: .releasing)
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(begun.list.withLock { $0.count } == 6)
    struct Failed: Error {}
    await #expect(throws: Failed.self) {
      try await model.classify(pictures) { _, _ in throw Failed() }
    }
  }

  /// Outside of a task the function blocks.
  private static func outcomes(of model: Model, _ list: PictureList) throws -> [String?] {
    var best: [String?] = []
    try model.classify(list, batchSize: 4) { _, outcome in
      best.append(try? outcome.get().top(1).first?.label)
    }
    return best
  }

  @Test("No pictures are no outcomes; what the caller throws ends the work")
  func ends() throws {
    struct Enough: Error {}
    let model = try Self.model()
    try model.classify(PictureList()) { _, _ in Issue.record("there is no picture") }
    var list = PictureList()
    for number in 0..<20 { list.add(try Self.image(number).encodedPNG(), name: "\(number)") }
    var count = 0
    #expect(throws: Enough.self) {
      try model.classify(list, batchSize: 3) { _, _ in
        count += 1
        if count == 7 { throw Enough() }
      }
    }
    #expect(count == 7)
    let features = Model(Network("n", input: .features(4)) { Dense(2) })
    #expect(throws: InferenceError.self) { try features.classify(list) { _, _ in } }
  }
}
