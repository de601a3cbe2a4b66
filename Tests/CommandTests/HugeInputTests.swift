import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

/// Files of 64 GiB that take no room on a disk. What reads one before it refuses it has no memory, or takes minutes.
@Suite("Huge files that do not fit") struct HugeInputTests {
  private static let byteCount = 1 << 36

  /// A file that begins with `head` and goes on with zeros.
  private func write(_ head: [UInt8], _ count: Int, to path: String) throws {
    try Data(head).write(to: URL(fileURLWithPath: path))
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.truncate(atOffset: UInt64(head.count + count))
    try handle.close()
  }

  @Test(
    "an array that is not the network's input is refused by its head",
    arguments: [
      ("'<f4'", "(1, 1, 131072, 131072)"), ("'<f4'", "(1073741824, 16)"),
      ("'<f4'", "(2097152, 64, 128, 1)"), ("'<f8'", "(2097152, 1, 64, 64)"),
    ], [["run"], ["gradients", "--labels", "labels.npy"]])
  func array(_ head: (type: String, shape: String), command: [String]) throws {
    let directory = try TemporaryDirectory()
    let dictionary = "{'descr': \(head.type), 'fortran_order': False, 'shape': \(head.shape), }\n"
    let bytes =
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(dictionary.utf8.count), 0]
      + Array(dictionary.utf8)
    try write(bytes, Self.byteCount, to: directory.file("x.npy"))
    try Tensor([Int64(0)]).writeNPY(to: directory.file("labels.npy"))
    let line = try Invocation(
      command + ["lenet5", "--input", "x.npy", "--output", "y"], in: directory.path
    ).failure()
    let refusals = [
      "lenet5: the input needs shape Nx1x28x28", "lenet5 takes float32", "flatten1: has shape",
      "does not fit",
    ]
    #expect(refusals.contains(where: line.contains), "\(line)")
  }

  @Test(
    "a model file whose weights are not its network's is refused by its table",
    arguments: [
      ["predict", "m.safetensors", "p.png"], ["summary", "m.safetensors"],
      ["convert", "m.safetensors", "o.npz"],
      ["run", "m.safetensors", "--input", "x.npy", "--output", "y.npy"],
    ])
  func model(arguments: [String]) throws {
    let directory = try TemporaryDirectory()
    let small = Model(
      Network("small", input: .image(height: 2, width: 2, channels: 1)) {
        Flatten()
        Dense(2)
      })
    let path = directory.file("m.safetensors")
    try small.save(to: path)
    let description = try #require(try WeightFile(path).metadata["convnet.model"])
    // The parameters of another shape, and one more that nobody asks for.
    let weights = [
      "dense1.weight": [
        "dtype": "F32", "shape": [1 << 17, 1 << 16], "data_offsets": [0, 1 << 35],
      ],
      "dense1.bias": [
        "dtype": "F32", "shape": [1 << 33], "data_offsets": [1 << 35, 1 << 36],
      ],
    ]
    var header: [String: Any] = weights
    header["__metadata__"] = ["convnet.model": description]
    let json = try JSONSerialization.data(withJSONObject: header)
    let head = withUnsafeBytes(of: UInt64(json.count).littleEndian) { [UInt8]($0) } + [UInt8](json)
    try write(head, Self.byteCount, to: path)
    try Tensor(zeros: [1, 1, 2, 2]).writeNPY(to: directory.file("x.npy"))
    try Image(height: 2, width: 2, color: .white, channels: 1).writePNG(to: directory.file("p.png"))
    let line = try Invocation(arguments, in: directory.path).failure()
    #expect(line.contains("parameter dense1.") && line.contains("needs shape"), "\(line)")
  }

  @Test("what a model file has beside its network's parameters is not read")
  func surplus() throws {
    let directory = try TemporaryDirectory()
    let model = Model(
      Network("small", input: .features(3)) { Dense(2) }, seed: 4)
    let path = directory.file("m.safetensors")
    try model.save(to: path)
    let file = try WeightFile(path)
    var header: [String: Any] = ["__metadata__": file.metadata]
    header["dense1.weight"] = ["dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]]
    header["dense1.bias"] = ["dtype": "F32", "shape": [2], "data_offsets": [24, 32]]
    header["more"] = [
      "dtype": "F32", "shape": [1 << 34], "data_offsets": [32, 32 + Self.byteCount],
    ]
    let json = try JSONSerialization.data(withJSONObject: header)
    var head = withUnsafeBytes(of: UInt64(json.count).littleEndian) { [UInt8]($0) } + [UInt8](json)
    for name in ["dense1.weight", "dense1.bias"] {
      try #require(model.parameters[name]).elements.withUnsafeBytes { head += Array($0) }
    }
    try write(head, Self.byteCount, to: path)
    let back = try Model(loading: path)
    #expect(back.parameters == model.parameters)
  }
}
