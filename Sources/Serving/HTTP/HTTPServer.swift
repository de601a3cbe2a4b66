#if Serving
  import ConvNetFiles
  import HTTPTypes
  import HummingbirdCore
  import HummingbirdTLS
  import Logging
  import NIOCore
  import NIOPosix
  import NIOSSL
  import ServiceLifecycle
  import Synchronization

  /// A service on a port: HTTP/1.1, with TLS where there is a certificate. All that is not of the network is `PictureService`'s.
  package struct HTTPServer: Sendable {
    /// Where and for whom.
    package struct Options: Hashable, Sendable {
      package var host: String
      /// 0 for one that is free.
      package var port: Int
      /// Files in the form PEM, both or none.
      package var certificate: String?
      package var key: String?
      /// Others wait until one ends.
      package var connections: Int
      /// In which a request must be there, and its answer taken.
      package var timeout: Duration
      /// In which a stop waits for what is in flight.
      package var patience: Duration

      package init(
        host: String = "127.0.0.1", port: Int = 8080, certificate: String? = nil,
        key: String? = nil, connections: Int = 256, timeout: Duration = .seconds(30),
        patience: Duration = .seconds(30)
      ) {
        self.host = host
        self.port = port
        self.certificate = certificate
        self.key = key
        self.connections = connections
        self.timeout = timeout
        self.patience = patience
      }
    }

    private let service: PictureService
    private let options: Options

    package init(_ service: PictureService, options: Options) {
      self.service = service
      self.options = options
    }

    /// Serves until ``Stop/callAsFunction()``, and then until what is in flight is answered.
    ///
    /// - Parameter isReady: is told the port once connections are taken.
    /// - Throws: what the certificate or the port do not allow.
    package func run(stop: Stop, isReady: @escaping @Sendable (Int) -> Void) async throws {
      let logger = Logger(label: "convnet") { _ in SwiftLogNoOpLogHandler() }
      let channel = HTTPServerBuilder.http1(
        configuration: .init(
          idleTimeout: .nanoseconds(Int64(options.timeout.nanoseconds)),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)))
      let builder = try options.tls(protocols: ["http/1.1"])
        .map { try HTTPServerBuilder.tls(channel, tlsConfiguration: $0) }
      let threads = MultiThreadedEventLoopGroup(
        numberOfThreads: max(1, min(4, Threads.available / 2)))
      let failure = Mutex<(any Error)?>(nil)
      let server = try (builder ?? channel).buildServer(
        configuration: ServerConfiguration(
          address: .hostname(options.host, port: options.port), backlog: 1024,
          availableConnectionsDelegate: .maximum(options.connections, logger: logger)),
        eventLoopGroup: threads, logger: logger,
        responder: { request, writer, channel in
          try await answer(request, writer, channel)
        },
        onServerRunning: { channel in isReady(channel.localAddress?.port ?? options.port) })
      var configuration = ServiceGroupConfiguration(
        services: [.init(service: server)], logger: logger)
      configuration.maximumGracefulShutdownDuration = options.patience
      configuration.maximumCancellationDuration = .seconds(5)
      let group = ServiceGroup(configuration: configuration)
      stop.whenAsked { Task { await group.triggerGracefulShutdown() } }
      do {
        try await group.run()
      } catch {
        failure.withLock { $0 = error }
      }
      try? await threads.shutdownGracefully()
      if let error = failure.withLock({ $0 }), !stop.isAsked {
        throw ServerFailure(host: options.host, port: options.port, reason: "\(error)")
      }
    }

    // MARK: One request

    private func answer(
      _ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
      let deadline = NIODeadline.now() + .nanoseconds(Int64(options.timeout.nanoseconds))
      // Who is too slow in sending or in taking is left alone.
      let end = channel.eventLoop.scheduleTask(deadline: deadline) {
        channel.close(mode: .all, promise: nil)
      }
      defer { end.cancel() }
      var asked = ServiceRequest(
        request.method.rawValue, request.head.path ?? "/", headers: Self.headers(of: request))
      let declared = request.headers[.contentLength].flatMap { Int($0) }
      if let refusal = service.refusal(of: asked, declaredLength: declared) {
        return try await refuse(refusal, request, writer, channel)
      }
      if request.headers[.expect]?.lowercased() == "100-continue" {
        try await writer.writeInformationalHead(HTTPResponse(status: .continue))
      }
      var budget = service.bodies.share()
      defer { budget.giveBack() }
      var body: [UInt8] = []
      body.reserveCapacity(min(declared ?? 0, service.limits.body))
      var refusal: ServiceResponse?
      for try await part in request.body {
        // Of what is refused the rest is passed over, so that its sender reads the answer.
        guard refusal == nil else { continue }
        if body.count + part.readableBytes > service.limits.body {
          refusal = service.refusalOfLength(asked)
        } else if !budget.take(part.readableBytes) {
          refusal = ServiceResponse(
            503, error: "too many bodies are being read; try again in 1 s",
            headers: [("Retry-After", "1")])
        } else {
          part.withUnsafeReadableBytes { body += $0 }
          continue
        }
        body = []
        budget.giveBack()
      }
      // Whose sender went away in the middle.
      guard refusal != nil || declared == nil || declared == body.count else { throw Unfinished() }
      end.cancel()
      asked.body = body
      let response =
        if let refusal { refusal } else { await service.response(to: asked) }
      let taking = channel.eventLoop.scheduleTask(
        in: .nanoseconds(Int64(options.timeout.nanoseconds))
      ) { channel.close(mode: .all, promise: nil) }
      defer { taking.cancel() }
      try await writer.write(
        response: Self.head(of: response), body: .init(byteBuffer: .init(bytes: response.body)))
    }

    /// Answers before the body is read, and reads on for a little: a connection that is closed with bytes unread loses the
    /// answer.
    private func refuse(
      _ response: ServiceResponse, _ request: Request, _ writer: consuming ResponseWriter,
      _ channel: any Channel
    ) async throws {
      var response = response
      let hasBody =
        request.headers[.contentLength].map { $0 != "0" } ?? false
        || request.headers[.transferEncoding] != nil
      if hasBody { response.headers.append(("Connection", "close")) }
      try await writer.write(
        response: Self.head(of: response), body: .init(byteBuffer: .init(bytes: response.body)))
      guard hasBody else { return }
      let end = channel.eventLoop.scheduleTask(in: .seconds(2)) {
        channel.close(mode: .all, promise: nil)
      }
      defer { end.cancel() }
      for try await _ in request.body {}
      channel.close(mode: .output, promise: nil)
      try await channel.closeFuture.get()
    }

    private static func headers(of request: Request) -> [String: String] {
      var headers: [String: String] = [:]
      for field in request.headers { headers[field.name.canonicalName] = field.value }
      return headers
    }

    private static func head(of response: ServiceResponse) -> HTTPResponse {
      var fields = HTTPFields()
      for (name, value) in response.headers {
        guard let name = HTTPField.Name(name) else { continue }
        fields[name] = value
      }
      if fields[.contentLength] == nil, response.status != 204 {
        fields[.contentLength] = "\(response.body.count)"
      }
      return HTTPResponse(status: .init(code: response.status), headerFields: fields)
    }

    private struct Unfinished: Error {}
  }

  extension HTTPServer.Options {
    /// The certificate's, and `nil` where there is none.
    ///
    /// - Parameter protocols: that are spoken behind it.
    func tls(protocols: [String]) throws -> TLSConfiguration? {
      guard let certificate, let key else { return nil }
      do {
        let chain = try NIOSSLCertificate.fromPEMFile(certificate)
        var configuration = TLSConfiguration.makeServerConfiguration(
          certificateChain: chain.map { .certificate($0) },
          privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = protocols
        // That the two belong together shows here, not at the first request.
        _ = try NIOSSLContext(configuration: configuration)
        return configuration
      } catch {
        throw CertificateFailure(certificate: certificate, key: key, reason: "\(error)")
      }
    }
  }

  /// A port that cannot be listened at.
  package struct ServerFailure: ReadableError {
    package var host: String
    package var port: Int
    package var reason: String
    package var description: String {
      "cannot serve at \(host):\(port): \(reason); take another port or host"
    }
  }

  /// A certificate that cannot be used.
  package struct CertificateFailure: ReadableError {
    package var certificate: String
    package var key: String
    package var reason: String
    package var description: String {
      "cannot serve with the certificate \(certificate) and the key \(key): \(reason); name a chain and its private key as PEM"
    }
  }
#endif
