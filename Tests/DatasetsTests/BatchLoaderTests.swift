import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Batches")
struct BatchLoaderTests {
  private static func dataset(count: Int = 25) throws -> IDXDataset {
    let images = Tensor(
      (0..<count).flatMap { [UInt8(truncatingIfNeeded: $0), 51, 102, 153] },
      shape: [count, 2, 2])
    return try IDXDataset(
      name: "tiny", images: images, labels: Tensor((0..<count).map { UInt8($0 % 3) }))
  }

  private static func preprocessing(_ format: DataFormat = .channelsLast) throws -> Preprocessing {
    try Preprocessing(height: 2, width: 2, channels: 1, dataFormat: format)
  }

  /// The samples of an epoch in the order in which they come, told by their first value.
  private static func epoch(_ loader: BatchLoader, _ epoch: Int) throws -> [[Int]] {
    loader.start(epoch: epoch)
    return try rest(of: loader)
  }

  /// The batches that are left of an epoch.
  private static func rest(of loader: BatchLoader) throws -> [[Int]] {
    var batches: [[Int]] = []
    while let batch = try loader.next() {
      let samples = batch.withImages { images in
        (0..<batch.count).map { Int((images[$0 * 4] * 255).rounded()) }
      }
      #expect(batch.labels == samples.map { Int32($0 % 3) })
      #expect(batch.index == batches.count)
      batches.append(samples)
    }
    #expect(try loader.next() == nil)
    return batches
  }

