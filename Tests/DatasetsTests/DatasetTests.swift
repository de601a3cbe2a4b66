import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Data sets")
struct DatasetTests {
  @Test("Fashion-MNIST as published: counts, first labels, mean and deviation")
  func fashionMNIST() throws {
    let train = try FashionMNIST.load(split: .train)
    let test = try FashionMNIST.load(split: .test)
    #expect((train.count, test.count) == (60_000, 10_000))
    #expect(train.imageShape == [28, 28, 1])
    #expect((0..<8).map(train.label) == [9, 0, 0, 3, 0, 2, 7, 2])
    #expect((0..<8).map(test.label) == [9, 2, 1, 1, 6, 1, 4, 6])
    for label in 0..<10 {
      #expect((0..<train.count).count { train.label(at: $0) == label } == 6000)
    }
    var sum = 0.0
    var squares = 0.0
    for index in 0..<train.count {
      train.withPixels(at: index) { pixels in
        for pixel in pixels.indices {
          let value = Double(pixels[pixel]) / 255
          sum += value
          squares += value * value
        }
      }
    }
    let mean = sum / 47_040_000
    // The values that everybody normalizes with.
    #expect(abs(mean - 0.2860) < 5e-5)
    #expect(abs((squares / 47_040_000 - mean * mean).squareRoot() - 0.3530) < 5e-5)
  }

  @Test("A pair of files gives pictures and labels")
  func pair() throws {
    let directory = try TemporaryDirectory()
    let images = try directory.write(IDXSamples.gzip(IDXSamples.images), to: "images")
    let labels = try directory.write(IDXSamples.labels, to: "labels")
    let dataset = try IDXDataset(name: "tiny", images: images, labels: labels)
    #expect(dataset.count == 25)
    #expect(dataset.classNames == ["0", "1", "2"])
    #expect(
      dataset.sample(at: 7)
        == Sample(
          image: Image(height: 2, width: 3, channels: 1, pixels: [7, 10, 20, 30, 40, 255]),
          label: 1))
  }

  @Test("Pairs that do not fit are refused with the values")
  func unfit() {
    func problem(_ images: Tensor, _ labels: Tensor, _ names: [String]? = nil)
      -> DatasetError.Problem?
    {
      #expect(throws: DatasetError.self) {
        try IDXDataset(name: "x", images: images, labels: labels, classNames: names)
      }?.problem
    }
    let images = Tensor(zeros: [2, 3, 3], elementType: .uint8)
    #expect(
      problem(images, Tensor([0, 0, 0] as [UInt8])) == .countMismatch(images: 2, labels: 3))
    #expect(
      problem(images, Tensor([0, 5] as [UInt8]), ["a", "b"])
        == .label(index: 1, value: 5, classes: 2))
    #expect(
      problem(images, Tensor([0, 5] as [Int32])) == .elementType(path: "labels", actual: "int32"))
    #expect(
      problem(Tensor(zeros: [2, 9], elementType: .uint8), Tensor([0, 0] as [UInt8]))
        == .imageRank(path: "images", shape: "2x9"))
    #expect(
      problem(Tensor(zeros: [0, 3, 3], elementType: .uint8), Tensor([] as [UInt8])) == .empty)
  }

  @Test("Missing files: the error says what and where to get it")
  func missing() throws {
    let error = #expect(throws: DatasetError.self) {
      try FashionMNIST.load(root: "/nowhere", split: .test)
    }
    #expect(
      error?.description
        == "data set 'fashion-mnist': /nowhere/t10k-images-idx3-ubyte.gz does not exist; on Debian "
        + "install the package dataset-fashion-mnist, or name the folder that holds the four files "
        + "as its root")
  }

  @Test(
    "Unknown names come with the nearest ones",
    arguments: [
      ("fashon-mnist", ["fashion-mnist"]), ("Fashion", ["fashion-mnist"]), ("minst", ["mnist"]),
      ("cifar-10", ["cifar10", "cifar100"]), ("imagenet", []),
    ])
  func unknown(name: String, suggestions: [String]) {
    let error = #expect(throws: DatasetError.self) {
      try DatasetCatalog.load(name, split: .train)
    }
    #expect(
      error?.problem
        == .unknownName(
          known: ["fashion-mnist", "mnist", "cifar10", "cifar100", "cifar100-coarse"],
          suggestions: suggestions))
  }

  @Test("Natural order: numbers by value, the rest by letter")
  func naturalOrder() {
    let names = ["10", "2", "1", "a10", "a2", "a", "b", "a2b", "007", "7", "Z"]
    #expect(
      names.sorted(by: precedesNaturally)
        == ["1", "2", "007", "7", "10", "Z", "a", "a2", "a2b", "a10", "b"])
  }
}
