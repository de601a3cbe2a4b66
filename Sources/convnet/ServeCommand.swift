import ArgumentParser
import ConvNet
import Dispatch
import Foundation
import Synchronization

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Classify pictures over HTTP and gRPC.",
    discussion: """
      A model is called by its file's name, model.safetensors by its folder's, or as
      NAME=FILE says. A page is at /, pictures go to /v1/models/NAME:classify,
      tensors by the Open Inference Protocol to /v2/models/NAME/infer, metrics are at
      /metrics. With --grpc-port that protocol is spoken over gRPC as well. Standard
      error has a line of JSON for every request.

      A file that changes takes its place when it is read; SIGHUP has all read again.
      A bad file leaves the one before it. SIGTERM and SIGINT end what is in flight,
      and then the server.

      EXAMPLES
        convnet serve runs/first/model.safetensors
        convnet serve cats=a.safetensors dogs=b.safetensors --port 9000
        curl --data-binary @cat.jpg localhost:8080/v1/models/first:classify
      """)

  @Argument(help: ArgumentHelp("Model files, each with a name or not.", valueName: "file"))
  var files: [String]
  @Option(help: "The address to listen at; 0.0.0.0 for all of the machine's.")
  var host = "127.0.0.1"
  @Option(help: "The port; 0 for one that is free.") var port = 8080
  @Option(
    help: ArgumentHelp(
      "A port for gRPC; 0 for one that is free. Default: none.", valueName: "port"))
  var grpcPort: Int?
  @Option(help: "Pictures of several requests that are computed at once, at most.")
  var batchSize = 8
  @Option(
    help: ArgumentHelp(
      "Milliseconds that a picture waits for others to be computed with.",
      valueName: "milliseconds"))
  var batchDelay = 0.0
  @Option(help: "Runs of a model at the same time, each with --threads threads.")
  var concurrency = 1
  @Option(help: "Pictures that are accepted at once; more are answered 503.")
  var queueLimit = 64
  @Option(help: ArgumentHelp("The longest body, in MiB.", valueName: "MiB"))
  var bodyLimit = 16.0
  @Option(help: "The most pixels of a picture.") var pixelLimit = 1 << 25
  @Option(
    help: ArgumentHelp(
      "In which a request must be there, its answer taken, and a stop be done.",
      valueName: "seconds"))
  var timeout = 30.0
  @Option(help: "Connections at once; others wait.") var connections = 256
  @Option(
    help: ArgumentHelp(
      "A file with a token that requests must bring. Default: the variable CONVNET_TOKEN, or none.",
      valueName: "file"))
  var tokenFile: String?
  @Option(help: ArgumentHelp("A certificate chain in PEM, for TLS.", valueName: "file"))
  var certificate: String?
  @Option(help: ArgumentHelp("The private key of --certificate.", valueName: "file"))
  var key: String?
  @Option(
    help: ArgumentHelp(
      "Seconds from one look at the files to the next; 0 for none.", valueName: "seconds"))
  var watch = 2.0
  @OptionGroup var compute: InferenceArguments
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    guard !files.isEmpty else { throw ValidationError("name at least one model file") }
    for (port, option) in [(port, "--port"), (grpcPort ?? 0, "--grpc-port")]
    where !(0...65_535 ~= port) {
      throw ValidationError("\(option) is \(port), must be from 0 to 65535")
    }
    guard grpcPort != port || port == 0 else {
      throw ValidationError("--port and --grpc-port are both \(port); choose two")
    }
    for (value, option) in [
      (concurrency, "--concurrency"), (queueLimit, "--queue-limit"), (pixelLimit, "--pixel-limit"),
      (connections, "--connections"),
    ] { try requirePositive(value, option) }
    guard 1...1024 ~= batchSize else {
      throw ValidationError("--batch-size is \(batchSize), must be from 1 to 1024")
    }
    for (value, range, option) in [
      (batchDelay, 0...10_000, "--batch-delay"), (bodyLimit, 0.001...4096, "--body-limit"),
      (timeout, 0.1...86_400, "--timeout"), (watch, 0...86_400, "--watch"),
    ] as [(Double, ClosedRange<Double>, String)] where !range.contains(value) {
      throw ValidationError(
        "\(option) is \(value), must be from \(range.lowerBound) to \(range.upperBound)")
    }
    guard (certificate == nil) == (key == nil) else {
      throw ValidationError("--certificate and --key belong together; give both")
    }
  }

  func run() throws {
    #if Serving
      try serve()
    #else
      throw NotBuilt()
    #endif
  }

  /// The token, without the newline of its file.
  private func token() throws -> String? {
    let text =
      try tokenFile.map { String(decoding: try Data(contentsOf: URL(filePath: $0)), as: UTF8.self) }
      ?? ProcessInfo.processInfo.environment["CONVNET_TOKEN"]
    guard let text else { return nil }
    let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw BadToken(source: tokenFile ?? "CONVNET_TOKEN")
    }
    return token
  }

  #if Serving
    private struct Ready: Encodable {
      struct Model: Encodable {
        var name: String
        var file: String
      }
      var url: String
      /// Host and port of gRPC.
      var grpc: String?
      var models: [Model]
    }

    private func serve() throws {
      let sources = try files.map { try ModelStore.Source($0) }
      let token = try token()
      let isQuiet = shared.quiet
      let log: @Sendable (ServiceLogEntry) -> Void = { entry in
        guard !isQuiet || entry.level != .info, let line = try? jsonLine(entry) else { return }
        Console.tell(line + "\n")
      }
      let metrics = ServiceMetrics()
      let store = try ModelStore(
        sources,
        options: ServingOptions(
          batch: batchSize, delay: .microseconds(Int64(batchDelay * 1000)),
          concurrency: concurrency, compute: compute.options(shared)),
        metrics: metrics, load: { try Model(loading: $0) }, tell: { log(ServiceLogEntry($0)) })
      try store.loadAll()
      let service = try PictureService(
        store,
        limits: .init(
          body: Int(bodyLimit * 1_048_576), pixels: pixelLimit, pictures: queueLimit),
        token: token, threads: Threads.available, metrics: metrics, log: log)
      let options = HTTPServer.Options(
        host: host, port: port, certificate: certificate, key: key, connections: connections,
        timeout: .milliseconds(Int64(timeout * 1000)),
        patience: .milliseconds(Int64(timeout * 1000)))
      if token == nil, !["127.0.0.1", "::1", "localhost"].contains(host) {
        shared.note("anybody who reaches \(host) may ask: --token-file names a token to ask for")
      }
      let stop = Stop()
      Interruption.take { number in
        if number == SIGHUP {
          log(ServiceLogEntry(.info, "SIGHUP: reading all files again"))
          return (try? Threads.start(for: "reading files") { store.reload() }) != nil
        }
        guard !stop.isAsked else { return false }
        log(ServiceLogEntry(.info, "\(Interruption.name(of: number)): ending what is in flight"))
        stop()
        return true
      }
      if watch > 0 { try store.watch(every: .milliseconds(Int64(watch * 1000))) }
      defer { store.stopWatching() }
      let failure = Mutex<(any Error)?>(nil)
      let done = DispatchSemaphore(value: 0)
      Task.detached {
        do {
          try await listen(service, options, stop: stop, serving: sources)
        } catch {
          failure.withLock { $0 = error }
        }
        done.signal()
      }
      done.wait()
      if let error = failure.withLock({ $0 }) { throw error }
    }

    /// Serves at all ports until it is stopped; where one cannot, the others stop.
    private func listen(
      _ service: PictureService, _ options: HTTPServer.Options, stop: Stop,
      serving sources: [ModelStore.Source]
    ) async throws {
      let (ports, ready) = AsyncStream.makeStream(of: (Int, isGRPC: Bool).self)
      try await withThrowingTaskGroup { group in
        group.addTask {
          defer { ready.finish() }
          try await HTTPServer(service, options: options)
            .run(stop: stop) { ready.yield(($0, isGRPC: false)) }
        }
        if let grpcPort {
          var options = options
          options.port = grpcPort
          group.addTask { [options] in
            defer { ready.finish() }
            try await InferenceServer(service, options: options)
              .run(stop: stop) { ready.yield(($0, isGRPC: true)) }
          }
        }
        group.addTask {
          var (http, grpc): (Int?, Int?) = (nil, nil)
          for await (port, isGRPC) in ports {
            if isGRPC { grpc = port } else { http = port }
            guard let http, grpc != nil || grpcPort == nil else { continue }
            return try tell(http, grpc, sources)
          }
        }
        do {
          for try await _ in group {}
        } catch {
          stop()
          throw error
        }
      }
    }

    /// Says that connections are taken.
    private func tell(_ port: Int, _ grpcPort: Int?, _ sources: [ModelStore.Source]) throws {
      let host = host.contains(":") ? "[\(host)]" : host
      let url = "\(certificate == nil ? "http" : "https")://\(host):\(port)"
      let grpc = grpcPort.map { "\(host):\($0)" }
      if shared.json {
        try printJSON(
          Ready(
            url: url, grpc: grpc, models: sources.map { .init(name: $0.name, file: $0.path) }))
      } else {
        let names = sources.map(\.name).joined(separator: ", ")
        try Console.write(
          "serving \(names) at \(url)" + (grpc.map { ", gRPC at \($0)" } ?? "") + "\n")
      }
    }
  #endif
}

#if Serving
  extension ServiceLogEntry {
    fileprivate init(_ event: ModelStore.Event) {
      switch event {
      case .loaded(let model, let path, let seconds):
        self.init(.info, "\(path) serves as \(model.name)")
        (self.model, version, self.seconds) = (model.name, model.version, seconds)
      case .failed(let name, let path, let reason, let serving):
        self.init(
          .error,
          "\(path) cannot be served: \(FileSystem.line(reason))"
            + (serving.map { "; version \($0) goes on" } ?? ""))
        (model, version) = (name, serving)
      }
    }
  }
#endif

/// The command has no HTTP.
struct NotBuilt: ReadableError {
  var description: String {
    "this convnet was built without HTTP; `make serving` builds one that has it, as does `swift build -c release --traits Serving`"
  }
}

/// A token that cannot be sent.
struct BadToken: ReadableError {
  var source: String
  var description: String {
    "\(source) holds no token; put a line of letters, digits and signs there, without spaces"
  }
}
