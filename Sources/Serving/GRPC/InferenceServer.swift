#if Serving
  import ConvNetFiles
  import GRPCCore
  import GRPCNIOTransportHTTP2Posix
  import NIOCore
  import NIOHPACK
  import NIOHTTP2
  import NIOPosix

  /// The Open Inference Protocol over gRPC, on a port of its own: HTTP/2, with TLS where there is a certificate. What is answered
  /// is `PictureService`'s.
  package struct InferenceServer: Sendable {
    private let service: PictureService
    private let options: HTTPServer.Options

    /// - Parameter options: of them, the number of connections is not bounded here.
    package init(_ service: PictureService, options: HTTPServer.Options) {
      self.service = service
      self.options = options
    }

    /// Serves until ``Stop/callAsFunction()``, and then until what is in flight is answered.
    ///
    /// - Parameter isReady: is told the port once connections are taken.
    /// - Throws: what the certificate or the port do not allow.
    package func run(stop: Stop, isReady: @escaping @Sendable (Int) -> Void) async throws {
      // The certificate is looked at once more, since the transport would tell a bad one at a first connection.
      _ = try options.tls(protocols: ["h2"])
      let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      do {
        let transport = HTTP2ServerTransport.Posix(
          address: try address(), transportSecurity: security,
          config: .defaults { config in
            // The transport would reset what is too long without a word; `CallLimit` tells why.
            config.rpc.maxRequestPayloadSize = .max
            config.channelDebuggingCallbacks.onAcceptHTTP2Stream = { channel in
              channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(
                  CallLimit(of: service), position: .first)
              }
            }
            config.http2.maxConcurrentStreams = service.limits.pictures
            config.connection.maxIdleTime = options.timeout
          }, eventLoopGroup: threads)
        let server = GRPCServer(
          transport: transport, services: [Calls(service: service, timeout: options.timeout)])
        let serving = Task { try await server.serve() }
        stop.whenAsked {
          server.beginGracefulShutdown()
          Task {
            try await Task.sleep(for: options.patience)
            serving.cancel()
          }
        }
        if let listening = try? await transport.listeningAddress {
          isReady(listening.ipv4?.port ?? listening.ipv6?.port ?? options.port)
        }
        try await serving.value
      } catch {
        try? await threads.shutdownGracefully()
        guard stop.isAsked else {
          throw ServerFailure(host: options.host, port: options.port, reason: "\(error)")
        }
        return
      }
      try? await threads.shutdownGracefully()
    }

    private func address() throws -> GRPCNIOTransportHTTP2Posix.SocketAddress {
      let resolved = try NIOCore.SocketAddress.makeAddressResolvingHost(
        options.host, port: options.port)
      let host = resolved.ipAddress ?? options.host
      return host.contains(":")
        ? .ipv6(host: host, port: options.port) : .ipv4(host: host, port: options.port)
    }

    private var security: HTTP2ServerTransport.Posix.TransportSecurity {
      guard let certificate = options.certificate, let key = options.key else { return .plaintext }
      return .tls(
        certificateChain: [.file(path: certificate, format: .pem)],
        privateKey: .file(path: key, format: .pem))
    }
  }

  /// Every method with its messages as bytes: what they say is the service's to read.
  private struct Calls: RegistrableRPCService {
    let service: PictureService
    /// In which a message must be there.
    let timeout: Duration

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
      for method in InferenceMethod.allCases {
        router.registerHandler(
          forMethod: MethodDescriptor(
            fullyQualifiedService: InferenceMethod.service, method: method.rawValue),
          deserializer: MessageBytes(), serializer: MessageBytes()
        ) { request, _ in
          StreamingServerResponse(single: try await answer(request, method))
        }
      }
    }

    private func answer(
      _ request: StreamingServerRequest<[UInt8]>, _ method: InferenceMethod
    ) async throws -> ServerResponse<[UInt8]> {
      let message = try await self.message(of: request)
      var headers: [String: String] = [:]
      for (name, value) in request.metadata {
        if case .string(let text) = value { headers[name.lowercased()] = text }
      }
      let response = await service.response(
        to: method.request(headers: headers, message: message))
      var metadata = Metadata()
      for (name, value) in response.headers where name != "Content-Type" {
        metadata.addString(value, forKey: name.lowercased())
      }
      guard let problem = response.problem else {
        return ServerResponse(message: response.body, metadata: metadata)
      }
      return ServerResponse(
        error: RPCError(
          code: RPCError.Code(ofHTTP: response.status), message: problem, metadata: metadata))
    }

    /// The one message of a call, whose sender may not be slow for ever.
    private func message(of request: StreamingServerRequest<[UInt8]>) async throws -> [UInt8] {
      try await withThrowingTaskGroup { group in
        group.addTask { try await ServerRequest(stream: request).message }
        group.addTask {
          try await Task.sleep(for: timeout)
          throw RPCError(
            code: .deadlineExceeded, message: "the message did not come within \(timeout)")
        }
        defer { group.cancelAll() }
        guard let message = try await group.next() else { throw CancellationError() }
        return message
      }
    }
  }

  /// Counts the bytes of a call before they are gathered: one that is too long, or too much beside all others, ends at once.
  private final class CallLimit: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// What surrounds a message.
    static let slack = 64

    private let limit: Int
    private var share: BodyBudget.Share
    private var count = 0
    private var hasEnded = false

    init(of service: PictureService) {
      limit = service.limits.body
      share = service.bodies.share()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard !hasEnded else { return }
      if case .data(let frame) = unwrapInboundIn(data) {
        let byteCount = frame.data.readableBytes
        count += byteCount
        if count > limit + Self.slack {
          return end(
            context, .resourceExhausted,
            "the message is longer than the \(limit) bytes that are taken; send fewer examples")
        }
        guard share.take(byteCount) else {
          return end(context, .unavailable, "too many messages are being read; try again in 1 s")
        }
      }
      context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
      share.giveBack()
      context.fireChannelInactive()
    }

    private func end(_ context: ChannelHandlerContext, _ code: RPCError.Code, _ words: String) {
      hasEnded = true
      let headers: HPACKHeaders = [
        ":status": "200", "content-type": "application/grpc",
        "grpc-status": "\(code.rawValue)", "grpc-message": words,
      ]
      context.writeAndFlush(
        wrapOutboundOut(.headers(.init(headers: headers, endStream: true))), promise: nil)
      // What still comes is passed over for a little: a reset would overtake the words.
      context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(2)) {
        context.close(promise: nil)
      }
    }
  }

  private struct MessageBytes: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) -> Bytes { Bytes(message) }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) -> [UInt8] {
      bytes.withUnsafeBytes { Array($0) }
    }
  }

  extension RPCError.Code {
    /// What gRPC calls a status of HTTP.
    fileprivate init(ofHTTP status: Int) {
      switch status {
      case 401: self = .unauthenticated
      case 404, 405: self = .notFound
      case 413: self = .resourceExhausted
      case 400..<500: self = .invalidArgument
      case 503: self = .unavailable
      default: self = .internalError
      }
    }
  }
#endif
