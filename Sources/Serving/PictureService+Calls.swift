import ConvNetFiles

/// A method of the Open Inference Protocol's service for gRPC; the list of models is Triton's.
package enum InferenceMethod: String, CaseIterable, Sendable {
  case serverLive = "ServerLive"
  case serverReady = "ServerReady"
  case modelReady = "ModelReady"
  case serverMetadata = "ServerMetadata"
  case modelMetadata = "ModelMetadata"
  case modelInfer = "ModelInfer"
  case repositoryIndex = "RepositoryIndex"

  package static let service = "inference.GRPCInferenceService"
  /// What stands in the place of HTTP's method.
  static let transport = "gRPC"

  /// Who probes has no token.
  var isForHealth: Bool { self == .serverLive || self == .serverReady }

  /// The method that a request is for; `nil` where it did not come by gRPC.
  init?(_ request: ServiceRequest) {
    guard request.method == Self.transport, request.path.count == 2,
      request.path[0] == Self.service
    else { return nil }
    self.init(rawValue: request.path[1])
  }

  /// A call as a request.
  ///
  /// - Parameter headers: by their names in small letters.
  package func request(headers: [String: String], message: [UInt8]) -> ServiceRequest {
    ServiceRequest(
      Self.transport, "/\(Self.service)/\(rawValue)", headers: headers, body: message)
  }
}

extension PictureService {
  /// The answer to a call: a message of protocol buffers.
  func answer(
    _ method: InferenceMethod, _ message: [UInt8], _ route: inout String
  ) async throws -> ServiceResponse {
    var answer = ProtocolBufferWriter()
    switch method {
    case .serverLive:
      route = "health"
      answer.append(1, field: 1)
    case .serverReady:
      route = "health"
      answer.append(isReady ? 1 : 0, field: 1)
    case .modelReady:
      route = "health"
      let asked = try ModelMessage(message)
      let isThere = store.sources.contains { $0.name == asked.name }
      let isReady = store[asked.name] != nil
      if !isThere || isReady { _ = try model(asked.name, version: asked.version) }
      answer.append(isReady ? 1 : 0, field: 1)
    case .serverMetadata:
      route = "metadata"
      answer = ServerMetadata().message
    case .modelMetadata:
      route = "metadata"
      let asked = try ModelMessage(message)
      answer = ModelMetadata(try model(asked.name, version: asked.version)).message
    case .repositoryIndex:
      route = "metadata"
      answer = modelIndex.message
    case .modelInfer:
      route = "infer"
      let asked = try ModelMessage(message)
      let model = try model(asked.name, version: asked.version)
      answer = try await inference(InferenceRequest(message: message), by: model).message
    }
    return ServiceResponse(200, answer.bytes, type: "application/grpc")
  }
}
