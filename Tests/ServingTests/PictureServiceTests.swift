import ConvNetEngine
import ConvNetEvaluation
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetInsight
import ConvNetLayers
import ConvNetServing
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Synchronization
import Testing

@Suite("What a server answers") final class PictureServiceTests {
  private let folder: TemporaryDirectory
  private let model: Model
  private let service: PictureService
  private let log = Log()

  private final class Log: Sendable {
    let entries = Mutex<[ServiceLogEntry]>([])
  }

  convenience init() throws { try self.init(token: nil) }

  private init(
    token: String?, limits: PictureService.Limits = .init(body: 1 << 20, pixels: 1000, pictures: 8)
  ) throws {
    folder = try TemporaryDirectory()
    model = try smallModel(seed: 1)
    let sources = [
      ModelStore.Source(name: "m", path: try folder.write([UInt8]("1".utf8), to: "m")),
      ModelStore.Source(name: "t", path: try folder.write([UInt8]("tensors".utf8), to: "t")),
    ]
    let metrics = ServiceMetrics()
    let store = try store(sources, metrics: metrics)
    try store.loadAll()
    let log = log
    service = try PictureService(store, limits: limits, token: token, metrics: metrics) { entry in
      log.entries.withLock { $0.append(entry) }
    }
  }

  // MARK: Helpers

  private func ask(
    _ method: String, _ target: String, _ headers: [String: String] = [:], _ body: [UInt8] = []
  ) async -> ServiceResponse {
    await service.response(to: ServiceRequest(method, target, headers: headers, body: body))
  }

  private struct Answer: Decodable {
    struct Row: Decodable {
      struct Explanation: Decodable {
        var layer: String
        var label: String
        var picture: String
      }
      var file: String
      var predictions: [Classification.RankedClass]?
      var explanation: Explanation?
      var error: String?
    }
    var model: String
    var version: String
    var views: String?
    var pictures: [Row]
  }

  private func answer(_ response: ServiceResponse) throws -> Answer {
    #expect(response.status == 200, "\(String(decoding: response.body, as: UTF8.self))")
    return try JSONDecoder().decode(Answer.self, from: Data(response.body))
  }

  private func error(_ response: ServiceResponse) throws -> String {
    try #require(JSONDecoder().decode([String: String].self, from: Data(response.body))["error"])
  }

  private func multipart(_ files: [(name: String, bytes: [UInt8])]) -> (String, [UInt8]) {
    var body: [UInt8] = []
    for file in files {
      body +=
        "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\(file.name)\"\r\n\r\n".utf8
      body += file.bytes + [13, 10]
    }
    return ("multipart/form-data; boundary=b", body + "--b--\r\n".utf8)
  }

  // MARK: Pictures

  @Test("a picture has the classifier's answer, as a raw body and as one of several")
  func classes() async throws {
    let classifier = try Classifier(model, compute: oneThread)
    let pictures = (1...3).map { picture($0, height: 20, width: 11) }
    let expected = try pictures.map { try classifier.classify($0).top(5) }
    let single = try answer(
      await ask("POST", "/v1/models/m:classify", [:], pictures[0].encodedPNG()))
    #expect(single.model == "m" && single.version == "1" && single.views == nil)
    #expect(single.pictures.map(\.predictions) == [expected[0].prefix(4).map { $0 }])
    let (type, body) = multipart(
      try pictures.enumerated().map { ("\($0).png", try $1.encodedPNG()) })
    let all = try answer(
      await ask("POST", "/v1/models/m:classify?top=2", ["content-type": type], body))
    #expect(all.pictures.map(\.file) == ["0.png", "1.png", "2.png"])
    for (row, expected) in zip(all.pictures, expected) {
      let predictions = try #require(row.predictions)
      #expect(predictions.map(\.index) == expected.prefix(2).map(\.index))
      for (one, two) in zip(predictions, expected) {
        #expect(abs(one.probability - two.probability) < 1e-6)
      }
    }
  }

  @Test("of several pictures a bad one has its error, and the others their answers")
  func mixed() async throws {
    let (type, body) = multipart([("a", try picture(1).encodedPNG()), ("b", [1, 2, 3])])
    let rows = try answer(
      await ask("POST", "/v1/models/m:classify", ["content-type": type], body)
    ).pictures
    #expect(rows[0].predictions?.count == 4 && rows[0].error == nil)
    #expect(rows[1].predictions == nil && rows[1].error?.hasPrefix("b: none of PNG") == true)
  }

