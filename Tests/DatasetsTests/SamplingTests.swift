import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import Testing

@Suite("Sampling") struct SamplingTests {
  /// 60, 9 and 1 pictures of three classes, and a class without any; each picture's grey is its number.
  private func data() throws -> IDXDataset {
    let labels = [UInt8](repeating: 0, count: 60) + [UInt8](repeating: 1, count: 9) + [2]
    return try IDXDataset(
      name: "uneven", images: Tensor((0..<70).map { UInt8($0) }, shape: [70, 1, 1]),
      labels: Tensor(labels), classNames: ["a", "b", "c", "d"])
  }

  private func epoch(
    _ number: Int, _ sampling: Sampling, batch: Int = 16, seed: UInt64 = 3
  ) throws -> (samples: [Int], labels: [Int32]) {
    let loader = try BatchLoader(
      data(), batchSize: batch, preprocessing: Preprocessing(height: 1, width: 1, channels: 1),
      shuffleSeed: seed, sampling: sampling)
    loader.start(epoch: number)
    var (samples, labels): ([Int], [Int32]) = ([], [])
    while let batch = try loader.next() {
      samples += batch.sampleIndices
      labels += batch.labels
    }
    return (samples, labels)
  }

  @Test("a balanced epoch has each class equally often, its samples as evenly as they can be")
  func balanced() throws {
    let (samples, labels) = try epoch(0, .balanced)
    #expect((0..<4).map { label in labels.count { $0 == label } } == [24, 23, 23, 0])
    #expect(Set(samples.filter { $0 < 60 }).count == 24)
    for sample in 60..<69 { #expect(2...3 ~= samples.count { $0 == sample }) }
    #expect(samples.count { $0 == 69 } == 23)
    // Not class after class.
    #expect(Set(labels.prefix(12)).count == 3)
  }

  @Test("another epoch takes other samples, another batch size the same")
  func keyed() throws {
    let first = try epoch(0, .balanced).samples
    #expect(try first == epoch(0, .balanced, batch: 7).samples)
    #expect(try first != epoch(1, .balanced).samples)
    #expect(try epoch(0, .every).samples.sorted() == Array(0..<70))
  }

  @Test("balanced weights give every class the same weight together")
  func weights() throws {
    let weights = try data().balancedClassWeights
    #expect(weights == [Float(70.0 / 180), Float(70.0 / 27), Float(70.0 / 3), 1])
  }

  @Test("a sample that comes again in an epoch is augmented anew")
  func augmented() throws {
    let pixels = (0..<2).flatMap { _ in (0..<256).map { UInt8($0) } }
    let data = try IDXDataset(
      name: "two", images: Tensor(pixels + pixels + pixels, shape: [6, 16, 16]),
      labels: Tensor([0, 0, 0, 0, 0, 1] as [UInt8]), classNames: ["a", "b"])
    let loader = try BatchLoader(
      data, batchSize: 6, preprocessing: Preprocessing(height: 16, width: 16, channels: 1),
      augmentation: [.randomCrop(padding: 8)], shuffleSeed: 1, sampling: .balanced)
    loader.start(epoch: 0)
    let batch = try #require(try loader.next())
    let images = batch.images.elements
    var seen: Set<[Float]> = []
    for (place, sample) in batch.sampleIndices.enumerated() where sample == 5 {
      seen.insert(Array(images[place * 256..<(place + 1) * 256]))
    }
    #expect(seen.count == 3)
  }
}
