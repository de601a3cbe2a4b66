import ConvNetDownloads
import ConvNetFiles
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Downloads") struct DownloadTests {
  private static let contents = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 * $0 >> 3) }
  private static let digest = SHA256.digits(of: contents.span.bytes)

  /// What a server does that keeps the rules.
  @Sendable private static func honest(_ request: LoopbackServer.Request) -> [UInt8] {
    let start = request.start
    guard start > 0 else { return LoopbackServer.answer("200 OK", [], contents) }
    guard start < contents.count else {
      return LoopbackServer.answer("416 Range Not Satisfiable")
    }
    return LoopbackServer.answer(
      "206 Partial Content",
      ["Content-Range: bytes \(start)-\(contents.count - 1)/\(contents.count)"],
      Array(contents[start...]))
  }

  private func download(
    _ server: LoopbackServer, _ path: String = "a.pth", digest: String = digest
  ) -> Download {
    Download(
      from: server.address(path), digest: String(digest.prefix(8)), byteLimit: 1 << 20)
  }

  private func error(_ body: () throws -> Void) -> DownloadError.Problem? {
    do { try body() } catch { return (error as? DownloadError)?.problem }
    return nil
  }

  @Test(
    "SHA-256 of the standard's examples and of lengths about a block",
    arguments: [
      ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        "a", 1_000_000,
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
      ),
      // Of Python's hashlib.
      (
        "x", 55,
        "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"
      ),
      (
        "x", 64,
        "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"
      ),
    ])
  func standard(text: String, count: Int, digits: String) {
    let text = String(repeating: text, count: count)
    #expect(SHA256.digits(of: Array(text.utf8).span.bytes) == digits)
  }

  @Test("a file comes whole, with progress, is kept, and is not asked for again")
  func whole() throws {
    let directory = try TemporaryDirectory()
    let server = try LoopbackServer(Self.honest)
    let cache = WeightCache(folder: directory.file("deep/cache"))
    var told: [Int] = []
    let path = try cache.pull(
      download(server), as: "a.pth", isOffline: false, patience: 10
    ) { done, total in
      told.append(done)
      #expect(total == nil || total == Self.contents.count)
    }
    #expect(try fileBytes(path) == Self.contents)
    #expect(told == told.sorted() && told.last == Self.contents.count)
    #expect(try FileManager.default.contentsOfDirectory(atPath: cache.folder) == ["a.pth"])
    for isOffline in [true, false] {
      _ = try cache.pull(
        download(server), as: "a.pth", isOffline: isOffline, patience: 10)
    }
    #expect(server.requests.count == 1 && server.requests[0].start == 0)
    // One that was damaged meanwhile is brought anew; offline it is none.
    try directory.write([1, 2, 3], to: "deep/cache/a.pth")
    #expect(
      error { _ = try cache.pull(download(server), as: "a.pth", isOffline: true, patience: 10) }
        == .offline)
    _ = try cache.pull(download(server), as: "a.pth", isOffline: false, patience: 10)
    #expect(try fileBytes(path) == Self.contents && server.requests.count == 2)
  }

  @Test("what broke off goes on where it was, whatever the server makes of it", arguments: 0..<3)
  func resumed(kind: Int) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("a.pth")
    let server = try LoopbackServer { request in
      switch (kind, request.target) {
      case (_, "/broken"):
        LoopbackServer.answer(
          "200 OK", [], Array(Self.contents.prefix(100_000)), length: Self.contents.count)
      // One that knows no ranges, and one that begins elsewhere.
      case (1, _): LoopbackServer.answer("200 OK", [], Self.contents)
      case (2, _) where request.start > 0:
        LoopbackServer.answer(
          "206 Partial Content", ["Content-Range: bytes 5-9/300000"], [1, 2, 3, 4, 5])
      default: Self.honest(request)
      }
    }
    let broken = error { try download(server, "broken").bring(to: path, patience: 5) }
    guard case .connection = broken else {
      return #expect(Bool(false), "\(String(describing: broken))")
    }
    #expect(try fileBytes("\(path).part").count == 100_000)
    #expect(!FileManager.default.fileExists(atPath: path))
    if kind == 2 {
      #expect(error { try download(server).bring(to: path, patience: 5) } == .status(206))
    } else {
      try download(server).bring(to: path, patience: 5)
      #expect(try fileBytes(path) == Self.contents)
      #expect(try directory.contents() == ["a.pth"])
    }
    #expect(server.requests.last?.start == 100_000)
  }

  @Test(
    "a beginning of another file, or a longer one, is given up for the whole",
    arguments: [50_000, 400_000])
  func otherBeginning(count: Int) throws {
    let directory = try TemporaryDirectory()
    let server = try LoopbackServer(Self.honest)
    try directory.write([UInt8](repeating: 7, count: count), to: "a.pth.part")
    try download(server).bring(to: directory.file("a.pth"), patience: 5)
    #expect(try fileBytes(directory.file("a.pth")) == Self.contents)
    #expect(server.requests.map(\.start) == [count, 0])
  }

  @Test("a file that is there whole is not asked for once more")
  func ready() throws {
    let directory = try TemporaryDirectory()
    let server = try LoopbackServer(Self.honest)
    try directory.write(Self.contents, to: "a.pth.part")
    try download(server).bring(to: directory.file("a.pth"), patience: 5)
    #expect(server.requests.isEmpty)
  }

  @Test("a hostile server brings nothing into the cache")
  func hostile() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("a.pth")
    let server = try LoopbackServer { request in
      switch request.target {
      case "/other": LoopbackServer.answer("200 OK", [], Array(Self.contents.reversed()))
      case "/long": LoopbackServer.answer("200 OK", [], [UInt8](repeating: 1, count: 3 << 20))
      case "/lying":
        Array("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".utf8)
          + [UInt8](repeating: 1, count: 3 << 20)
      case "/file": LoopbackServer.answer("302 Found", ["Location: file:///etc/hostname"])
      case "/ftp": LoopbackServer.answer("301 Moved", ["Location: ftp://127.0.0.1/a"])
      case "/round": LoopbackServer.answer("302 Found", ["Location: /round"])
      case "/moved": LoopbackServer.answer("302 Found", ["Location: /a.pth"])
      case "/none": LoopbackServer.answer("404 Not Found", [], Array("no such file".utf8))
      case "/broken": LoopbackServer.answer("500 Oh", [], Self.contents)
      case "/empty": LoopbackServer.answer("200 OK")
      case "/noise": [0, 1, 2, 3]
      default: Self.honest(request)
      }
    }
    func problem(_ target: String) -> DownloadError.Problem? {
      error { try download(server, target).bring(to: path, patience: 5) }
    }
    let reversed = SHA256.digits(of: Array(Self.contents.reversed()).span.bytes)
    #expect(
      problem("other") == .digest(expected: String(Self.digest.prefix(8)), actual: reversed))
    #expect(problem("long") == .tooLong(limit: 1 << 20))
    #expect(problem("lying") == .tooLong(limit: 1 << 20))
    #expect(problem("none") == .status(404))
    #expect(problem("broken") == .status(500))
    for target in ["file", "ftp", "round", "noise"] {
      guard case .connection = problem(target) else {
        Issue.record("\(target): \(String(describing: problem(target)))")
        continue
      }
    }
    guard case .digest = problem("empty") else { return #expect(Bool(false)) }
    #expect(!FileManager.default.fileExists(atPath: path))
    for address in ["file:///etc/hostname", "ftp://127.0.0.1/a", "a", ""] {
      let download = Download(from: address, digest: "00", byteLimit: 10)
      #expect(error { try download.bring(to: path) } == .scheme)
    }
    // A redirection within HTTP is followed.
    try download(server, "moved").bring(to: path, patience: 5)
    #expect(try fileBytes(path) == Self.contents)
  }

  @Test("where there is no server, that is said")
  func noServer() throws {
    let directory = try TemporaryDirectory()
    var address = ""
    do {
      let server = try LoopbackServer(Self.honest)
      address = server.address("a.pth")
    }
    let download = Download(from: address, digest: "00", byteLimit: 10)
    guard
      case .connection(let words) = error({
        try download.bring(to: directory.file("a"), patience: 2)
      })
    else { return #expect(Bool(false)) }
    #expect(!words.isEmpty)
  }

  @Test("what is published: names, digests in addresses, sizes that can be")
  func catalog() throws {
    let all = PublishedWeights.all
    #expect(all.count == 26 && Set(all.map(\.name)).count == 26)
    #expect(Set(all.map(\.digest)).count == 26)
    for weights in all {
      #expect(weights.address.hasSuffix("-\(weights.digest).pth") && weights.digest.count == 8)
      #expect(weights.address.hasPrefix("https://download.pytorch.org/models/"))
      #expect(9 << 20...600 << 20 ~= weights.byteCount)
      #expect(50..<90 ~= weights.top1 && weights.top1 < weights.top5)
      #expect(weights.download.byteLimit > weights.byteCount)
    }
    let resnet = try PublishedWeights.named("resnet50")
    #expect(resnet.fileName == "resnet50-0676ba61.pth" && resnet.network == "resnet50-v1.5")
    #expect(try PublishedWeights.named("resnet50-2").resize == 232)
    #expect(try PublishedWeights.named("vgg-d").name == "vgg16")
    let unknown = #expect(throws: UnknownWeights.self) { try PublishedWeights.named("resnet5") }
    #expect(unknown?.nearest.contains("resnet50") == true)
  }
}