  @Test("views are those of the protocol", arguments: ["single", "10-crop", "squash"])
  func views(name: String) async throws {
    let image = picture(4, height: 30, width: 25)
    let preprocessing = try #require(model.preprocessing)
    let views = try Views.named(name, for: preprocessing)
    // Each view by itself, through a classifier of plain pictures.
    let classifier = try Classifier(model, compute: oneThread)
    var expected = [Double](repeating: 0, count: 4)
    let shown = try views.pictures(of: image, input: preprocessing)
    for view in shown {
      for (index, share) in try classifier.classify(view.image).probabilities.enumerated() {
        expected[index] += Double(share) / Double(shown.count)
      }
    }
    let given = try answer(
      await ask("POST", "/v1/models/m:classify?views=\(name)", [:], image.encodedPNG()))
    #expect(given.views?.hasPrefix(name) == true)
    for prediction in try #require(given.pictures[0].predictions) {
      #expect(abs(Double(prediction.probability) - expected[prediction.index]) < 1e-5)
    }
  }

  @Test("an explanation is the library's, as a picture or in the answer")
  func explanation() async throws {
    let image = picture(5)
    let input = try #require(model.preprocessing).prepared(image)
    for (query, index) in [("&class=b", 1), ("&class=3", 3), ("", nil)] {
      let target = "/v1/models/m:classify?explain=grad-cam\(query)"
      let row = try answer(await ask("POST", target, [:], image.encodedPNG())).pictures[0]
      let index = try index ?? #require(row.predictions?.first?.index)
      let map = try model.gradCAM(of: input, classes: [index], compute: oneThread)[0]
      let base = image.enlarged(to: 224)
      let expected = map.plane.overlay(on: base, .heat, unit: map.plane.largestMagnitude)
      let explanation = try #require(row.explanation)
      #expect(explanation.label == model.classNames[index])
      #expect(explanation.layer == model.lastSpatialLayer)
      let bytes = [UInt8](try #require(Data(base64Encoded: explanation.picture)))
      let drawn = try Image(decoding: bytes.span.bytes)
      #expect(drawn == expected)
      let png = await ask("POST", target, ["accept": "image/png"], try image.encodedPNG())
      #expect(png["content-type"] == "image/png" && png.body == bytes)
    }
  }

  @Test("what cannot be classified says why, with the status that fits")
  func refusals() async throws {
    let png = try picture(1).encodedPNG()
    let large = try picture(1, height: 40, width: 50).encodedPNG()
    let (type, many) = multipart((0..<9).map { ("\($0)", png) })
    for (method, target, headers, body, status, words) in [
      ("POST", "/v1/models/m:classify", [:], [], 400, "empty"),
      ("POST", "/v1/models/m:classify", [:], [1, 2, 3], 415, "none of PNG"),
      ("POST", "/v1/models/m:classify", [:], Array(png.dropLast(40)), 400, "damaged"),
      ("POST", "/v1/models/m:classify", [:], large, 413, "50 x 40"),
      ("POST", "/v1/models/m:classify", ["content-type": type], many, 413, "send fewer"),
      (
        "POST", "/v1/models/m:classify", ["content-type": "multipart/form-data"], png, 400,
        "boundary"
      ),
      ("POST", "/v1/models/m:classify?top=0", [:], png, 400, "top is 0"),
      ("POST", "/v1/models/m:classify?tops=1", [:], png, 400, "unknown parameter tops"),
      ("POST", "/v1/models/m:classify?views=11-crop", [:], png, 400, "did you mean 10-crop"),
      ("POST", "/v1/models/m:classify?explain=lime", [:], png, 400, "grad-cam"),
      ("POST", "/v1/models/m:classify?explain=grad-cam&class=z", [:], png, 400, "no class z"),
      ("POST", "/v1/models/t:classify", [:], png, 400, "does not say how pictures are prepared"),
      ("POST", "/v1/models/mm:classify", [:], png, 404, "did you mean m"),
      ("POST", "/v1/models/m:train", [:], png, 404, "does not train"),
      ("GET", "/v1/models/m:classify", [:], [], 405, "takes POST"),
      ("DELETE", "/v1/models", [:], [], 405, "takes GET"),
      ("GET", "/nothing", [:], [], 404, "nothing at /nothing"),
      (
        "POST", "/v1/models/m:classify", [:], [UInt8](repeating: 0, count: 1 << 21), 413,
        "longer than"
      ),
    ] as [(String, String, [String: String], [UInt8], Int, String)] {
      let response = await ask(method, target, headers, body)
      #expect(response.status == status, "\(method) \(target)")
      let text = try error(response)
      #expect(text.contains(words), "\(text)")
    }
  }

  @Test("what is too much is refused with the time after which to come again")
  func overload() async throws {
    let png = try picture(1).encodedPNG()
    let response = try await service.admission.admit(service.limits.pictures) {
      await ask("POST", "/v1/models/m:classify", [:], png)
    }
    #expect(response.status == 503 && response["retry-after"] == "1")
    #expect(await ask("POST", "/v1/models/m:classify", [:], png).status == 200)
  }

  // MARK: Tensors

  private struct Tensors: Decodable {
    struct Output: Decodable {
      var name: String
      var datatype: String
      var shape: [Int]
      var data: [Float]?
      var parameters: [String: Int]?
    }
    var model_name: String
    var model_version: String
    var id: String?
    var outputs: [Output]
  }

  @Test("tensors have the network's own result, as JSON and in binary", arguments: ["m", "t"])
  func inference(name: String) async throws {
    let model = name == "m" ? model : try smallModel(hasPreparation: false)
    let input = Tensor.random([5, 9, 8, 3], seed: 8, in: -1..<1)
    let expected = try model.run(input, compute: oneThread)
    let metadata =
      try JSONSerialization.jsonObject(
        with: Data(await ask("GET", "/v2/models/\(name)").body)) as? [String: Any]
    let inputs = try #require(metadata?["inputs"] as? [[String: Any]])
    let (given, shape) = (inputs[0]["name"] as? String, inputs[0]["shape"] as? [Int])
    #expect(shape == [-1, 9, 8, 3])
    let numbers = input.elements.map { "\($0)" }.joined(separator: ",")
    let head =
      "{\"id\":\"i\",\"inputs\":[{\"name\":\"\(given ?? "")\",\"shape\":[5,9,8,3],\"datatype\":\"FP32\""
    let text = await ask(
      "POST", "/v2/models/\(name)/infer", [:], [UInt8]("\(head),\"data\":[\(numbers)]}]}".utf8))
    let answer = try JSONDecoder().decode(Tensors.self, from: Data(text.body))
    #expect(answer.model_name == name && answer.model_version == "1" && answer.id == "i")
    #expect(answer.outputs.map(\.shape) == [[5, 4]])
    for (one, two) in zip(try #require(answer.outputs[0].data), expected.elements) {
      #expect(abs(one - two) < 1e-5)
    }
    let binary = [UInt8](
      "\(head),\"parameters\":{\"binary_data_size\":\(input.byteCount)}}],\"parameters\":{\"binary_data_output\":true}}"
        .utf8)
    let response = await ask(
      "POST", "/v2/models/\(name)/versions/1/infer",
      ["inference-header-content-length": "\(binary.count)"],
      binary + input.withUnsafeBytes { [UInt8]($0) })
    let length = try #require(response["Inference-Header-Content-Length"].flatMap { Int($0) })
    let parsed = try JSONDecoder().decode(Tensors.self, from: Data(response.body[..<length]))
    #expect(parsed.outputs[0].parameters == ["binary_data_size": 80])
    #expect(response.body.count == length + 80)
    let values = response.body[length...].withUnsafeBytes { bytes in
      (0..<20).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
    for (one, two) in zip(values, expected.elements) { #expect(abs(one - two) < 1e-5) }
  }

  @Test("the protocol's refusals say what is wanted")
  func inferenceRefusals() async throws {
    let input =
      "\"shape\":[1,9,8,3],\"datatype\":\"FP32\",\"parameters\":{\"binary_data_size\":864}}]"
    let zeros = [UInt8](repeating: 0, count: 864)
    for (target, text, status, words) in [
      ("/v2/models/m/infer", "{\"inputs\":[]}", 400, "takes the input"),
      ("/v2/models/m/infer", "{\"inputs\":[{\"name\":\"x\",\(input)}", 400, "takes the input"),
      (
        "/v2/models/m/infer",
        "{\"inputs\":[{\"name\":\"image\",\"shape\":[1,3],\"datatype\":\"FP32\",\"data\":[1,2,3]}]}",
        400, "[N, 9, 8, 3]"
      ),
      (
        "/v2/models/m/infer",
        "{\"inputs\":[{\"name\":\"image\",\"shape\":[0,9,8,3],\"datatype\":\"FP32\",\"data\":[]}]}",
        400, "[N, 9, 8, 3]"
      ),
      (
        "/v2/models/m/infer",
        "{\"inputs\":[{\"name\":\"image\",\(input),\"outputs\":[{\"name\":\"y\"}]}", 400,
        "no output y"
      ),
      ("/v2/models/m/versions/7/infer", "{}", 404, "no version 7"),
      ("/v2/models/q/infer", "{}", 404, "no model q"),
      ("/v2/models/m/infer/more/words", "{}", 404, "nothing at"),
      (
        "/v2/models/m/infer",
        "{\"inputs\":[{\"name\":\"image\",\"shape\":[9,9,8,3],\"datatype\":\"FP32\",\"parameters\":{\"binary_data_size\":7776}}]}",
        413, "send fewer"
      ),
    ] {
      let name = try #require(model.graph.inputs.first.map { model.graph[$0].name })
      let head = [UInt8](text.replacing("\"image\"", with: "\"\(name)\"").utf8)
      let tail =
        text.contains("7776")
        ? [UInt8](repeating: 0, count: 7776) : text.contains("864") ? zeros : []
      let response = await ask(
        "POST", target, ["inference-header-content-length": "\(head.count)"], head + tail)
      #expect(response.status == status, "\(text)")
      let text = try error(response)
      #expect(text.contains(words), "\(text)")
    }
  }

  // MARK: Beside

  @Test("health, metadata, models, metrics and the page answer")
  func others() async throws {
    for (method, target, words) in [
      ("GET", "/v2", "\"binary_tensor_data\""), ("GET", "/v2/health/live", "true"),
      ("GET", "/v2/health/ready", "true"), ("GET", "/v2/models/m/ready", "true"),
      ("GET", "/v2/models/m/versions/1", "\"versions\":[\"1\"]"),
      ("POST", "/v2/repository/index", "READY"),
      ("GET", "/v1/models", "\"network\":\"small\""), ("GET", "/v1/models/t", "\"name\":\"t\""),
      ("GET", "/metrics", "convnet_queue_limit 8"), ("GET", "/", "<!doctype html>"),
    ] {
      let response = await ask(method, target)
      #expect(response.status == 200, "\(target)")
      #expect(String(decoding: response.body, as: UTF8.self).contains(words), "\(target)")
      #expect(response["x-content-type-options"] == "nosniff")
    }
    let head = await ask("HEAD", "/")
    #expect(head.status == 200 && head.body.isEmpty && head["content-length"] != "0")
    let page = String(decoding: await ask("GET", "/").body, as: UTF8.self)
    #expect(!page.contains("http://") && !page.contains("https://"), "an outside resource")
  }

  @Test("a request keeps its id, and has a line in the log; one that is no id gets a new one")
  func ids() async throws {
    #expect(await ask("GET", "/v1/models", ["x-request-id": "a-1"])["x-request-id"] == "a-1")
    let made = await ask("GET", "/nothing", ["x-request-id": "a\" b"])["x-request-id"]
    #expect(try #require(made).count == 16)
    _ = await ask("GET", "/metrics")
    _ = await ask("GET", "/v2/health/live")
    let entries = log.entries.withLock { $0 }
    #expect(entries.map(\.id) == ["a-1", made])
    #expect(entries[1].message.hasPrefix("there is nothing at /nothing"))
    #expect(entries[0].time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/) != nil)
    #expect(
      entries.map(\.status) == [200, 404] && entries.map(\.path) == ["/v1/models", "/nothing"])
    let text = String(decoding: await ask("GET", "/metrics").body, as: UTF8.self)
    #expect(
      text.contains(
        "convnet_requests_total{method=\"GET\",route=\"models\",status=\"200\"} 1\n"))
  }

  @Test("a token is asked for, but not for health and the page")
  func tokens() async throws {
    let guarded = try PictureServiceTests(token: "s3cret")
    for (headers, status) in [
      ([:], 401), (["authorization": "Bearer s3cre"], 401),
      (["authorization": "Bearer s3crets"], 401),
      (["authorization": "Basic s3cret"], 401), (["authorization": "s3cret"], 401),
      (["authorization": "Bearer "], 401), (["authorization": "bearer s3cret"], 200),
    ] {
      for target in ["/v1/models", "/metrics", "/v2/models/m"] {
        let response = await guarded.ask("GET", target, headers)
        #expect(response.status == status, "\(headers) \(target)")
        #expect(response["www-authenticate"] == (status == 401 ? "Bearer" : nil))
      }
      let head = ServiceRequest("POST", "/v1/models/m:classify", headers: headers)
      let refusal = guarded.service.refusal(of: head, declaredLength: 10)
      #expect(refusal?.status == (status == 401 ? 401 : nil))
    }
    for target in ["/", "/v2/health/ready"] {
      #expect(await guarded.ask("GET", target).status == 200)
    }
  }

  @Test("a body is refused by its head where its length or its form is not taken")
  func heads() {
    let head = ServiceRequest("POST", "/v1/models/m:classify")
    #expect(service.refusal(of: head, declaredLength: 1 << 20) == nil)
    #expect(service.refusal(of: head, declaredLength: (1 << 20) + 1)?.status == 413)
    #expect(service.refusalOfLength(head).status == 413)
    var packed = head
    packed.headers["content-encoding"] = "gzip"
    #expect(service.refusal(of: packed, declaredLength: 3)?.status == 415)
  }
}
