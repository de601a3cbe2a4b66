import ConvNetFormats
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Hostile archives") struct HostileArchiveTests {
  private static func file(
    _ entries: [ZipEntry], again: [String] = [], _ name: String = "x.npz"
  ) throws -> WeightFile {
    let directory = try TemporaryDirectory()
    return try WeightFile(directory.write(zipArchive(entries, again: again), to: name))
  }

  private static let array = Tensor([1, 2, 3] as [Float])
  private static let arrayBytes = array.npyHeader + array.withUnsafeBytes { Array($0) }

  @Test("entries that share bytes are refused, whatever their names", arguments: [1, 1000])
  func overlapping(count: Int) throws {
    let entries = [
      ZipEntry(name: "a.npy", bytes: Self.arrayBytes),
      ZipEntry(name: "b.npy", bytes: Self.arrayBytes),
    ]
    #expect(try Self.file(entries).tensors().map(\.tensor) == [Self.array, Self.array])
    let error = #expect(throws: ArchiveError.self) {
      try Self.file(entries, again: (0..<count).map { "c\($0).npy" })
    }
    #expect(error?.problem == .overlapping)
  }

  @Test("an entry within another is refused")
  func nested() {
    // A whole archive, stored as an entry, and a name for the entry in it.
    let inner = zipArchive([ZipEntry(name: "b.npy", bytes: Self.arrayBytes)])
    var bytes = zipArchive([ZipEntry(name: "a.npy", bytes: inner)], again: ["b.npy"])
    // The sizes and the place in the second record of the directory.
    let record = bytes.count - 22 - 46 - "b.npy".utf8.count
    let size = little(Self.arrayBytes.count, 4)
    bytes.replaceSubrange(record + 20..<record + 28, with: size + size)
    bytes.replaceSubrange(record + 42..<record + 46, with: little(30 + "a.npy".utf8.count, 4))
    let error = #expect(throws: ArchiveError.self) {
      let directory = try TemporaryDirectory()
      _ = try WeightFile(directory.write(bytes, to: "x.npz"))
    }
    #expect(error?.problem == .overlapping)
  }

  @Test("entries of no bytes may lie anywhere")
  func empty() throws {
    let file = try Self.file([
      ZipEntry(name: "a.npy", bytes: Self.arrayBytes), ZipEntry(name: "empty", bytes: []),
      ZipEntry(name: "other", bytes: []),
    ])
    #expect(file.entries.map(\.name) == ["a"])
  }

  @Test("an array whose head claims another size than its entry has is refused when it is opened")
  func claimedSize() {
    // Of two of them, the bytes together would overflow.
    let header =
      "{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846975,)}"
    let head = [0x93] + [UInt8]("NUMPY".utf8) + [1, 0] + little(header.utf8.count, 2)
    let bytes = head + [UInt8](header.utf8)
    let error = #expect(throws: NumpyError.self) {
      try Self.file(["a.npy", "b.npy", "c.npy"].map { ZipEntry(name: $0, bytes: bytes) })
    }
    #expect(error?.problem == .dataSize(expected: (1 << 60 - 1) * 8, actual: 0))
  }

  @Test("deflated storages that many tensors share in turn are inflated once")
  func sharedStorages() throws {
    // Two storages of 50 MB, of which 2,000 tensors have one element each, by turns: inflated for
    // each of them, minutes.
    let zeros = deflatedZeros(200_000)
    var pickle: [UInt8] = [0x80, 2, 0x7D, 0x28]
    for index in 0..<2000 {
      pickle += Pickle.text("w\(index)")
      pickle += Pickle.tensor(
        storage: Pickle.storage(key: "\(index % 2)", count: zeros.count, type: "ByteStorage"),
        start: index, shape: [1], strides: [1])
    }
    pickle += [0x75, 0x2E]
    let storages = ["x/data/0", "x/data/1"].map {
      ZipEntry(name: $0, bytes: zeros.bytes, inflatedCount: zeros.count)
    }
    let file = try Self.file([ZipEntry(name: "x/data.pkl", bytes: pickle)] + storages, "x.pth")
    let tensors = try file.tensors()
    #expect(tensors.count == 2000)
    #expect(tensors.allSatisfy { $0.tensor.elements(of: UInt8.self) == [0] })
  }
}
