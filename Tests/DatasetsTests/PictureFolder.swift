import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation

/// A folder of small noisy pictures in classes.
struct PictureFolder: ~Copyable {
  let directory: TemporaryDirectory
  let dataset: ImageFolder

  init(count: Int, classes: Int = 3, height: Int = 20, width: Int = 26) throws {
    let folder = try TemporaryDirectory()
    var random = RandomNumbers(RandomKey(seed: 8, purpose: .input))
    for index in 0..<count {
      let pixels = (0..<height * width * 3).map { place in
        UInt8(clamping: 40 * (index % classes) + place % 70 + random.integer(below: 60))
      }
      let image = Image(height: height, width: width, channels: 3, pixels: pixels)
      try folder.write(
        image.encodedPNG(), to: "class \(index % classes)/\(index / classes).png")
    }
    dataset = try ImageFolder(folder.path)
    directory = folder
  }
}

/// What an epoch delivers, batch by batch.
struct Epoch: Equatable {
  var images: [Float] = []
  var labels: [Int32] = []
  var targets: [Float] = []
  var counts: [Int] = []

  init(_ loader: BatchLoader, _ epoch: Int) throws {
    loader.start(epoch: epoch)
    while let batch = try loader.next() {
      images += batch.images.elements
      labels += batch.labels
      batch.withTargets { targets in
        targets.withUnsafeBufferPointer { self.targets += Array($0) }
      }
      counts.append(batch.count)
    }
  }

  /// The same whatever the batches.
  static func == (left: Epoch, right: Epoch) -> Bool {
    left.images == right.images && left.labels == right.labels && left.targets == right.targets
  }
}
