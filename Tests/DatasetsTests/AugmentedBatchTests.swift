import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Augmented batches") struct AugmentedBatchTests {
  private static func loader(
    _ dataset: any Dataset, _ augmentation: Augmentation, batchSize: Int = 5,
    options: LoadingOptions = LoadingOptions()
  ) throws -> BatchLoader {
    try BatchLoader(
      dataset, batchSize: batchSize,
      preprocessing: Preprocessing(height: 12, width: 10, channels: 3, mean: [0.5, 0.5, 0.5]),
      augmentation: augmentation, shuffleSeed: 11, options: options)
  }

  private static let augmentation: Augmentation = [
    .randomResizedCrop(area: 0.3...1), .horizontalReflection(), .trivialAugment(),
    .erasing(probability: 0.5, fill: .noise),
  ]

  @Test(
    "Pictures are the same whatever the workers, the batch size, the prefetch and the cache",
    arguments: [augmentation, augmentation.adding(.mixup(alpha: 1), .cutMix())])
  private func independence(augmentation: Augmentation) throws {
    let folder = try PictureFolder(count: 23)
    let expected = try (0..<2).map { epoch in
      try Epoch(
        Self.loader(folder.dataset, augmentation, options: LoadingOptions(workers: 1)), epoch)
    }
    #expect(expected[0] != expected[1])
    for (batchSize, options) in [
      (5, LoadingOptions(workers: 2)), (23, LoadingOptions(workers: 5, prefetch: 1)),
      (1, LoadingOptions(workers: 3, prefetch: 7)),
      (7, LoadingOptions(workers: 2, cacheByteCount: 8 * 20 * 26 * 3)),
      (4, LoadingOptions(workers: 4, cacheByteCount: 1 << 30)),
    ] {
      let loader = try Self.loader(
        folder.dataset, augmentation, batchSize: batchSize, options: options)
      for epoch in 0..<2 { #expect(try Epoch(loader, epoch) == expected[epoch]) }
      // And once more out of the cache.
      #expect(try Epoch(loader, 0) == expected[0])
    }
  }

  @Test("Pictures in memory are augmented as those of files")
  func inMemory() throws {
    let folder = try PictureFolder(count: 9)
    let samples = try (0..<9).map { try folder.dataset.sample(at: $0) }
    let memory = try IDXDataset(
      name: "memory",
      images: Tensor(samples.flatMap(\.image.pixels), shape: [9, 20, 26, 3]),
      labels: Tensor(samples.map { UInt8($0.label) }))
    #expect(
      try Epoch(Self.loader(memory, Self.augmentation), 3)
        == Epoch(Self.loader(folder.dataset, Self.augmentation), 3))
  }

  @Test("A mixed sample is its two pictures and labels by the same weight")
  func mixing() throws {
    let folder = try PictureFolder(count: 11)
    let plain = try Epoch(Self.loader(folder.dataset, []), 4)
    let mixed = try Epoch(Self.loader(folder.dataset, [.mixup(alpha: 1)], batchSize: 4), 4)
    #expect(mixed.targets.count == 11 * 3 && plain.targets.isEmpty)
    let size = 12 * 10 * 3
    for sample in 0..<11 {
      let next = (sample + 1) % 11
      let own = Int(plain.labels[sample])
      let other = Int(plain.labels[next])
      let target = Array(mixed.targets[sample * 3..<sample * 3 + 3])
      #expect(abs(target.reduce(0, +) - 1) < 1e-6)
      #expect(target.indices.allSatisfy { target[$0] == 0 || $0 == own || $0 == other })
      guard own != other else { continue }
      let weight = target[own]
      #expect(Int(mixed.labels[sample]) == (weight < 0.5 ? other : own))
      for place in stride(from: 0, to: size, by: 17) {
        let expected =
          weight * plain.images[sample * size + place]
          + (1 - weight) * plain.images[next * size + place]
        #expect(abs(mixed.images[sample * size + place] - expected) < 1e-5)
      }
    }
  }

  @Test("A batch that is kept stays as it was while the workers go on")
  func kept() throws {
    let folder = try PictureFolder(count: 20)
    let loader = try Self.loader(
      folder.dataset, Self.augmentation, batchSize: 2, options: LoadingOptions(workers: 3))
    loader.start(epoch: 0)
    var batches: [(Batch, Tensor)] = []
    while let batch = try loader.next() { batches.append((batch, batch.images)) }
    for (batch, images) in batches { #expect(batch.images == images) }
  }

  @Test("Loaders of many workers that are given up at any moment end")
  func abandonment() throws {
    let folder = try PictureFolder(count: 12)
    for taken in 0..<12 {
      let loader = try Self.loader(
        folder.dataset, Self.augmentation, batchSize: 1,
        options: LoadingOptions(workers: 4, prefetch: 3))
      loader.start(epoch: 0)
      for _ in 0..<taken { _ = try loader.next() }
      if taken % 3 == 0 { loader.start(epoch: 1) }
    }
  }

  @Test("What a data set is like equals a naive sum over its pictures, whatever the workers")
  func statistics() throws {
    let folder = try PictureFolder(count: 7)
    let preprocessing = try Preprocessing(height: 20, width: 26, channels: 3)
    let statistics = try DatasetStatistics(
      of: folder.dataset, preprocessing: preprocessing, workers: 3)
    let images = try (0..<7).map { try folder.dataset.sample(at: $0).image }
    let values = (0..<3).map { channel in
      images.flatMap { image in
        stride(from: channel, to: image.pixels.count, by: 3).map {
          Double(image.pixels[$0]) / 255
        }
      }
    }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    #expect(statistics.count == 7)
    let components = try #require(statistics.principalComponents)
    for i in 0..<3 {
      #expect(abs(Double(statistics.mean[i]) - mean(values[i])) < 1e-6)
      for j in 0..<3 {
        let product = mean(zip(values[i], values[j]).map { $0 * $1 })
        let covariance = product - mean(values[i]) * mean(values[j])
        let rebuilt = (0..<3).reduce(0) {
          $0
            + Double(
              components.variances[$1] * components.vectors[$1][i] * components.vectors[$1][j])
        }
        #expect(abs(rebuilt - covariance) < 1e-6)
        if i == j {
          #expect(abs(Double(statistics.deviation[i]) - covariance.squareRoot()) < 1e-6)
        }
      }
    }
    for place in stride(from: 0, to: 20 * 26 * 3, by: 31) {
      let expected = images.reduce(0) { $0 + Double($1.pixels[place]) } / 7 / 255
      #expect(abs(Double(statistics.meanPicture.values[place]) - expected) < 1e-6)
    }
    let other = try DatasetStatistics(
      of: folder.dataset, preprocessing: preprocessing, workers: 1)
    #expect(other.mean == statistics.mean && other.meanPicture == statistics.meanPicture)
    #expect(other.principalComponents == statistics.principalComponents)
  }
}

extension Augmentation {
  fileprivate func adding(_ more: Step...) -> Augmentation { Augmentation(steps + more) }
}
