import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Fingerprints of data") struct DatasetFingerprintTests {
  private func pictures(
    _ count: Int = 100, labels: [UInt8]? = nil, changing changed: Int? = nil
  ) throws -> IDXDataset {
    let labels = labels ?? (0..<count).map { UInt8($0 % 3) }
    var pixels = (0..<count * 4).map { UInt8($0 % 251) }
    if let changed { pixels[changed * 4] += 1 }
    return try IDXDataset(
      name: "d", images: Tensor(pixels, shape: [count, 2, 2]), labels: Tensor(labels),
      classNames: ["a", "b", "c"])
  }

  @Test("the same data has the same, whatever it is called")
  func same() throws {
    let fingerprint = try DatasetFingerprint(of: pictures())
    #expect(try DatasetFingerprint(of: pictures()) == fingerprint)
    #expect(fingerprint.counts == [34, 33, 33] && fingerprint.count == 100)
    #expect(fingerprint.digest.count == 16)
  }

  @Test("another number, order or class of samples, and contents that are looked at, change it")
  func different() throws {
    let fingerprint = try DatasetFingerprint(of: pictures())
    var labels = (0..<100).map { UInt8($0 % 3) }
    labels.swapAt(0, 1)
    for other in try [
      pictures(101), pictures(labels: labels), pictures(changing: 0),
      pictures().selecting(Array((0..<100).reversed())), pictures().selecting(Array(0..<99)),
    ] as [any Dataset] {
      #expect(DatasetFingerprint(of: other) != fingerprint)
    }
  }

  @Test("a folder's does not depend on where it lies, but on names and files")
  func folder() throws {
    let directory = try TemporaryDirectory()
    func fingerprint(_ folder: String) throws -> DatasetFingerprint {
      try DatasetFingerprint(of: ImageFolder(directory.file(folder)))
    }
    for (folder, name, grey) in [
      ("one", "1.png", 9), ("two", "1.png", 9), ("three", "2.png", 9), ("four", "1.png", 8),
    ] {
      for label in ["a", "b"] {
        let path = try directory.write([], to: "\(folder)/\(label)/\(name)")
        try Image(height: 2, width: 2, color: .init(grey: UInt8(grey)), channels: 1)
          .writePNG(to: path)
      }
    }
    #expect(try fingerprint("one") == fingerprint("two"))
    #expect(try fingerprint("one") != fingerprint("three"))
    #expect(try fingerprint("one") != fingerprint("four"))
    // What cannot be read is for the training to say.
    try directory.write([1], to: "two/a/1.png")
    #expect(try fingerprint("one") != fingerprint("two"))
  }
}
