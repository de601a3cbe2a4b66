import ConvNetFiles
import Foundation
import Synchronization

/// A server of HTTP on the loopback interface, for one test: says what a script wants, to one connection after another.
final class LoopbackServer: Sendable {
  /// A request as it came.
  struct Request: Sendable {
    var target: String
    /// By names in small letters.
    var headers: [String: String]

    /// Where a range begins; 0 where the whole is asked for.
    var start: Int {
      headers["range"].flatMap { text in
        Int(text.dropFirst("bytes=".count).prefix { $0.isNumber })
      } ?? 0
    }
  }

  /// What is written back before the connection is closed.
  typealias Answer = @Sendable (Request) -> [UInt8]

  let port: UInt16
  private let socket: Int32
  private final class Seen: Sendable {
    let list = Mutex<[Request]>([])
  }

  private let seen = Seen()

  var requests: [Request] { seen.list.withLock { $0 } }

  func address(_ path: String) -> String { "http://127.0.0.1:\(port)/\(path)" }

  init(_ answer: @escaping Answer) throws {
    #if os(Linux)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    let socket = Foundation.socket(AF_INET, kind, 0)
    self.socket = socket
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        var size = size
        return bind(socket, pointer, size) == 0 && listen(socket, 8) == 0
          && getsockname(socket, pointer, &size) == 0
      }
    }
    guard isBound else { throw FileError.last(.open, "a socket") }
    port = UInt16(bigEndian: address.sin_port)
    try Threads.start(for: "a server") { [socket, seen] in
      // Its number is another's as soon as it is closed: by nobody else, while this may ask for the next connection.
      defer { close(socket) }
      while true {
        let connection = Self.uninterrupted { accept(socket, nil, nil) }
        guard connection >= 0 else { return }
        if let request = Self.request(on: connection) {
          seen.list.withLock { $0.append(request) }
          Self.write(answer(request), to: connection)
        }
        close(connection)
      }
    }
  }

  deinit { shutdown(socket, Int32(SHUT_RDWR)) }

  /// What a system call says, once no signal of another test has interrupted it.
  private static func uninterrupted<Count: FixedWidthInteger>(_ call: () -> Count) -> Count {
    while true {
      let count = call()
      if count >= 0 || errno != EINTR { return count }
    }
  }

  private static func request(on connection: Int32) -> Request? {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]),
      uninterrupted({ read(connection, &byte, 1) }) == 1
    {
      bytes.append(byte)
    }
    let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
    guard let target = lines.first?.split(separator: " ").dropFirst().first else { return nil }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
        .trimmingCharacters(in: .whitespaces)
    }
    return Request(target: String(target), headers: headers)
  }

  private static func write(_ bytes: [UInt8], to connection: Int32) {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { rest in
        uninterrupted { send(connection, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL)) }
      }
      guard count > 0 else { return }
      done += count
    }
  }

  /// An answer with its length.
  static func answer(
    _ status: String, _ headers: [String] = [], _ body: [UInt8] = [], length: Int? = nil
  ) -> [UInt8] {
    let lines =
      ["HTTP/1.1 \(status)", "Content-Length: \(length ?? body.count)", "Connection: close"]
      + headers
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
  }
}

#if !os(Linux)
  private let MSG_NOSIGNAL = 0
#endif
