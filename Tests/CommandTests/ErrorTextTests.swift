import ConvNet
import Foundation
import Testing

@Suite("Texts of errors") struct ErrorTextTests {
  static let errors: [any Error] = [
    thrown { _ = try Tensor(npy: "/nonexistent") },
    thrown { _ = try Tensor(parsingNPY: [1, 2, 3].span.bytes) },
    thrown { _ = try Safetensors(parsing: [1, 2, 3].span.bytes) },
    thrown { _ = try Image(decoding: [1, 2, 3].span.bytes) },
    thrown { _ = try WeightFile(#filePath) }, thrown { _ = try WeightFormat(forPath: "x.bin") },
    thrown { _ = try Model(validating: tooSmall) },
    thrown { _ = try DatasetCatalog.source("nowhere", root: nil) },
    thrown { _ = try Preprocessing(height: 0, width: 1, channels: 1) },
    thrown { _ = try Tensor(parsingIDX: [0, 0, 9, 9].span.bytes) },
    TrainingError.stopped(epoch: 2), AllocationError(byteCount: 1 << 40, purpose: "a test"),
  ]

  private static func thrown(_ body: () throws -> Void) -> any Error {
    do {
      try body()
      return CancellationError()
    } catch {
      return error
    }
  }

  /// A kernel of 11x11 on a picture of 8x8.
  static var tooSmall: Network {
    Network("small", input: .image(height: 8, width: 8, channels: 1)) { Conv2D(4, kernel: 11) }
  }

  @Test("the text for people is the description", arguments: errors)
  func text(_ error: any Error) {
    #expect(!(error is CancellationError))
    #expect(error.localizedDescription == "\(error)" && !error.localizedDescription.isEmpty)
  }

  @Test("every public error has it")
  func all() throws {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { folder.deleteLastPathComponent() }
    let sources = folder.appendingPathComponent("Sources")
    let files = try #require(
      FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var count = 0
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(
        of: #/(?m)^(?:public )?(?:struct|enum) (\w+): (?:Error|ReadableError)\b/#)
      {
        // What is read within a file, and never thrown out of its room, has no text.
        guard text.contains("CustomStringConvertible") || match.0.hasPrefix("public") else {
          continue
        }
        count += 1
        let name = match.1
        #expect(
          text.contains("\(name): ReadableError"), "\(name) in \(file.lastPathComponent)")
      }
    }
    #expect(count > 20)
  }

  @Test("a network whose layers do not fit ends the process with the reason, or throws it")
  func misfit() async throws {
    let error = #expect(throws: GraphError.self) { _ = try Model(validating: Self.tooSmall) }
    let reason = try #require(error?.description)
    let result = try await #require(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = Model(
        Network("small", input: .image(height: 8, width: 8, channels: 1)) { Conv2D(4, kernel: 11) })
    }
    let text = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(text.contains(reason), "\(text)")
  }

  @Test("mistakes in calls end the process with words, in release builds too")
  func mistakes() async throws {
    let index = try await #require(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { _ = Tensor(zeros: [2, 2])[3, 0] }
    #expect(
      String(decoding: index.standardErrorContent, as: UTF8.self)
        .contains("index [3, 0] is outside a tensor of shape 2x2"))
    let picture = try await #require(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { _ = Image(height: 0, width: 2, color: .white) }
    #expect(
      String(decoding: picture.standardErrorContent, as: UTF8.self)
        .contains("a picture needs at least one pixel"))
  }
}
