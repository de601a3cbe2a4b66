import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// Pictures of one grey, told by numbers that are made of it.
private struct Greys: Dataset {
  var name: String { "greys" }
  var count = 12
  var classNames: [String] { ["grey", "index"] }
  var targetKind: TargetKind { .numbers }
  var imageShape: Shape? { [4, 4, 1] }
  var isBad: Set<Int> = []

  struct Bad: Error {}

  func label(at index: Int) -> Int { 0 }
  func targets(at index: Int) -> [Float] { [Float(10 * index) / 255, Float(index)] }
  func sample(at index: Int) throws -> Sample {
    if isBad.contains(index) { throw Bad() }
    return Sample(
      image: Image(height: 4, width: 4, color: Image.Color(grey: UInt8(10 * index)), channels: 1),
      label: 0)
  }
}

@Suite("Batches of labels and numbers") struct TargetBatchTests {
  private func preprocessing() throws -> Preprocessing {
    try Preprocessing(height: 4, width: 4, channels: 1)
  }

  /// Of every batch: the first value of each picture, its first target and its second.
  private func rows(_ loader: BatchLoader, epoch: Int = 0) throws -> [(Float, Float, Float)] {
    var rows: [(Float, Float, Float)] = []
    loader.start(epoch: epoch)
    while let batch = try loader.next() {
      #expect(batch.classCount == 2)
      let images = batch.images.elements
      batch.withTargets { targets in
        #expect(targets.count == 2 * batch.count)
        for row in 0..<batch.count {
          rows.append((images[row * 16], targets[2 * row], targets[2 * row + 1]))
        }
      }
    }
    return rows
  }

  @Test("targets go with their pictures, shuffled or not", arguments: [nil, 5] as [UInt64?])
  func targets(seed: UInt64?) throws {
    let loader = try BatchLoader(
      Greys(), batchSize: 5, preprocessing: preprocessing(), shuffleSeed: seed)
    let found = try rows(loader)
    #expect(found.count == 12)
    for (value, target, _) in found { #expect(abs(value - target) < 1e-6) }
    #expect(Set(found.map(\.2)) == Set((0..<12).map { Float($0) }))
  }

  @Test("mixup mixes targets by the share of the pictures")
  func mixup() throws {
    let loader = try BatchLoader(
      Greys(), batchSize: 5, preprocessing: preprocessing(), augmentation: [.mixup(alpha: 1)],
      shuffleSeed: 3)
    let found = try rows(loader, epoch: 2)
    for (value, target, _) in found { #expect(abs(value - target) < 1e-6) }
    #expect(found.contains { $0.2 != $0.2.rounded() }, "some are mixed")
  }

  @Test("CutMix mixes targets by area")
  func cutMix() throws {
    let loader = try BatchLoader(
      Greys(), batchSize: 12, preprocessing: preprocessing(), augmentation: [.cutMix(alpha: 1)],
      shuffleSeed: 3)
    loader.start(epoch: 0)
    let batch = try #require(try loader.next())
    let images = batch.images.elements
    batch.withTargets { targets in
      for row in 0..<batch.count {
        let mean = images[row * 16..<(row + 1) * 16].reduce(0, +) / 16
        #expect(abs(mean - targets[2 * row]) < 1e-6)
      }
    }
  }

  @Test("a sample that is left out takes its targets with it; one that replaces it brings its own")
  func badSamples() throws {
    for policy in [BadSamplePolicy.leaveOut, .replace] {
      let loader = try BatchLoader(
        Greys(isBad: [1, 2, 7]), batchSize: 4, preprocessing: preprocessing(),
        options: LoadingOptions(badSamples: policy))
      let found = try rows(loader)
      #expect(found.count == (policy == .leaveOut ? 9 : 12))
      for (value, target, _) in found { #expect(abs(value - target) < 1e-6) }
      #expect(!found.contains { $0.2 == 7 })
    }
  }

  @Test("numbers of the caller that make no loader are refused, and end nothing")
  func refusals() throws {
    let preprocessing = try preprocessing()
    for size in [0, -3] {
      let error = #expect(throws: LoadingError.self) {
        try BatchLoader(Greys(), batchSize: size, preprocessing: preprocessing)
      }
      #expect(error.map { "\($0)" } == "batch size is \(size), must be at least 1")
    }
    #expect(throws: AugmentationError.self) {
      try BatchLoader(
        Greys(), batchSize: 2, preprocessing: preprocessing, augmentation: [.cutMix()],
        options: LoadingOptions(badSamples: .leaveOut))
    }
    let error = #expect(throws: DatasetError.self) {
      try BatchLoader(
        Greys(), batchSize: 2, preprocessing: preprocessing, shuffleSeed: 1, sampling: .balanced)
    }
    #expect(error?.problem == .unbalanced(.numbers))
  }

  @Test("names give the order of labels and numbers, and scaling standardizes")
  func numbering() throws {
    let data = Greys()
    let numbered = try #require(data.numbered(as: ["index", "grey"]))
    #expect(numbered.targets(at: 3) == [3, Float(30) / 255])
    // Of numbers fewer may be wanted, not others.
    #expect(data.numbered(as: ["index"])?.targets(at: 3) == [3])
    #expect(data.numbered(as: ["index", "size"]) == nil)
    let scaling = try TargetScaling(of: numbered)
    #expect(abs(scaling.mean[0] - 5.5) < 1e-6)
    // The mean of (i - 5.5)^2 is 143/12.
    #expect(abs(scaling.deviation[0] - Float((143.0 / 12).squareRoot())) < 1e-6)
    let standardized = numbered.standardized(by: scaling)
    let again = try TargetScaling(of: standardized)
    for value in again.mean { #expect(abs(value) < 1e-6) }
    for value in again.deviation { #expect(abs(value - 1) < 1e-6) }
    #expect(abs(scaling.restored(standardized.targets(at: 7)[0], at: 0) - 7) < 1e-5)
    let constant = #expect(throws: DatasetError.self) { try TargetScaling(of: Greys(count: 1)) }
    #expect(constant?.problem == .constantNumber(name: "grey", value: 0))
  }

  @Test("a part is held out of all samples alike, the same in every run")
  func holdout() throws {
    let holdout = Holdout(share: 0.25, seed: 4)
    let (train, test) = (
      try holdout.part(.train, of: Greys()), try holdout.part(.test, of: Greys())
    )
    #expect(train.count == 9 && test.count == 3)
    #expect(train.targetKind == .numbers && test.classNames == ["grey", "index"])
    let indices = [train, test].flatMap { part in (0..<part.count).map { part.targets(at: $0)[1] } }
    #expect(indices.sorted() == (0..<12).map { Float($0) })
  }

  @Test("a fingerprint knows other numbers, and how many samples there are")
  func fingerprint() throws {
    let own = DatasetFingerprint(of: Greys())
    #expect(own.count == 12 && own.counts.isEmpty)
    #expect(own == DatasetFingerprint(of: Greys()))
    let scaled = Greys().standardized(by: TargetScaling(mean: [0, 0], deviation: [1, 2]))
    #expect(own != DatasetFingerprint(of: scaled))
    let data = try JSONEncoder().encode(own)
    #expect(try JSONDecoder().decode(DatasetFingerprint.self, from: data) == own)
  }
}
