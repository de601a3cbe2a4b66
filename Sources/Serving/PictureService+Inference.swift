import ConvNetFiles
import ConvNetInference
import ConvNetLayers
import Foundation

// The Open Inference Protocol (KServe's version 2) below `/v2`: https://github.com/kserve/open-inference-protocol.
extension PictureService {
  private struct Readiness: Encodable {
    var name: String
    var ready: Bool
  }

  /// - Parameter path: below `/v2`.
  func answerInference(
    _ request: ServiceRequest, _ path: [String], _ route: inout String
  ) async throws -> ServiceResponse {
    let nothing = Refusal(404, "there is nothing at \(request.pathText)")
    switch path.first {
    case nil:
      route = "metadata"
      try require(request, "GET")
      return try ServiceResponse(json: ServerMetadata())
    case "health" where path.count == 2:
      route = "health"
      try require(request, "GET")
      switch path[1] {
      case "live": return try ServiceResponse(json: ["live": true])
      case "ready":
        return try ServiceResponse(isReady ? 200 : 503, json: ["ready": isReady])
      default: throw nothing
      }
    case "repository" where path == ["repository", "index"]:
      route = "metadata"
      try require(request, "POST")
      return try ServiceResponse(json: modelIndex)
    case "models" where path.count >= 2:
      var rest = path.dropFirst(2)
      var version: String?
      if rest.first == "versions" {
        version = rest.dropFirst().first
        if version == nil { throw nothing }
        rest = rest.dropFirst(2)
      }
      let model = try model(path[1], version: version)
      switch rest.first {
      case nil:
        route = "metadata"
        try require(request, "GET")
        return try ServiceResponse(json: ModelMetadata(model))
      case "ready" where rest.count == 1:
        route = "health"
        try require(request, "GET")
        return try ServiceResponse(json: Readiness(name: model.name, ready: true))
      case "infer" where rest.count == 1:
        route = "infer"
        try require(request, "POST")
        return try await infer(request, model)
      default: throw nothing
      }
    default: throw nothing
    }
  }

  private func infer(_ request: ServiceRequest, _ model: ServedModel) async throws
    -> ServiceResponse
  {
    let headLength = try request.headers["inference-header-content-length"].map { text in
      guard let length = Int(text), length >= 0 else {
        throw Refusal(400, "Inference-Header-Content-Length is \(text), must be a number of bytes")
      }
      return length
    }
    let asked = try InferenceRequest(request.body, headLength: headLength)
    let (body, length) = try await inference(asked, by: model).encoded()
    guard let length else { return ServiceResponse(200, body, type: "application/json") }
    return ServiceResponse(
      200, body, type: "application/octet-stream",
      headers: [("Inference-Header-Content-Length", "\(length)")])
  }

  /// What a model makes of the tensors of a request.
  func inference(
    _ asked: InferenceRequest, by model: ServedModel
  ) async throws -> InferenceResponse {
    let (values, count) = try input(of: asked, model)
    let size = model.inputShape.reduce(1, *)
    let rows = try await admission.admit(count) {
      try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
        for place in 0..<count {
          group.addTask {
            let row = Array(values[place * size..<(place + 1) * size])
            return (place, try await model.scores(of: row))
          }
        }
        var rows = [[Float]](repeating: [], count: count)
        for try await (place, scores) in group { rows[place] = scores }
        return rows
      }
    }
    metrics.count("convnet_pictures_total", [("model", model.name)], by: Double(count))
    let outputs = try (asked.outputs.isEmpty ? [.init(name: model.outputName)] : asked.outputs)
      .map { output in
        guard output.name == model.outputName else {
          throw Refusal(
            400, "\(model.name) has no output \(output.name); it has \(model.outputName)")
        }
        let isBinary = output.isBinary ?? asked.isBinary
        guard output.classification > 0 else {
          return InferenceResponse.Output(
            name: output.name, shape: [count] + model.outputShape,
            values: .numbers(rows.flatMap { $0 }), isBinary: isBinary)
        }
        let limit = min(output.classification, model.card.classCount)
        return InferenceResponse.Output(
          name: output.name, shape: [count, limit],
          values: .texts(rows.flatMap { Self.classes(of: $0, limit, model.classNames) }),
          isBinary: isBinary)
      }
    return InferenceResponse(
      model: model.name, version: "\(model.version)", id: asked.id, outputs: outputs)
  }

  /// The numbers of the one input, and how many examples they are.
  private func input(
    of request: InferenceRequest, _ model: ServedModel
  ) throws -> (values: [Float], count: Int) {
    guard request.inputs.count == 1, let input = request.inputs.first,
      input.name == model.inputName
    else {
      let names = request.inputs.map(\.name).joined(separator: ", ")
      throw Refusal(
        400, "\(model.name) takes the input \(model.inputName), the request has [\(names)]")
    }
    let expected = model.inputShape
    guard input.datatype == "FP32", input.shape.count == expected.count + 1,
      Array(input.shape.dropFirst()) == expected, let count = input.shape.first, count > 0
    else {
      throw Refusal(
        400,
        "input \(input.name) of \(model.name) needs FP32 of shape [N, \(expected.map { "\($0)" }.joined(separator: ", "))], has \(input.datatype) of \(input.shape)"
      )
    }
    return (input.values, count)
  }

  /// `score:index:name` of the highest scores.
  private static func classes(
    of scores: [Float], _ limit: Int, _ names: [String]
  ) -> [String] {
    scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }.prefix(limit).map { index in
      "\(scores[index]):\(index)" + (names.indices.contains(index) ? ":\(names[index])" : "")
    }
  }
}
