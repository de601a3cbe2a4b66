import ConvNetEvaluation
import ConvNetFiles
import ConvNetImages
import ConvNetInference
import Foundation
import Synchronization

/// What a server answers, without the network: pictures to classes, tensors to tensors by the Open Inference Protocol, models,
/// health, metrics, and a page for people.
package final class PictureService: Sendable {
  /// What is accepted.
  package struct Limits: Hashable, Sendable {
    /// Bytes of a body.
    package var body: Int
    /// Pixels of a picture.
    package var pixels: Int
    /// Pictures that are accepted at once, in one request or in many.
    package var pictures: Int

    package init(body: Int = 16 << 20, pixels: Int = 1 << 25, pictures: Int = 64) {
      self.body = body
      self.pixels = pixels
      self.pictures = pictures
    }
  }

  package let limits: Limits
  package let metrics: ServiceMetrics
  let store: ModelStore
  package let admission: Admission
  /// Of all that are being read.
  let bodies: BodyBudget
  let preparation: PicturePreparation
  private let token: [UInt8]?
  private let log: @Sendable (ServiceLogEntry) -> Void

  /// - Parameters:
  ///   - token: that requests must bring, but those for health and for the page; `nil` for none.
  ///   - threads: that decode pictures.
  ///   - log: is given a line for every request but those for health and metrics.
  package init(
    _ store: ModelStore, limits: Limits = Limits(), token: String? = nil, threads: Int = 1,
    metrics: ServiceMetrics = ServiceMetrics(),
    log: @escaping @Sendable (ServiceLogEntry) -> Void = { _ in }
  ) throws {
    self.store = store
    self.limits = limits
    self.token = token.map { [UInt8]($0.utf8) }
    self.metrics = metrics
    self.log = log
    admission = Admission(limit: limits.pictures)
    bodies = BodyBudget(limit: max(8 * limits.body, 128 << 20))
    preparation = try PicturePreparation(threads: threads)
    metrics.declareCounter("convnet_requests_total", "Requests by route, method and status.")
    metrics.declareHistogram(
      "convnet_request_seconds", "From a request's last byte to its answer.",
      bounds: ServiceMetrics.seconds)
    metrics.declareHistogram(
      "convnet_batch_size", "Pictures that were computed at once.",
      bounds: [1, 2, 4, 8, 16, 32, 64, 128])
    metrics.declareHistogram(
      "convnet_run_seconds", "Time of a batch in the network.", bounds: ServiceMetrics.seconds)
    metrics.declareGauge("convnet_queue_pictures", "Pictures that are accepted and not answered.")
    metrics.declareGauge("convnet_queue_limit", "Pictures that are accepted at once.")
    metrics.declareCounter("convnet_pictures_total", "Pictures that were classified.")
    metrics.set("convnet_queue_limit", to: Double(limits.pictures))
  }

  // MARK: Answering

  /// What can be said of a request before its body is read: who may not ask, and what is too long, is refused.
  package func refusal(of head: ServiceRequest, declaredLength: Int?) -> ServiceResponse? {
    do {
      try authorize(head)
      if let encoding = head.headers["content-encoding"], encoding.lowercased() != "identity" {
        throw Refusal(415, "bodies of Content-Encoding \(encoding) are not read; send it as it is")
      }
      if let declaredLength, declaredLength > limits.body { throw tooLong(declaredLength) }
      return nil
    } catch {
      return finish(failure(error), head, route: "refused", start: .now)
    }
  }

  /// The answer to a body that turned out too long.
  package func refusalOfLength(_ head: ServiceRequest) -> ServiceResponse {
    finish(failure(tooLong(nil)), head, route: "refused", start: .now)
  }

  private func tooLong(_ length: Int?) -> Refusal {
    Refusal(
      413,
      (length.map { "a body of \($0) bytes is" } ?? "the body is")
        + " longer than the \(limits.body) that are taken; send smaller or fewer pictures")
  }

  /// The answer to a request.
  package func response(to request: ServiceRequest) async -> ServiceResponse {
    let start = ContinuousClock.now
    var route = "unknown"
    var response: ServiceResponse
    do {
      try authorize(request)
      if request.body.count > limits.body { throw tooLong(request.body.count) }
      response =
        if let method = InferenceMethod(request) {
          try await answer(method, request.body, &route)
        } else {
          try await answer(request, &route)
        }
    } catch {
      response = failure(error)
    }
    if request.method == "HEAD" {
      response.headers.append(("Content-Length", "\(response.body.count)"))
      response.body = []
    }
    return finish(response, request, route: route, start: start)
  }

  private func finish(
    _ response: ServiceResponse, _ request: ServiceRequest, route: String,
    start: ContinuousClock.Instant
  ) -> ServiceResponse {
    var response = response
    let id = Self.requestID(of: request)
    response.headers += [("X-Request-Id", id), ("X-Content-Type-Options", "nosniff")]
    let seconds = (ContinuousClock.now - start).seconds
    let methods = ["GET", "HEAD", "POST", InferenceMethod.transport]
    let method = methods.contains(request.method) ? request.method : "other"
    metrics.count(
      "convnet_requests_total",
      [("method", method), ("route", route), ("status", "\(response.status)")])
    metrics.observe("convnet_request_seconds", [("route", route)], seconds)
    guard !["health", "metrics"].contains(route) || response.status >= 400 else { return response }
    var entry = ServiceLogEntry(
      response.status >= 500 ? .error : response.status >= 400 ? .warning : .info, "request")
    if let problem = response.problem { entry.message = String(problem.prefix(1 << 10)) }
    entry.id = id
    entry.method = String(request.method.prefix(16))
    entry.path = String(request.pathText.prefix(256))
    entry.status = response.status
    entry.seconds = (seconds * 1e6).rounded() / 1e6
    entry.bytes = request.body.count
    log(entry)
    return response
  }

  /// The sender's, where it is short and plain; else a new one.
  private static func requestID(of request: ServiceRequest) -> String {
    if let given = request.headers["x-request-id"], (1...128).contains(given.utf8.count),
      given.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") })
    {
      return given
    }
    return String(UInt64.random(in: 1 << 60...UInt64.max), radix: 16)
  }

  private func authorize(_ request: ServiceRequest) throws {
    guard let token, !isOpen(request) else { return }
    let given = request.headers["authorization"] ?? ""
    let words = given.split(separator: " ", maxSplits: 1)
    let isBearer = words.count == 2 && words[0].lowercased() == "bearer"
    guard isBearer, Self.areEqual([UInt8](words[1].utf8), token) else {
      throw Refusal(
        401, "a bearer token is needed: send 'Authorization: Bearer TOKEN'",
        headers: [("WWW-Authenticate", "Bearer")])
    }
  }

  /// The page itself knows nothing, and who probes the health has no token.
  private func isOpen(_ request: ServiceRequest) -> Bool {
    request.path.isEmpty || request.path.starts(with: ["v2", "health"])
      || request.path == ["favicon.ico"] || InferenceMethod(request)?.isForHealth == true
  }

  /// In a time that does not tell how many bytes agree.
  private static func areEqual(_ first: [UInt8], _ second: [UInt8]) -> Bool {
    var difference = UInt8(first.count == second.count ? 0 : 1)
    for index in first.indices { difference |= first[index] ^ second[index % second.count] }
    return difference == 0
  }

  private func answer(
    _ request: ServiceRequest, _ route: inout String
  ) async throws -> ServiceResponse {
    let path = request.path
    switch (path.first, path.count) {
    case (nil, _):
      route = "page"
      try require(request, "GET")
      return Self.page
    case ("favicon.ico", 1):
      route = "page"
      return ServiceResponse(204)
    case ("metrics", 1):
      route = "metrics"
      try require(request, "GET")
      metrics.set("convnet_queue_pictures", to: Double(admission.count))
      return ServiceResponse(
        200, [UInt8](metrics.text().utf8), type: "text/plain; version=0.0.4; charset=utf-8")
    case ("v1", 2...3) where path[1] == "models":
      route = "models"
      guard path.count == 3 else {
        try require(request, "GET")
        return try ServiceResponse(json: ["models": store.models.map(\.card)])
      }
      let parts = path[2].split(separator: ":", maxSplits: 1).map(String.init)
      let model = try model(parts.first ?? "")
      guard parts.count == 2 else {
        try require(request, "GET")
        return try ServiceResponse(json: model.card)
      }
      guard parts[1] == "classify" else {
        throw Refusal(404, "a model does not \(parts[1]); it does :classify")
      }
      route = "classify"
      try require(request, "POST")
      return try await classify(request, model)
    case ("v2", _):
      return try await answerInference(request, Array(path.dropFirst()), &route)
    default:
      throw Refusal(404, "there is nothing at \(request.pathText); / is a page that shows what is")
    }
  }

  func require(_ request: ServiceRequest, _ method: String) throws {
    guard request.method == method || (request.method == "HEAD" && method == "GET") else {
      throw Refusal(
        405, "\(request.pathText) takes \(method), not \(request.method)",
        headers: [("Allow", method == "GET" ? "GET, HEAD" : method)])
    }
  }

  /// A model that serves.
  ///
  /// - Parameter version: the one that is asked for; `nil` or empty for whichever serves.
  func model(_ name: String, version: String? = nil) throws -> ServedModel {
    if let model = store[name] {
      if let version, !version.isEmpty, version != "\(model.version)" {
        throw Refusal(
          404, "\(name) has no version \(version) any more; \(model.version) serves")
      }
      return model
    }
    let names = store.sources.map(\.name)
    if names.contains(name) {
      throw Refusal(503, "\(name) is not ready", headers: [("Retry-After", "1")])
    }
    let nearest = nearestNames(to: name, among: names)
    throw Refusal(
      404,
      "there is no model \(name); "
        + (nearest.isEmpty
          ? "there are \(names.joined(separator: ", "))"
          : "did you mean \(nearest.joined(separator: " or "))?"))
  }

  // MARK: Failures

  /// The answer to what went wrong.
  func failure(_ error: any Error) -> ServiceResponse {
    switch error {
    case let error as Refusal:
      return ServiceResponse(error.status, error: error.description, headers: error.headers)
    case let error as Overload where error.isForEver:
      return ServiceResponse(413, error: "\(error)")
    case let error as Overload:
      return ServiceResponse(
        503, error: "\(error)", headers: [("Retry-After", "\(error.retryAfter)")])
    case let error as ImageError:
      return ServiceResponse(Self.status(of: error.problem), error: "\(error)")
    case is AllocationError:
      return ServiceResponse(503, error: "\(error)", headers: [("Retry-After", "1")])
    case is ViewsError, is EvaluationError, is InferenceError, is InferenceRequest.Failure,
      is MultipartBody.Failure, is ProtocolBufferError:
      return ServiceResponse(400, error: "\(error)")
    case is CancellationError:
      return ServiceResponse(
        503, error: "the request was given up", headers: [("Retry-After", "1")])
    default:
      return ServiceResponse(500, error: "\(error)")
    }
  }

  private static func status(of problem: ImageError.Problem) -> Int {
    switch problem {
    case .tooLarge: 413
    case .unknownFormat(let byteCount): byteCount == 0 ? 400 : 415
    case .unsupported, .otherFile: 415
    case .corrupt, .notEncodable, .quality: 400
    case .outOfMemory: 503
    }
  }
}
