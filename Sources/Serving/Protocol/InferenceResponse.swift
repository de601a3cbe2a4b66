import ConvNetFiles
import Foundation

/// The answer of the Open Inference Protocol to an inference.
struct InferenceResponse {
  struct Output {
    enum Values {
      case numbers([Float])
      case texts([String])
    }

    var name: String
    var shape: [Int]
    var values: Values
    var isBinary: Bool

    var datatype: String {
      switch values {
      case .numbers: "FP32"
      case .texts: "BYTES"
      }
    }

    /// Numbers of four bytes, the lowest first; texts behind their lengths of four bytes.
    var bytes: [UInt8] {
      switch values {
      case .numbers(let numbers): numbers.withUnsafeBytes { Array($0) }
      case .texts(let texts):
        texts.flatMap { littleEndianBytes(UInt32($0.utf8.count)) + $0.utf8 }
      }
    }
  }

  var model: String
  var version: String
  var id: String?
  var outputs: [Output]

  /// The body, and the bytes of its JSON where tensors in binary follow.
  func encoded() throws -> (body: [UInt8], headLength: Int?) {
    var tail: [UInt8] = []
    let rows = outputs.map { output in
      var row = Row(name: output.name, datatype: output.datatype, shape: output.shape)
      if output.isBinary {
        let bytes = output.bytes
        tail += bytes
        row.parameters = ["binary_data_size": bytes.count]
        return row
      }
      switch output.values {
      // What is no number has no form in JSON.
      case .numbers(let numbers): row.data = .numbers(numbers.map { $0.isFinite ? $0 : nil })
      case .texts(let texts): row.data = .texts(texts)
      }
      return row
    }
    let head = try ServiceResponse.encoder.encode(
      Head(model_name: model, model_version: version, id: id, outputs: rows))
    return ([UInt8](head) + tail, outputs.contains(where: \.isBinary) ? head.count : nil)
  }

  private struct Head: Encodable {
    var model_name: String
    var model_version: String
    var id: String?
    var outputs: [Row]
  }

  private struct Row: Encodable {
    enum Values: Encodable {
      case numbers([Float?])
      case texts([String])

      func encode(to encoder: any Encoder) throws {
        switch self {
        case .numbers(let numbers): try numbers.encode(to: encoder)
        case .texts(let texts): try texts.encode(to: encoder)
        }
      }
    }

    var name: String
    var datatype: String
    var shape: [Int]
    var parameters: [String: Int]?
    var data: Values?
  }
}
