import ConvNetFiles
import ConvNetGraphs
import ConvNetInference
import ConvNetLayers
import ConvNetServing
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("What is answered over gRPC") final class PictureServiceCallTests {
  private let folder: TemporaryDirectory
  private let model: Model
  private let service: PictureService
  private let input = Tensor.random([5, 9, 8, 3], seed: 8, in: -1..<1)

  init() throws {
    folder = try TemporaryDirectory()
    model = try smallModel(seed: 1)
    let sources = [
      ModelStore.Source(name: "m", path: try folder.write([UInt8]("1".utf8), to: "m")),
      ModelStore.Source(name: "bad", path: try folder.write([UInt8]("666".utf8), to: "bad")),
    ]
    let store = try store(sources)
    store.reload()
    service = try PictureService(
      store, limits: .init(body: 1 << 16, pixels: 1000, pictures: 8), token: "s3cret")
  }

  // MARK: Helpers

  private func call(
    _ method: InferenceMethod, _ message: ProtocolBufferWriter = .init(), token: String = "s3cret"
  ) async -> ServiceResponse {
    await service.response(
      to: method.request(
        headers: ["authorization": "Bearer \(token)"], message: message.bytes))
  }

  /// The fields of a message by their numbers.
  private func fields(_ bytes: [UInt8]) throws -> [Int: [ProtocolBufferReader.Value]] {
    var reader = ProtocolBufferReader(0..<bytes.count)
    var fields: [Int: [ProtocolBufferReader.Value]] = [:]
    while let field = try reader.next(in: bytes.span.bytes) {
      fields[field.number, default: []].append(field.value)
    }
    return fields
  }

  private func bytes(
    _ value: ProtocolBufferReader.Value?, of message: [UInt8]
  ) throws -> [UInt8] {
    guard case .bytes(let range) = value else { throw Wrong() }
    return Array(message[range])
  }

  private struct Wrong: Error {}

  private func named(_ name: String, version: String = "") -> ProtocolBufferWriter {
    var message = ProtocolBufferWriter()
    message.append(name, field: 1)
    message.append(version, field: 2)
    return message
  }

  private enum Contents { case raw, typed, both, none }

  /// A request for an inference.
  private func request(
    _ name: String? = nil, shape: [Int] = [5, 9, 8, 3], datatype: String = "FP32",
    contents: Contents = .raw, classes: Int? = nil
  ) throws -> ProtocolBufferWriter {
    let inputName = try #require(model.graph.inputs.first.map { model.graph[$0].name })
    var (message, tensor) = (named("m"), ProtocolBufferWriter())
    message.append("i", field: 3)
    tensor.append(name ?? inputName, field: 1)
    tensor.append(datatype, field: 2)
    tensor.append(packed: shape, field: 3)
    if [.typed, .both].contains(contents) {
      var values = ProtocolBufferWriter()
      values.append(packed: input.elements, field: 6)
      tensor.append(values, field: 5)
    }
    message.append(tensor, field: 5)
    if let classes {
      var (output, entry, value) = (
        ProtocolBufferWriter(), ProtocolBufferWriter(), ProtocolBufferWriter()
      )
      value.append(classes, field: 2)
      entry.append("classification", field: 1)
      entry.append(value, field: 2)
      output.append(try #require(model.mainOutput?.name), field: 1)
      output.append(entry, field: 2)
      message.append(output, field: 6)
    }
    if [.raw, .both].contains(contents) {
      message.append(input.withUnsafeBytes { [UInt8]($0) }, field: 7)
    }
    return message
  }

  private func floats(_ bytes: [UInt8]) -> [Float] {
    bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  // MARK: Tests

  @Test("tensors have the network's own result, raw where they came raw", arguments: [true, false])
  func inference(isRaw: Bool) async throws {
    let expected = try model.run(input, compute: oneThread)
    let response = await call(.modelInfer, try request(contents: isRaw ? .raw : .typed))
    #expect(response.status == 200, "\(response.problem ?? "")")
    let answer = try fields(response.body)
    for (field, text) in [(1, "m"), (2, "1"), (3, "i")] {
      #expect(try bytes(answer[field]?.first, of: response.body) == [UInt8](text.utf8))
    }
    let tensor = try bytes(answer[5]?.first, of: response.body)
    let parts = try fields(tensor)
    #expect(try bytes(parts[2]?.first, of: tensor) == [UInt8]("FP32".utf8))
    #expect(try bytes(parts[3]?.first, of: tensor) == [5, 4])
    var values = try answer[6]?.first.map { try bytes($0, of: response.body) }
    #expect((values != nil) == isRaw)
    if !isRaw {
      let contents = try bytes(parts[5]?.first, of: tensor)
      values = try bytes(fields(contents)[6]?.first, of: contents)
    }
    let scores = floats(try #require(values))
    #expect(scores.count == 20)
    for (one, two) in zip(scores, expected.elements) { #expect(abs(one - two) < 1e-5) }
  }

  @Test("classes are told as texts", arguments: [true, false])
  func classes(isRaw: Bool) async throws {
    let expected = try model.run(input, compute: oneThread).elements
    let best = expected[..<4].indices.max { expected[$0] < expected[$1] } ?? 0
    let response = await call(.modelInfer, try request(contents: isRaw ? .raw : .typed, classes: 2))
    let answer = try fields(response.body)
    let tensor = try bytes(answer[5]?.first, of: response.body)
    #expect(try bytes(fields(tensor)[3]?.first, of: tensor) == [5, 2])
    var text: [UInt8]
    if isRaw {
      let raw = try bytes(answer[6]?.first, of: response.body)
      text = Array(raw[4..<4 + Int(raw[0])])
    } else {
      let contents = try bytes(fields(tensor)[5]?.first, of: tensor)
      let texts = try fields(contents)[8] ?? []
      #expect(texts.count == 10)
      text = try bytes(texts.first, of: contents)
    }
    let words = String(decoding: text, as: UTF8.self).split(separator: ":")
    #expect(words.dropFirst().map { String($0) } == ["\(best)", model.classNames[best]])
  }

  @Test("what does not fit is refused, and says what is wanted")
  func refusals() async throws {
    for (message, status, words) in [
      (try request("x"), 400, "takes the input"),
      (try request(shape: [1, 3], contents: .none), 400, "0 numbers, its shape [1, 3] needs 3"),
      (try request(shape: [4, 9, 8, 3]), 400, "needs 864 numbers"),
      (try request(datatype: "FP16"), 400, "bytes of FP16"),
      (try request(contents: .both), 400, "contents twice"),
      (try request(shape: [], contents: .none), 400, "no shape"),
      (try request(shape: [1 << 40, 1 << 40]), 400, "no shape"),
      (named("m"), 400, "takes the input"), (named("q"), 404, "no model q"),
      (named("m", version: "7"), 404, "no version 7"), (named("bad"), 503, "not ready"),
    ] {
      let response = await call(.modelInfer, message)
      #expect(response.status == status)
      #expect(response.problem?.contains(words) == true, "\(response.problem ?? "")")
    }
    var second = try request(contents: .typed)
    second.append([1, 2, 3, 4], field: 7)
    second.append([1, 2, 3, 4], field: 7)
    #expect(await call(.modelInfer, second).problem?.contains("2 raw contents") == true)
    let whole = try request().bytes
    for count in stride(from: 1, to: whole.count, by: 97) {
      let part = InferenceMethod.modelInfer.request(
        headers: ["authorization": "Bearer s3cret"], message: Array(whole[..<count]))
      #expect(await service.response(to: part).status == 400)
    }
    let long = ProtocolBufferWriter()
    let tooLong = InferenceMethod.modelInfer.request(
      headers: ["authorization": "Bearer s3cret"],
      message: long.bytes + [UInt8](repeating: 0, count: 1 << 17))
    #expect(await service.response(to: tooLong).status == 413)
  }

  @Test("health asks for no token, all else does")
  func tokens() async throws {
    for method in InferenceMethod.allCases {
      let status = await call(method, named("m"), token: "other").status
      #expect(status == ([.serverLive, .serverReady].contains(method) ? 200 : 401), "\(method)")
    }
  }

  @Test("health and metadata say what there is")
  func metadata() async throws {
    for (method, name, isReady) in [
      (InferenceMethod.serverLive, "", true), (.serverReady, "", false), (.modelReady, "m", true),
      (.modelReady, "bad", false),
    ] {
      let response = await call(method, named(name))
      #expect(response.status == 200)
      #expect(try fields(response.body) == [1: [.varint(isReady ? 1 : 0)]], "\(method) \(name)")
    }
    #expect(await call(.modelReady, named("q")).status == 404)
    let server = await call(.serverMetadata)
    #expect(try bytes(fields(server.body)[1]?.first, of: server.body) == [UInt8]("convnet".utf8))
    let response = await call(.modelMetadata, named("m"))
    let tensor = try bytes(fields(response.body)[4]?.first, of: response.body)
    let shape = try bytes(fields(tensor)[3]?.first, of: tensor)
    #expect(shape == [UInt8](repeating: 0xFF, count: 9) + [1, 9, 8, 3])
    let index = await call(.repositoryIndex)
    let rows = try (fields(index.body)[1] ?? []).map { try bytes($0, of: index.body) }
    #expect(
      try rows.map { try String(decoding: bytes(fields($0)[3]?.first, of: $0), as: UTF8.self) }
        == ["READY", "UNAVAILABLE"])
  }
}
