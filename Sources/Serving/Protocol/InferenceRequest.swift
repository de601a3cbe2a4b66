import ConvNetFiles
import Foundation

/// A request of the Open Inference Protocol (version 2 of KServe's) for an inference, with its extension for tensors in binary:
/// https://github.com/kserve/open-inference-protocol.
package struct InferenceRequest {
  package struct Input {
    package var name = ""
    package var datatype = ""
    package var shape: [Int] = []
    package var values: [Float] = []
    /// Bytes behind the JSON; `nil` where the values stand in it.
    package var binarySize: Int?
    fileprivate var dataPosition: Int?
  }

  package struct Output {
    package var name = ""
    package var isBinary: Bool?
    /// So many of the likeliest classes, instead of the numbers.
    package var classification = 0
  }

  /// Why a request is none.
  package struct Failure: ReadableError, Hashable {
    package var description: String
  }

  package var id: String?
  package var inputs: [Input] = []
  /// Those that are asked for; empty for all.
  package var outputs: [Output] = []
  /// Of outputs that do not say it.
  package var isBinary = false

  package init() {}

  /// Reads a body.
  ///
  /// - Parameter headLength: bytes of its JSON, where tensors in binary follow.
  package init(_ body: [UInt8], headLength: Int?) throws(Failure) {
    let length = headLength ?? body.count
    guard 0...body.count ~= length else {
      throw Failure(
        description:
          "Inference-Header-Content-Length is \(length), the body has \(body.count) bytes")
    }
    var scanner = TextScanner(length == body.count ? body : Array(body[..<length]))
    do throws(TextScanner.Failure) {
      try scanner.object { scanner, key throws(TextScanner.Failure) in
        switch key {
        case "id": id = try scanner.string()
        case "inputs":
          try scanner.array { scanner throws(TextScanner.Failure) in
            inputs.append(try Input(&scanner))
          }
        case "outputs":
          try scanner.array { scanner throws(TextScanner.Failure) in
            outputs.append(try Output(&scanner))
          }
        case "parameters":
          try scanner.object { scanner, key throws(TextScanner.Failure) in
            if key == "binary_data_output" {
              isBinary = try scanner.boolean()
            } else {
              try scanner.skipValue()
            }
          }
        default: try scanner.skipValue()
        }
      }
      try scanner.requireEnd("the end of the request")
      // The shape may stand behind the data that it bounds.
      for index in inputs.indices {
        guard let position = inputs[index].dataPosition, let limit = inputs[index].elementCount
        else { continue }
        scanner.position = position
        inputs[index].values = try scanner.numbers(limit: limit)
      }
    } catch {
      throw Failure(
        description:
          "byte \(error.position) of the request: \(error.expected) was expected; send JSON as the protocol has it"
      )
    }
    var start = length
    for index in inputs.indices {
      let input = inputs[index]
      if let size = input.binarySize {
        guard size >= 0, size <= body.count - start else {
          throw Failure(
            description:
              "input \(input.name) says that it has \(size) bytes, \(body.count - start) are left of the body"
          )
        }
        try inputs[index].take(body[start..<start + size])
        start += size
      }
      try inputs[index].check()
    }
    guard start == body.count else {
      throw Failure(description: "\(body.count - start) bytes follow behind the inputs")
    }
  }
}

extension InferenceRequest.Input {
  /// Reads it, but for its data, which are passed over.
  fileprivate init(_ scanner: inout TextScanner) throws(TextScanner.Failure) {
    try scanner.object { scanner, key throws(TextScanner.Failure) in
      switch key {
      case "name": name = try scanner.string()
      case "datatype": datatype = try scanner.string()
      case "shape": shape = try scanner.integers()
      case "data":
        scanner.skipSpace()
        dataPosition = scanner.position
        try scanner.skipValue()
      case "parameters":
        try scanner.object { scanner, key throws(TextScanner.Failure) in
          if key == "binary_data_size" {
            binarySize = Int(exactly: try scanner.number()) ?? -1
          } else {
            try scanner.skipValue()
          }
        }
      default: try scanner.skipValue()
      }
    }
  }
}

extension InferenceRequest.Input {
  /// `nil` where it is more than there can be.
  fileprivate var elementCount: Int? {
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow, product <= 1 << 40 else { return nil }
      count = product
    }
    return shape.isEmpty ? nil : count
  }

  private func count() throws(InferenceRequest.Failure) -> Int {
    guard let elementCount else {
      throw .init(description: "input \(name) has no shape that fits into memory")
    }
    return elementCount
  }

  /// Takes numbers of four bytes each, the lowest first.
  mutating func take(_ bytes: ArraySlice<UInt8>) throws(InferenceRequest.Failure) {
    let count = try count()
    guard datatype == "FP32", bytes.count == count * 4 else {
      throw .init(
        description:
          "input \(name) has \(bytes.count) bytes of \(datatype), its shape \(shape) needs \(count) numbers of FP32"
      )
    }
    values = [Float](unsafeUninitializedCapacity: count) { target, filled in
      bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(target).copyMemory(from: $0) }
      filled = count
    }
  }

  /// - Throws: where there are not as many numbers as the shape says.
  func check() throws(InferenceRequest.Failure) {
    let count = try count()
    guard values.count == count else {
      throw .init(
        description:
          "input \(name) has \(values.count) numbers, its shape \(shape) needs \(count)")
    }
  }
}

extension InferenceRequest.Output {
  fileprivate init(_ scanner: inout TextScanner) throws(TextScanner.Failure) {
    try scanner.object { scanner, key throws(TextScanner.Failure) in
      switch key {
      case "name": name = try scanner.string()
      case "parameters":
        try scanner.object { scanner, key throws(TextScanner.Failure) in
          switch key {
          case "binary_data": isBinary = try scanner.boolean()
          case "classification":
            classification = Int(exactly: try scanner.number()) ?? 0
          default: try scanner.skipValue()
          }
        }
      default: try scanner.skipValue()
      }
    }
  }
}
