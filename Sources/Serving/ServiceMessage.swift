import ConvNetFiles
import Foundation

/// A request as HTTP has it, of whatever server.
package struct ServiceRequest: Sendable {
  package var method: String
  /// Decoded, between the slashes.
  package var path: [String]
  package var query: [String: String] = [:]
  /// By their names in small letters.
  package var headers: [String: String] = [:]
  package var body: [UInt8] = []

  /// - Parameter target: as in the request's first line: `/v1/models?top=3`.
  package init(
    _ method: String, _ target: String, headers: [String: String] = [:], body: [UInt8] = []
  ) {
    self.method = method
    self.headers = headers
    self.body = body
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    path = (parts.first ?? "").split(separator: "/").map {
      String($0).removingPercentEncoding ?? String($0)
    }
    for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map { side in
          let text = side.replacing("+", with: " ")
          return text.removingPercentEncoding ?? String(text)
        }
      query[sides[0]] = sides.count > 1 ? sides[1] : ""
    }
  }

  /// The path in one piece, for people.
  package var pathText: String { "/" + path.joined(separator: "/") }
}

/// What is answered.
package struct ServiceResponse: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// What is wrong, in words, where something is.
  package var problem: String?

  package init(
    _ status: Int, _ body: [UInt8] = [], type: String? = nil,
    headers: [(name: String, value: String)] = []
  ) {
    self.status = status
    self.body = body
    self.headers = (type.map { [("Content-Type", $0)] } ?? []) + headers
  }

  static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }()

  /// A value as JSON.
  init(
    _ status: Int = 200, json value: some Encodable, headers: [(name: String, value: String)] = []
  ) throws {
    self.init(
      status, [UInt8](try Self.encoder.encode(value)), type: "application/json", headers: headers)
  }

  /// What is wrong, as `{"error": "…"}`.
  package init(
    _ status: Int, error text: String, headers: [(name: String, value: String)] = []
  ) {
    self.init(
      status, [UInt8]("{\"error\":\(FileSystem.readable(text).jsonLiteral)}".utf8),
      type: "application/json", headers: headers)
    problem = text
  }

  /// The value of a header.
  package subscript(name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// A line of the log.
package struct ServiceLogEntry: Sendable, Encodable {
  package enum Level: String, Sendable, Encodable { case info, warning, error }

  /// In UTC, as ISO 8601 has it.
  package var time: String
  package var level: Level
  package var message: String
  /// Of the request.
  package var id: String?
  package var method: String?
  package var path: String?
  package var status: Int?
  package var seconds: Double?
  /// Of the request's body.
  package var bytes: Int?
  package var model: String?
  package var version: Int?

  package init(_ level: Level, _ message: String) {
    time = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    self.level = level
    self.message = message
  }
}

/// Why a request is not answered as it was asked.
struct Refusal: ReadableError {
  var status: Int
  var description: String
  var headers: [(name: String, value: String)] = []

  init(_ status: Int, _ text: String, headers: [(name: String, value: String)] = []) {
    self.status = status
    description = text
    self.headers = headers
  }
}
