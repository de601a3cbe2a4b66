import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetServing
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Synchronization
import Testing

@Suite("The models of a server") final class ModelStoreTests {
  private let folder: TemporaryDirectory
  private let metrics = ServiceMetrics()
  private let events = Events()

  init() throws { folder = try TemporaryDirectory() }

  private final class Events: Sendable {
    let texts = Mutex<[String]>([])

    func add(_ event: ModelStore.Event) {
      let text =
        switch event {
        case .loaded(let model, _, _): "\(model.name) \(model.version)"
        case .failed(let name, _, let reason, let serving):
          "\(name) failed: \(reason); \(serving.map { "\($0)" } ?? "none") serves"
        }
      texts.withLock { $0.append(text) }
    }
  }

  private func write(_ text: String) throws -> String {
    try folder.write([UInt8](text.utf8), to: "m")
  }

  private func opened(_ text: String) throws -> ModelStore {
    let events = events
    let path = try write(text)
    let store = try store([.init(name: "m", path: path)], metrics: metrics) { events.add($0) }
    try store.loadAll()
    return store
  }

  /// The answer of a model of a seed.
  private func expected(_ seed: UInt64) throws -> [Float] {
    try Classifier(smallModel(seed: seed), compute: oneThread).classify(picture(1)).probabilities
  }

  private static func probabilities(_ model: ServedModel?) async throws -> [Float] {
    let model = try #require(model)
    let row = try #require(model.preprocessing).prepared(picture(1)).elements
    return try await model.classification(of: row).probabilities
  }

  @Test("names are the file's, the folder's, or the ones that are given")
  func names() throws {
    for (argument, name, path) in [
      ("/a/first/model.safetensors", "first", "/a/first/model.safetensors"),
      ("/a/lenet5.v2.safetensors", "lenet5.v2", "/a/lenet5.v2.safetensors"),
      ("x=/a/b c.safetensors", "x", "/a/b c.safetensors"), ("x=y=z", "x", "y=z"),
      ("resnet.pth", "resnet", "resnet.pth"),
    ] {
      let source = try ModelStore.Source(argument)
      #expect(source == ModelStore.Source(name: name, path: path))
    }
    for argument in ["/a/b c.safetensors", "=a", "a b=c", "..=a", "ä=b"] {
      #expect(throws: ModelStore.SourceError.self, "\(argument)") {
        try ModelStore.Source(argument)
      }
    }
    #expect(throws: ModelStore.SourceError.twice("m", paths: ["a", "b"])) {
      try store([.init(name: "m", path: "a"), .init(name: "m", path: "b")])
    }
  }

  @Test("a file that is bad at the beginning is an error", arguments: ["bad", "666"])
  func badFirst(text: String) throws {
    #expect(throws: (any Error).self) { try opened(text) }
    #expect(events.texts.withLock { $0.first }?.hasPrefix("m failed") == true)
  }

  @Test(
    "a good file takes the place of the one before, a bad one does not", arguments: ["bad", "666"])
  func reloading(bad: String) async throws {
    let store = try opened("1")
    let first = store["m"]
    #expect(try await Self.probabilities(store["m"]) == expected(1))
    _ = try write(bad)
    store.reload()
    #expect(store["m"] === first)
    #expect(try await Self.probabilities(store["m"]) == expected(1))
    _ = try write("2")
    store.reload()
    #expect(store["m"]?.version == 2)
    #expect(try await Self.probabilities(store["m"]) == expected(2))
    // Who has begun with the old one ends with it.
    #expect(try await Self.probabilities(first) == expected(1))
    let texts = events.texts.withLock { $0 }
    #expect(texts.count == 3 && texts[0] == "m 1" && texts[2] == "m 2")
    #expect(texts[1].hasPrefix("m failed: ") && texts[1].hasSuffix("; 1 serves"))
    #expect(metrics.text().contains("convnet_model_version{model=\"m\"} 2\n"))
  }

  @Test("a changed file is read once it stays as it is, and a bad one is not read again and again")
  func watching() async throws {
    let store = try opened("1")
    store.reloadChanged()
    #expect(store["m"]?.version == 1)
    _ = try write("12")
    store.reloadChanged()
    #expect(store["m"]?.version == 1)
    _ = try write("123")
    store.reloadChanged()
    #expect(store["m"]?.version == 1)
    store.reloadChanged()
    #expect(store["m"]?.version == 2)
    #expect(try await Self.probabilities(store["m"]) == expected(123))
    _ = try write("worse")
    for _ in 0..<5 { store.reloadChanged() }
    #expect(store["m"]?.version == 2)
    #expect(events.texts.withLock { $0.count } == 3)
    try FileManager.default.removeItem(atPath: folder.file("m"))
    store.reloadChanged()
    #expect(store["m"]?.version == 2)
  }

  @Test("no request is lost while models are exchanged")
  func exchange() async throws {
    let store = try opened("1")
    let answers = [try expected(1), try expected(2)]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<50 {
            let answer = try await Self.probabilities(store["m"])
            #expect(answers.contains(answer))
          }
        }
      }
      for text in ["2", "bad", "1", "2"] {
        _ = try write(text)
        store.reload()
      }
      try await group.waitForAll()
    }
    #expect(store["m"]?.version == 4)
  }
}
