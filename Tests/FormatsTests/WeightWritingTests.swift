import ConvNetFormats
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Writing weights") struct WeightWritingTests {
  /// Every element type, a scalar and an empty tensor, in an order that is not the alphabet's.
  private static func tensors() throws -> [WeightFile.NamedTensor] {
    let tensors = try Safetensors(contentsOf: fixturePath("all-types.safetensors")).tensors
    return tensors.sorted { ($0.key.count, $0.key) < ($1.key.count, $1.key) }
      .map { ($0.key, $0.value) }
  }

  @Test(
    "tensors of every type come back, in order where the format has one, and as equal bytes",
    arguments: ["x.safetensors", "x.pth", "x.pt", "x.npz", "X.NPZ"])
  func roundTrip(name: String) throws {
    let directory = try TemporaryDirectory()
    let tensors = try Self.tensors()
    let path = directory.file(name)
    try WeightFile.write(tensors, to: path)
    let file = try WeightFile(path)
    #expect(file.format == (try WeightFormat(forPath: name)) && file.notes.isEmpty)
    if file.format != .safetensors { #expect(file.entries.map(\.name) == tensors.map(\.name)) }
    for (name, tensor) in tensors { #expect(try file.tensor(named: name) == tensor, "\(name)") }
    let again = directory.file("again-" + name)
    try WeightFile.write(tensors, to: again)
    #expect(try fileBytes(again) == fileBytes(path))
    #expect(try directory.contents().count == 2)
  }

  @Test("data lies at multiples of 64 bytes, so that it can be used where it is")
  func alignment() throws {
    let directory = try TemporaryDirectory()
    var tensors: [WeightFile.NamedTensor] = []
    for index in 1...20 {
      let name = String(repeating: "n", count: index)
      tensors.append((name, Tensor((0..<index * 3).map { Float($0 * index) + 0.1 })))
    }
    for name in ["x.pth", "x.npz"] {
      let path = directory.file(name)
      try WeightFile.write(tensors, to: path)
      let bytes = try fileBytes(path)
      for (_, tensor) in tensors.dropFirst(3) {
        let data = tensor.withUnsafeBytes { Array($0) }
        let place = bytes.indices.first { bytes[$0...].starts(with: data) }
        #expect(place.map { $0 % 64 } == 0)
      }
    }
  }

  @Test("a deflated archive is smaller, and the same tensors")
  func deflated() throws {
    let directory = try TemporaryDirectory()
    let tensors: [WeightFile.NamedTensor] = [
      ("zeros", Tensor(zeros: [300, 100])), ("random", .random([7, 5], seed: 1)),
    ]
    let path = directory.file("x.npz")
    try WeightFile.write(tensors, to: path, isDeflated: true)
    #expect(try fileBytes(path).count < 2000)
    let file = try WeightFile(path)
    for (name, tensor) in tensors { #expect(try file.tensor(named: name) == tensor) }
  }

  @Test("the share that is written is told, up to all", arguments: ["x.safetensors", "x.pth"])
  func progress(name: String) throws {
    let directory = try TemporaryDirectory()
    var shares: [Double] = []
    try WeightFile.write(Self.tensors(), to: directory.file(name)) { shares.append($0) }
    #expect(shares == shares.sorted() && shares.last == 1)
  }

  @Test("what a format cannot hold is refused, and an old file stays")
  func refuses() throws {
    let directory = try TemporaryDirectory()
    let one = Tensor(zeros: [1])
    let deep = Tensor(zeros: Shape([Int](repeating: 1, count: 33)))
    let cases: [([WeightFile.NamedTensor], String, WeightFileError.Problem)] = [
      ([], "x.pth", .noTensors), ([], "x.npz", .noTensors),
      ([("a", one), ("a", one)], "x.safetensors", .duplicateName("a")),
      ([("a", deep)], "x.npz", .tooManyDimensions(tensor: "a", rank: 33, limit: 32)),
      ([("a\0b", one)], "x.npz", .unwritableName("a\0b")),
      ([("", one)], "x.npz", .unwritableName("")),
      ([("a", one)], "x.h5", .onlyRead), ([("a", one)], "x.keras", .onlyRead),
      ([("a", one)], "x.bin", .unknownExtension), ([("a", one)], "x", .unknownExtension),
    ]
    for (tensors, name, problem) in cases {
      try directory.write([1], to: name)
      let error = #expect(throws: WeightFileError.self) {
        try WeightFile.write(tensors, to: directory.file(name))
      }
      #expect(error?.problem == problem)
      #expect(try fileBytes(directory.file(name)) == [1])
    }
    // PyTorch's names stand in the pickle, where anything can be a name.
    try WeightFile.write([("a\0b", one), ("", one)], to: directory.file("x.pth"))
    #expect(try WeightFile(directory.file("x.pth")).entries.map(\.name) == ["a\0b", ""])
  }
}
