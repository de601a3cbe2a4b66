import CTestSupport
import ConvNetDatasets
import ConvNetFiles
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// A sample costs no allocation once a thread has seen pictures as large, but for what the decoder
/// takes and gives back. Tables of weights are kept for some sizes; one of them grows now and then,
/// until all have grown to the longest.
@Suite(.enabled(if: ct_can_count(), "this C library gives no way to count"))
struct LoaderMemoryTests {
  private static let augmentation: Augmentation = [
    .shorterSide(from: 18, to: 30), .randomCrop(), .horizontalReflection(), .rotation(degrees: 10),
    .colorJitter(brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.1), .trivialAugment(),
    .colorShift(components: PrincipalComponents(covariance: [[1, 0, 0], [0, 2, 0], [0, 0, 3]])),
    .erasing(),
  ]

  /// Whether generic code is specialized wherever it stands, as in release builds, which optimize whole modules. Elsewhere it
  /// allocates what it gives back at once.
  private static let isSpecialized: Bool = {
    #if DEBUG
      false
    #else
      true
    #endif
  }()

  /// What reading so many samples allocates, after some to warm up.
  private static func allocations(
    _ dataset: any Dataset, _ augmentation: Augmentation, samples: Int
  ) throws -> ct_allocations {
    let pipeline = try PicturePipeline(
      Preprocessing(height: 14, width: 14, channels: 3), augmentation)
    var reader = SampleReader(dataset, pipeline, cache: nil)
    let target = UnsafeMutableBufferPointer<Float>.allocate(capacity: pipeline.elementCount)
    defer { target.deallocate() }
    func read(_ index: Int) throws {
      let sample = index % dataset.count
      try reader.read(sample, seed: 1, epoch: index, key: sample, into: target)
    }
    for index in 0..<1000 { try read(index) }
    ct_start_counting()
    for index in 0..<samples { try read(index) }
    return ct_stop_counting()
  }

  @Test("Pictures in memory cost none", arguments: [Augmentation.none, augmentation])
  private func inMemory(augmentation: Augmentation) throws {
    let images = Tensor(
      (0..<6 * 20 * 26 * 3).map { UInt8(truncatingIfNeeded: $0 * 7) }, shape: [6, 20, 26, 3])
    let dataset = try IDXDataset(
      name: "memory", images: images, labels: Tensor([0, 1, 2, 0, 1, 2] as [UInt8]))
    let counts = try Self.allocations(dataset, augmentation, samples: 1000)
    let tolerance = Int64(augmentation.steps.isEmpty ? 0 : 20)
    #expect(!Self.isSpecialized || counts.by_program <= tolerance)
    #expect(abs(counts.outstanding_bytes) <= 512 * tolerance)
  }

  @Test("Memory is flat over thousands of files")
  func files() throws {
    let folder = try PictureFolder(count: 6)
    let counts = try Self.allocations(folder.dataset, Self.augmentation, samples: 2000)
    #expect(abs(counts.outstanding_bytes) <= 20_000)
  }
}
