import ConvNetTestSupport
import Foundation
import Testing

@Suite("What the articles of the documentation show runs") struct ArticleTests {
  @Test("every sample runs to its end, and says what its article expects")
  func samples() throws {
    let command = try #require(Invocation.executable, "the command is not built")
    let folder = try TemporaryDirectory()
    let process = Process()
    process.executableURL = command.deletingLastPathComponent().appendingPathComponent("Articles")
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = String(
      decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(output)")
    for shown in [
      #/right: 0\.[78]/#, #/taken for/#, #/pictures\/across\/0\.png/#,
      #/as they were: \["fc\.bias", "fc\.weight"\]/#, #/gradient: [0-9.]+e-/#, #/status: 200/#,
      #/status: 400/#, #/8x32x32/#, #/bytes of weights: [1-9]/#,
    ] {
      #expect(output.contains(shown), "\(output)")
    }
    let written = try folder.contents()
    for file in ["lenet5", "tuned", "own", "together"] {
      #expect(written.contains("\(file).safetensors"), "\(written)")
    }
  }
}