  @Test(
    "The plan leaves no sample out, and none alone",
    arguments: 1...40, [1, 2, 3, 8, 13])
  func plan(samples: Int, size: Int) {
    let plan = BatchPlan(sampleCount: samples, batchSize: size)
    let ranges = (0..<plan.batchCount).map(plan.range)
    #expect(ranges.flatMap { Array($0) } == Array(0..<samples))
    #expect(ranges.map(\.count).max() == plan.capacity)
    #expect(ranges.dropLast().allSatisfy { $0.count == size })
    if size > 1, samples > 1 { #expect(ranges.allSatisfy { $0.count > 1 }) }
  }

  @Test(
    "The parts of several processes are all of every batch, as even as can be, whoever else reads them",
    arguments: [(25, 8), (25, 12), (24, 24), (40, 13), (26, 8)], 1...4)
  func parts(_ sizes: (samples: Int, batch: Int), of count: Int) throws {
    let (samples, size) = sizes
    let plans = (0..<count).map {
      BatchPlan(sampleCount: samples, batchSize: size, share: BatchShare(rank: $0, of: count))
    }
    let alone = BatchPlan(sampleCount: samples, batchSize: size)
    #expect(plans.allSatisfy { $0.batchCount == alone.batchCount })
    var all: [Int] = []
    for index in 0..<plans[0].batchCount {
      let parts = plans.map { $0.range(of: index) }
      #expect(parts.flatMap { Array($0) } == Array(alone.range(of: index)))
      let counts = parts.map(\.count)
      #expect((counts.max() ?? 9) - (counts.min() ?? 0) <= 1)
      for (plan, part) in zip(plans, parts) { #expect(part.count <= plan.capacity) }
      all += parts.flatMap { Array($0) }
    }
    #expect(all == Array(0..<samples))
  }

  @Test("Each process reads its part of the same epoch", arguments: [1, 2, 3, 4])
  func processes(count: Int) throws {
    let whole = try BatchLoader(
      Self.dataset(), batchSize: 8, preprocessing: Self.preprocessing(), shuffleSeed: 1)
    let parts = try (0..<count).map { rank in
      let loader = try BatchLoader(
        Self.dataset(), batchSize: 8, preprocessing: Self.preprocessing(), shuffleSeed: 1,
        share: BatchShare(rank: rank, of: count))
      return try Self.epoch(loader, 2)
    }
    let joined = parts[0].indices.map { batch in parts.flatMap { $0[batch] } }
    #expect(joined.flatMap(\.self) == (try Self.epoch(whole, 2)).flatMap(\.self))
    #expect(throws: LoadingError.self) {
      try BatchLoader(
        Self.dataset(), batchSize: count, preprocessing: Self.preprocessing(), shuffleSeed: 1,
        share: BatchShare(rank: 0, of: count + 1))
    }
  }

  @Test(
    "An epoch that begins behind its first samples has its other batches, as they were",
    arguments: [1, 2, 7, 8, 12, 24, 25, 30])
  func within(size: Int) throws {
    let loader = try BatchLoader(
      Self.dataset(), batchSize: size, preprocessing: Self.preprocessing(), shuffleSeed: 1)
    let whole = try Self.epoch(loader, 1)
    for count in whole.indices {
      loader.start(epoch: 1, from: whole[..<count].joined().count)
      #expect(try Self.rest(of: loader) == Array(whole[count...]))
    }
    // Batches of another size before.
    for first in 0...25 {
      loader.start(epoch: 1, from: first)
      let rest = try Self.rest(of: loader)
      #expect(Array(rest.joined()) == Array(whole.joined().dropFirst(first)), "\(first)")
      #expect(rest.dropLast().allSatisfy { $0.count == size })
      if first < 24, size > 1 { #expect(rest.allSatisfy { $0.count > 1 }) }
    }
  }

  @Test("Without a seed samples come in the data set's order, a rest of one joins the last batch")
  func inOrder() throws {
    let loader = try BatchLoader(
      Self.dataset(), batchSize: 8, preprocessing: Self.preprocessing())
    #expect(loader.batchCount == 3)
    #expect(loader.largestBatch == 9)
    #expect(
      try Self.epoch(loader, 0) == [Array(0..<8), Array(8..<16), Array(16..<25)])
  }

  @Test("The order is a function of seed and epoch, whatever the prefetch and what came before")
  func order() throws {
    func loader(seed: UInt64, prefetch: Int = 3) throws -> BatchLoader {
      try BatchLoader(
        Self.dataset(), batchSize: 7, preprocessing: Self.preprocessing(), shuffleSeed: seed,
        options: LoadingOptions(prefetch: prefetch))
    }
    let first = try loader(seed: 1)
    let orders = try (0..<3).map { try Self.epoch(first, $0) }
    #expect(orders.allSatisfy { $0.joined().sorted() == Array(0..<25) })
    #expect(Set(orders).count == 3)
    #expect(try Self.epoch(loader(seed: 1, prefetch: 1), 2) == orders[2])
    #expect(try Self.epoch(loader(seed: 2), 2) != orders[2])

    // An epoch that is given up leaves no trace in the next.
    first.start(epoch: 0)
    _ = try first.next()
    #expect(try Self.epoch(first, 1) == orders[1])
  }

  @Test("Every permutation is equally likely")
  func uniformity() {
    var counts: [[Int]: Int] = [:]
    for epoch in 0..<12_000 {
      let key = RandomKey(seed: 5, purpose: .shuffling, epoch: UInt32(epoch))
      counts[permutation(of: 3, key: key), default: 0] += 1
    }
    #expect(counts.count == 6)
    // Five standard deviations of a binomial count.
    #expect(counts.values.allSatisfy { abs($0 - 2000) < 205 })
  }

  @Test("A batch that is kept stays as it was")
  func kept() throws {
    let loader = try BatchLoader(
      Self.dataset(), batchSize: 5, preprocessing: Self.preprocessing(),
      options: LoadingOptions(prefetch: 1))
    loader.start(epoch: 0)
    var batches: [Batch] = []
    while let batch = try loader.next() { batches.append(batch) }
    #expect(batches.count == 5)
    for (index, batch) in batches.enumerated() {
      #expect(batch.images[0, 0, 0, 0] == Float(index * 5) / 255)
      #expect(batch.shape == [5, 2, 2, 1])
    }
  }

  @Test("The memory of a batch that is let go is used again")
  func reuse() throws {
    let loader = try BatchLoader(
      Self.dataset(count: 200), batchSize: 4, preprocessing: Self.preprocessing(),
      options: LoadingOptions(prefetch: 2))
    var addresses: Set<UnsafeRawPointer?> = []
    for epoch in 0..<20 {
      loader.start(epoch: epoch)
      while let batch = try loader.next() {
        addresses.insert(
          batch.withImages { $0.withUnsafeBufferPointer { UnsafeRawPointer($0.baseAddress) } })
      }
    }
    #expect(addresses.count <= 3)
  }

  @Test(
    "Pictures that need fitting come out as preprocessing makes them",
    arguments: DataFormat.allCases)
  func fitting(format: DataFormat) throws {
    let preprocessing = try Preprocessing(
      height: 3, width: 4, channels: 3, mean: [0.1, 0.2, 0.3], dataFormat: format)
    let dataset = try Self.dataset(count: 4)
    let loader = try BatchLoader(dataset, batchSize: 4, preprocessing: preprocessing)
    loader.start(epoch: 0)
    let batch = try #require(try loader.next())
    let expected = (0..<4).flatMap { preprocessing.prepared(dataset.sample(at: $0).image).elements }
    #expect(batch.images.elements == expected)
    #expect(batch.shape == (format == .channelsLast ? [4, 3, 4, 3] : [4, 3, 3, 4]))
  }

  @Test("A sample that cannot be read ends the epoch with its error; the next epoch starts anew")
  func failure() throws {
    let directory = try TemporaryDirectory()
    let good = try Image(height: 2, width: 2, color: .white, channels: 1).encodedPNG()
    for name in ["1", "2", "4"] { try directory.write(good, to: "a/\(name).png") }
    try directory.write([1, 2, 3], to: "a/3.png")
    let dataset = try ImageFolder(directory.path)
    let loader = try BatchLoader(dataset, batchSize: 2, preprocessing: Self.preprocessing())
    for epoch in 0..<2 {
      loader.start(epoch: epoch)
      #expect(try loader.next()?.count == 2)
      let error = #expect(throws: ImageError.self) { try loader.next() }
      #expect(error?.file == dataset.path(at: 2))
      #expect(try loader.next() == nil)
    }
  }

  @Test("Loaders that are given up at any moment end their thread")
  func abandonment() throws {
    for taken in 0..<30 {
      let loader = try BatchLoader(
        Self.dataset(), batchSize: 1, preprocessing: Self.preprocessing(),
        options: LoadingOptions(prefetch: 2))
      loader.start(epoch: 0)
      for _ in 0..<taken { _ = try loader.next() }
      if taken % 3 == 0 { loader.start(epoch: 1) }
      #expect(loader.secondsWaited >= 0)
    }
  }
}
