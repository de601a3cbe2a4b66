import ConvNetFiles

// The messages of the Open Inference Protocol over gRPC, in protocol buffers, with the numbers of its definition:
// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto

/// Which model a message is for.
struct ModelMessage {
  var name = ""
  /// Empty for whichever serves.
  var version = ""

  init(_ message: [UInt8]) throws(ProtocolBufferError) {
    let bytes = message.span.bytes
    var reader = ProtocolBufferReader(0..<message.count)
    while let field = try reader.next(in: bytes) {
      switch field.number {
      case 1: name = try field.string(in: bytes)
      case 2: version = try field.string(in: bytes)
      default: break
      }
    }
  }
}

extension InferenceRequest {
  /// Reads `ModelInferRequest`, whose fields 1 and 2 are those of ``ModelMessage``.
  ///
  /// - Throws: ``ProtocolBufferError``; ``Failure`` where tensors are not what their shapes say.
  init(message: [UInt8]) throws {
    self.init()
    let bytes = message.span.bytes
    var reader = ProtocolBufferReader(0..<message.count)
    var contents: [Range<Int>] = []
    while let field = try reader.next(in: bytes) {
      switch field.number {
      case 3: id = try field.string(in: bytes)
      case 5: inputs.append(try Input(try field.message(), in: bytes))
      case 6: outputs.append(try Output(try field.message(), in: bytes))
      case 7: contents.append(try field.range())
      default: break
      }
    }
    // Results come as the inputs came.
    isBinary = !contents.isEmpty
    guard contents.isEmpty || contents.count == inputs.count else {
      throw Failure(
        description:
          "the request has \(contents.count) raw contents for \(inputs.count) inputs; send one for each, or none"
      )
    }
    for (index, range) in contents.enumerated() {
      guard inputs[index].values.isEmpty else {
        throw Failure(
          description: "input \(inputs[index].name) has contents twice; send them raw or typed")
      }
      try inputs[index].take(message[range])
    }
    for input in inputs { try input.check() }
  }
}

extension InferenceRequest.Input {
  fileprivate init(
    _ message: ProtocolBufferReader, in bytes: RawSpan
  ) throws(ProtocolBufferError) {
    var reader = message
    while let field = try reader.next(in: bytes) {
      switch field.number {
      case 1: name = try field.string(in: bytes)
      case 2: datatype = try field.string(in: bytes)
      case 3: try field.append(to: &shape, in: bytes)
      case 5:
        var contents = try field.message()
        while let part = try contents.next(in: bytes) {
          if part.number == 6 { try part.append(to: &values, in: bytes) }
        }
      default: break
      }
    }
  }
}

extension InferenceRequest.Output {
  fileprivate init(
    _ message: ProtocolBufferReader, in bytes: RawSpan
  ) throws(ProtocolBufferError) {
    var reader = message
    while let field = try reader.next(in: bytes) {
      switch field.number {
      case 1: name = try field.string(in: bytes)
      case 2:
        // An entry of a map: a name, and a message with one of several kinds of values, of which 2 is a whole number.
        var (entry, key, value) = (try field.message(), "", 0)
        while let part = try entry.next(in: bytes) {
          guard part.number == 2 else {
            if part.number == 1 { key = try part.string(in: bytes) }
            continue
          }
          var parameter = try part.message()
          while let kind = try parameter.next(in: bytes) {
            if kind.number == 2 { value = try kind.integer() }
          }
        }
        if key == "classification" { classification = value }
      default: break
      }
    }
  }
}

extension InferenceResponse {
  /// `ModelInferResponse`.
  var message: ProtocolBufferWriter {
    var message = ProtocolBufferWriter()
    message.append(model, field: 1)
    message.append(version, field: 2)
    if let id { message.append(id, field: 3) }
    for output in outputs {
      var tensor = ProtocolBufferWriter()
      tensor.append(output.name, field: 1)
      tensor.append(output.datatype, field: 2)
      tensor.append(packed: output.shape, field: 3)
      if !output.isBinary {
        var contents = ProtocolBufferWriter()
        switch output.values {
        case .numbers(let numbers): contents.append(packed: numbers, field: 6)
        case .texts(let texts): for text in texts { contents.append(text, field: 8) }
        }
        tensor.append(contents, field: 5)
      }
      message.append(tensor, field: 5)
    }
    for output in outputs where output.isBinary { message.append(output.bytes, field: 6) }
    return message
  }
}

extension ServerMetadata {
  /// `ServerMetadataResponse`.
  var message: ProtocolBufferWriter {
    var message = ProtocolBufferWriter()
    message.append(name, field: 1)
    message.append(version, field: 2)
    for name in extensions { message.append(name, field: 3) }
    return message
  }
}

extension ModelMetadata {
  /// `ModelMetadataResponse`.
  var message: ProtocolBufferWriter {
    var message = ProtocolBufferWriter()
    message.append(name, field: 1)
    for version in versions { message.append(version, field: 2) }
    message.append(platform, field: 3)
    for (field, tensors) in [(4, inputs), (5, outputs)] {
      for tensor in tensors {
        var row = ProtocolBufferWriter()
        row.append(tensor.name, field: 1)
        row.append(tensor.datatype, field: 2)
        row.append(packed: tensor.shape, field: 3)
        message.append(row, field: field)
      }
    }
    return message
  }
}

extension [ModelIndexRow] {
  /// `RepositoryIndexResponse`.
  var message: ProtocolBufferWriter {
    var message = ProtocolBufferWriter()
    for row in self {
      var index = ProtocolBufferWriter()
      index.append(row.name, field: 1)
      if let version = row.version { index.append(version, field: 2) }
      index.append(row.state, field: 3)
      index.append(row.reason, field: 4)
      message.append(index, field: 1)
    }
    return message
  }
}
