import ConvNetEngine
import ConvNetInference
import ConvNetLayers
import ConvNetTensors
import Foundation
import Testing

private func small() throws -> Model {
  let network = Network("small", input: .image(height: 4, width: 4, channels: 3)) {
    Flatten()
    Dense(3)
  }
  return try Model(validating: network, seed: 1, classNames: ["a", "b", "c"])
}

@Suite("Numbers that a caller chooses") struct CallersNumberTests {
  @Test("below one, of pictures or runs at once, are refused", arguments: [0, -1, .min])
  func belowOne(number: Int) throws {
    let model = try small()
    let batch = InferenceError.belowOne(name: "batch", actual: number)
    #expect(throws: batch) { try Predictor(model, batch: number) }
    #expect(throws: batch) { try Classifier(model, batch: number) }
    #expect(throws: InferenceError.belowOne(name: "concurrency", actual: number)) {
      try Predictor(model, concurrency: number)
    }
  }

  @Test("of threads are from one to the most that are tried", arguments: [0, -1, 1025, .max])
  func threads(number: Int) throws {
    let model = try small()
    var compute = ComputeOptions(threads: 1)
    compute.threads = number
    for compute in [compute, ComputeOptions(threads: number)] {
      let error = #expect(throws: EngineError.self) { try Classifier(model, compute: compute) }
      #expect(error?.problem == .threadCount(actual: number, range: 1...1024))
      #expect(throws: EngineError.self) { try Predictor(model, compute: compute) }
    }
  }
}

@Suite("Classification") struct ClassificationTests {
  private func answer(_ value: Float) throws -> Classification {
    let predictor = try Predictor(small(), compute: ComputeOptions(threads: 1))
    let input = Tensor([Float](repeating: value, count: 48), shape: [4, 4, 3])
    return try predictor.classify(.tensor(input))
  }

  @Test("the likeliest of fewer than one are none", arguments: [0, -1, Int.min])
  func top(count: Int) throws {
    let answer = try answer(0.5)
    #expect(answer.top(count).isEmpty)
    #expect(answer.top(1).count == 1 && answer.top(.max).count == 3)
  }

  @Test("is read as it was written, of one without an answer too")
  func codable() throws {
    let answer = try answer(0.5)
    let read = try JSONDecoder().decode(
      Classification.self, from: JSONEncoder().encode(answer))
    #expect(read == answer)
    let none = try self.answer(.nan)
    let readNone = try JSONDecoder().decode(
      Classification.self, from: JSONEncoder().encode(none))
    #expect(readNone.nonFiniteCount == 3 && readNone.probabilities.allSatisfy(\.isNaN))
    #expect(readNone.probabilities.count == 3)
  }

  @Test("a class of it has the keys that the command prints")
  func keys() throws {
    let first = try #require(answer(0.5).top(1).first)
    let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(first))
    #expect(Set(try #require(object as? [String: Any]).keys) == ["label", "index", "probability"])
  }
}
