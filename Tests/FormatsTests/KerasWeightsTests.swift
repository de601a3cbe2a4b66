import ConvNetFormats
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// `Fixtures/make_keras_fixtures.py` made the files: variable number i has the numbers 100 i, 100 i + 0.5, and so on.
@Suite("Weights of Keras") struct KerasWeightsTests {
  private static let network: [(name: String, shape: Shape)] = [
    ("block1_conv1/kernel", [3, 3, 1, 2]), ("block1_conv1/bias", [2]), ("bn/gamma", [2]),
    ("bn/beta", [2]), ("bn/moving_mean", [2]), ("bn/moving_variance", [2]), ("bare_bn/beta", [2]),
    ("bare_bn/moving_mean", [2]), ("bare_bn/moving_variance", [2]), ("predictions/kernel", [8, 3]),
    ("predictions/bias", [3]),
  ]

  private static func numbers(_ index: Int, _ shape: Shape) -> [Double] {
    (0..<shape.count).map { 100 * Double(index) + 0.5 * Double($0) }
  }

  private static func require(
    _ file: WeightFile, _ expected: [(name: String, shape: Shape)]
  ) throws {
    #expect(file.format == .keras)
    #expect(Set(file.entries.map(\.name)) == Set(expected.map(\.name)))
    for (index, (name, shape)) in expected.enumerated() {
      let tensor = try file.tensor(named: name, as: .float64)
      #expect(tensor.shape == shape, "\(name)")
      #expect(tensor.elements(of: Double.self) == numbers(index, shape), "\(name)")
    }
  }

  @Test(
    "Names and numbers are Keras's, whatever form they are in",
    arguments: ["keras.weights.h5", "keras.keras", "keras-legacy.h5"])
  func forms(name: String) throws {
    try Self.require(WeightFile(fixturePath(name)), Self.network)
  }

  @Test("The first weights of VGG called their kernels W")
  func first() throws {
    try Self.require(WeightFile(fixturePath("keras-first.h5")), Array(Self.network.prefix(2)))
  }

  @Test("Headers of the newer form are read, and floats of every width")
  func newer() throws {
    let file = try WeightFile(fixturePath("hdf5-new.h5"))
    let names = ["group/float16", "group/float32", "group/float64"]
    try Self.require(file, names.map { ($0, [3, 5]) })
    #expect(names.map { file[$0]?.elementType } == [.float16, .float32, .float64])
  }

  @Test("Blocks are put together, inflated, unshuffled, cut at the edges")
  func chunks() throws {
    let file = try WeightFile(fixturePath("hdf5-chunks.h5"))
    #expect(try file.tensor(named: "scalar").elements == [7.5])
    let expected: [(String, Shape)] = [
      ("plain", [5, 7]), ("deflated", [5, 7, 2]), ("shuffled", [40]), ("doubles", [6, 2]),
    ]
    for (index, (name, shape)) in expected.enumerated() {
      let tensor = try file.tensor(named: name, as: .float64)
      #expect(tensor.shape == shape)
      #expect(tensor.elements(of: Double.self) == Self.numbers(index, shape), "\(name)")
    }
  }

  @Test(
    "A file that ends too soon is refused wherever it ends",
    arguments: ["hdf5-new.h5", "keras-first.h5"])
  func truncated(name: String) throws {
    let directory = try TemporaryDirectory()
    let bytes = try fileBytes(fixturePath(name))
    let whole = try WeightFile(fixturePath(name)).tensors().count
    for count in stride(from: 8, to: bytes.count, by: 41) {
      let path = try directory.write(Array(bytes.prefix(count)), to: "short.h5")
      // What is left may have all of some numbers.
      let read = (try? WeightFile(path).tensors()) ?? []
      #expect(read.count <= whole)
    }
    let path = try directory.write(Array(bytes.prefix(96)), to: "short.h5")
    #expect(throws: HDF5Error.self) { try WeightFile(path) }
  }

  @Test("A group within itself is refused")
  func cycle() throws {
    let directory = try TemporaryDirectory()
    var bytes = try fileBytes(fixturePath("keras-first.h5"))
    // The address of the root, wherever that of its first member stands in the group's table.
    let table = try #require(
      bytes.indices.first { bytes[$0...].starts(with: "SNOD".utf8) })
    bytes.replaceSubrange(table + 16..<table + 24, with: bytes[64..<72])
    let path = try directory.write(bytes, to: "cycle.h5")
    let error = #expect(throws: HDF5Error.self) { try WeightFile(path) }
    #expect(error.map { "\($0)".contains("within itself") } == true)
  }

  @Test("They are read, and not written")
  func writing() throws {
    let directory = try TemporaryDirectory()
    let error = #expect(throws: WeightFileError.self) {
      try WeightFile.write([("x", Tensor([1] as [Float]))], to: directory.file("x.h5"))
    }
    #expect(error?.problem == .onlyRead)
  }
}
