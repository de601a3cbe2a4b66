import ConvNet
import Foundation

/// A run of an ONNX file, by the names of files.
struct ONNXCase: Decodable {
  var model: String
  /// `x.npy`, or `NAME=x.npy` for the input of that name.
  var inputs: [String]
  /// A file for the only output, or a folder for all.
  var output: String

  /// An input's name, where it is said, and its file.
  struct Input {
    var name: String?
    var path: String

    init(_ text: String) {
      // A path may have a sign of equality, too.
      if !FileSystem.exists(text), let sign = text.firstIndex(of: "=") {
        (name, path) = (String(text[..<sign]), String(text[text.index(after: sign)...]))
      } else {
        path = text
      }
    }
  }

  /// What was written.
  struct Written: Encodable {
    var name: String
    var shape: [Int]
    /// The file's. NumPy has none of less than a byte, and no floats of one: they are written as wider ones.
    var type: String
    var file: String
  }

  /// Whether an argument names a file of that format.
  static func isONNX(_ argument: String) throws -> Bool {
    guard ModelRegistry[argument] == nil, FileSystem.isFile(argument) else { return false }
    return try WeightFile(argument).format == .onnx
  }

  func run(compute: ComputeOptions) throws -> [Written] {
    let inputs = inputs.map(Input.init)
    let read = [NamedFile("the model", model)] + inputs.map { NamedFile("the input", $0.path) }
    let isOne = output.lowercased().hasSuffix(".npy")
    if isOne { try OutputFiles.require([NamedFile("the output", output)], apartFrom: read) }
    let tensors = try inputs.map { input -> (name: String?, tensor: Tensor) in
      (input.name, try Tensor(npy: input.path))
    }
    let result = try ONNXRun(model, inputs: tensors, compute: compute)
    guard isOne else {
      let paths = result.outputs.map { "\(output)/\(Self.fileName($0.name)).npy" }
      try OutputFiles.require(paths.map { NamedFile("the output", $0) }, apartFrom: read)
      try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
      return try zip(result.outputs, paths).map { try write($0, to: $1) }
    }
    guard let first = result.outputs.first, result.outputs.count == 1 else {
      throw SeveralOutputs(path: model, names: result.outputs.map(\.name))
    }
    return [try write(first, to: output)]
  }

  private func write(
    _ result: (name: String, tensor: Tensor, type: ONNXElementType), to path: String
  ) throws -> Written {
    try result.tensor.writeNPY(to: path)
    return Written(
      name: result.name, shape: result.tensor.shape.dimensions, type: "\(result.type)", file: path)
  }

  /// Names of values may have what a file's name may not.
  private static func fileName(_ name: String) -> String {
    let safe = String(name.map { $0 == "/" || $0 == "\0" ? "_" : $0 })
    return safe.isEmpty || safe.hasPrefix(".") ? "_" + safe : safe
  }
}

/// One file was named for several results.
struct SeveralOutputs: ReadableError {
  var path: String
  var names: [String]
  var description: String {
    "\(path) has the outputs \(names.joined(separator: ", ")); name a folder, without .npy, for them"
  }
}

/// Runs one after the other, of which each may fail.
struct ONNXCases {
  /// A line of JSON each.
  var path: String

  private struct Outcome: Encodable {
    var outputs: [ONNXCase.Written]?
    var error: String?
  }

  func run(compute: ComputeOptions) throws {
    let lines = try TextLines(contentsOf: path).texts.filter { !$0.isEmpty }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    for line in lines {
      var outcome = Outcome()
      do {
        let run = try JSONDecoder().decode(ONNXCase.self, from: Data(line.utf8))
        outcome.outputs = try run.run(compute: compute)
      } catch let error as FileError where error.path == Console.outputPath {
        throw error
      } catch {
        outcome.error = "\(error)"
      }
      try print(String(decoding: encoder.encode(outcome), as: UTF8.self))
    }
  }
}
