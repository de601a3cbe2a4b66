import ConvNetCompiler
import ConvNetDatasets
import ConvNetEngine
import ConvNetFiles
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTraining
import Foundation

/// What a reader gave that it may not.
struct Broken: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  static func unless(_ holds: Bool, _ description: @autoclosure () -> String) throws {
    if !holds { throw Broken(description()) }
  }
}

/// Reads inputs through the doors that the command uses, and looks at what comes out.
struct Reader {
  private let directory: String
  private let parameters: [(name: String, tensors: [String: Tensor])]
  // One for all pictures, so that what damage leaves behind meets the next.
  private let pictures = Pictures()

  private final class Pictures {
    var decoder = ImageDecoder(.init(pixelLimit: 1 << 22))
    var image = Image(height: 1, width: 1, color: .black)
  }

  init(directory: String) throws {
    self.directory = directory
    parameters = try ModelSamples.parameters()
    // Lists of pictures are refused where the first is not there.
    for name in ["a.png", "x", "b\"c.png", "\u{E4}.png"] { _ = try file([1], name) }
  }

  /// A new file: file systems hurry to write one that replaces another.
  private func file(_ bytes: [UInt8], _ name: String) throws -> String {
    let path = "\(directory)/\(name)"
    unlink(path)
    guard let file = fopen(path, "w") else { throw Broken("cannot write \(path)") }
    defer { fclose(file) }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
      throw Broken("cannot write \(path)")
    }
    return path
  }

  /// `nil` where the reader refuses.
  private func accepted<Value>(_ read: () throws -> Value) throws -> Value? {
    do {
      return try read()
    } catch let error as Broken {
      throw error
    } catch {
      // An error must be able to say what is wrong.
      try Broken.unless(!"\(error)".isEmpty, "an error without words")
      return nil
    }
  }

  mutating func read(_ bytes: [UInt8], as format: FuzzedFormat, _ index: Int) throws -> Bool {
    switch format {
    case .png, .jpeg, .webp, .gif, .tiff, .bitmap, .netpbm: return try readPicture(bytes, index)
    case .idx:
      guard let tensor = try accepted({ try Tensor(parsingIDX: bytes.span.bytes) }) else {
        return false
      }
      try Broken.unless(tensor.byteCount <= 1032 * bytes.count, "\(tensor.byteCount) bytes")
      return true
    case .gzip:
      return try accepted { try InflatedBytes(gunzipping: bytes.span.bytes, limit: 1 << 22) } != nil
    case .cifar:
      let path = try file(bytes, "cifar-100-binary.tar.gz")
      return try accepted { try CIFAR100.load(root: path, split: .train) } != nil
    case .csv:
      let path = try file(bytes, index % 3 == 0 ? "list.tsv" : "list.csv")
      guard let table = try accepted({ try ImageManifest(path) }) else { return false }
      for sample in 0..<table.count {
        try Broken.unless(
          table.classNames.indices.contains(table.label(at: sample)), "a label without a class")
      }
      return true
    case .tar: return try readShards(bytes)
    case .classes:
      _ = try file(bytes, "classes.txt")
      defer { unlink("\(directory)/classes.txt") }
      return try readShards(
        Framing.tar([("a.png", [1]), ("a.cls", [48]), ("b.png", [9]), ("b.cls", [49])]))
    case .npy:
      guard let tensor = try accepted({ try Tensor(parsingNPY: bytes.span.bytes) }) else {
        return false
      }
      try Broken.unless(tensor.byteCount <= bytes.count, "\(tensor.byteCount) bytes")
      return true
    case .npz: return try readWeights(bytes, "x.npz")
    case .pth, .pickle: return try readWeights(bytes, "x.pth")
    case .safetensors:
      guard let file = try accepted({ try Safetensors(parsing: bytes.span.bytes) }) else {
        return false
      }
      let held = file.tensors.values.reduce(0) { $0 + $1.byteCount }
      try Broken.unless(held <= bytes.count, "\(held) bytes")
      return true
    case .onnx: return try readNetwork(bytes)
    case .hdf5: return try readWeights(bytes, "x.h5")
    case .graph: return try readGraph(String(decoding: bytes, as: UTF8.self), index)
    case .checkpoint:
      let path = try file(bytes, "checkpoint")
      return try accepted { try Checkpoint(loading: path) } != nil
    case .preparation: return try readPreparation(bytes)
    }
  }

  private func readPicture(_ bytes: [UInt8], _ index: Int) throws -> Bool {
    let pictures = pictures
    pictures.decoder.options.acceptsDamage = index % 3 == 0
    pictures.decoder.options.channels = [nil, 1, 3, 4][index % 4]
    pictures.decoder.options.resizedExtent = index % 5 == 0 ? 2 : nil
    do {
      try pictures.decoder.decode(bytes.span.bytes, into: &pictures.image) { height, width in
        guard index % 7 == 0 else { return .all(height: height, width: width) }
        return ImageRegion(
          row: height / 3, column: width / 2, height: height - height / 2,
          width: width - width / 2)
      }
      return true
    } catch {
      try Broken.unless(!error.description.isEmpty, "an error without words")
      return false
    }
  }

  private func readShards(_ bytes: [UInt8]) throws -> Bool {
    let path = try file(bytes, "x.tar")
    guard let shards = try accepted({ try TarShards(name: "x", shards: [path]) }) else {
      return false
    }
    var contents: [UInt8] = []
    for sample in 0..<min(shards.count, 100) {
      let read: Void? = try accepted { _ = try shards.readEncoded(at: sample, into: &contents) }
      guard read != nil else { return false }
      try Broken.unless(contents.count <= bytes.count, "\(contents.count) bytes")
    }
    return true
  }

  private func readNetwork(_ bytes: [UInt8]) throws -> Bool {
    let path = try file(bytes, "x.onnx")
    guard let file = try accepted({ try ONNXFile(path) }) else { return false }
    let network = try accepted { try file.imported() }
    _ = try accepted { try Model(loading: path) }
    guard let network else { return false }
    try network.graph.verify()
    let held = network.parameters.values.reduce(0) { $0 + $1.byteCount }
    // What is computed while a file is read is bounded, too.
    try Broken.unless(held <= bytes.count * 64 + 1 << 27, "\(held) bytes")
    return true
  }

  private func readWeights(_ bytes: [UInt8], _ name: String) throws -> Bool {
    let path = try file(bytes, name)
    guard let tensors = try accepted({ try WeightFile(path).tensors(as: .float32) }) else {
      return false
    }
    let held = tensors.reduce(0) { $0 + $1.tensor.byteCount }
    // Deflate, sharing and conversion from bytes enlarge.
    try Broken.unless(held <= bytes.count * 1032 * 64 * 4, "\(held) bytes")
    return true
  }

  private func readPreparation(_ bytes: [UInt8]) throws -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    let augmentation = try accepted { try Augmentation(json: text) }
    let preprocessing = try accepted {
      try JSONDecoder().decode(Preprocessing.self, from: Data(bytes))
    }
    let wanted = try preprocessing ?? Preprocessing(height: 6, width: 7, channels: 3)
    guard augmentation != nil || preprocessing != nil else { return false }
    guard wanted.height <= 64, wanted.width <= 64,
      let pipeline = try accepted({ try PicturePipeline(wanted, augmentation ?? .none) })
    else { return false }
    var canvas = Canvas()
    canvas.load(Image(height: 9, width: 8, color: .black))
    var values = [Float](repeating: 0, count: pipeline.elementCount)
    values.withUnsafeMutableBufferPointer {
      pipeline.prepare(&canvas, seed: 1, epoch: 0, sample: 0, into: $0)
    }
    return true
  }

  // MARK: Networks

  /// Values of a graph that may be computed, in elements.
  private static let elementLimit = 1 << 20

  private static func isSmall(_ graph: Graph) -> Bool {
    var sum = 0
    for id in graph.valueIDs {
      var count = 1
      for extent in graph[id].shape.dimensions {
        let (product, overflow) = count.multipliedReportingOverflow(by: extent)
        guard !overflow, product <= elementLimit else { return false }
        count = product
      }
      sum += count
      guard sum <= elementLimit else { return false }
    }
    return true
  }

  private func readGraph(_ text: String, _ index: Int) throws -> Bool {
    let tensors = (parameters.first { text.contains($0.name) } ?? parameters[0]).tensors
    guard
      let model = try accepted({ try Model(description: text, parameters: tensors, path: "x") })
    else { return false }
    do { try model.graph.verify() } catch { throw Broken("not well formed: \(error)") }
    _ = model.graph.layerTable
    _ = model.graph.stageTable
    _ = model.graph.dump
    _ = model.graph.dot
    for mode in [Mode.inference, .training] {
      guard let step = try accepted({ try model.stepGraph(batch: 2, mode: mode) }) else { continue }
      do { try step.verify() } catch { throw Broken("\(mode) is not well formed: \(error)") }
      // Compiling takes a thousand times as long as reading.
      guard index % 32 == 0, Self.isSmall(step) else { continue }
      _ = try accepted {
        var executable = try model.executable(
          batch: 2, mode: mode, compute: ComputeOptions(threads: 1))
        try executable.run()
      }
    }
    return true
  }
}
