import ConvNetFuzzing
import ConvNetTestSupport
import Testing

/// The readers of all formats on damaged files. `make fuzz` does it for longer, and `make sanitize` with sanitizers.
@Suite("Damaged files")
struct FuzzingTests {
  private static func count(_ format: FuzzedFormat) -> Int {
    switch format {
    case .graph, .onnx: 3000
    default: 6000
    }
  }

  @Test(
    "Thousands of each format are read or refused, and nothing else",
    arguments: FuzzedFormat.allCases)
  func damage(of format: FuzzedFormat) async {
    await #expect(processExitsWith: .success) { [format = format as FuzzedFormat] in
      let directory = try TemporaryDirectory()
      var fuzzer = try Fuzzer(format, seed: 1, directory: directory.path)
      limitMemory(toExtra: 512 << 20)
      var accepted = 0
      for index in 0..<FuzzingTests.count(format) {
        if try fuzzer.read(fuzzer.input(index), index) { accepted += 1 }
      }
      // What leaves a file valid must occur, else the readers' depths are not reached.
      precondition(accepted > 20, "\(accepted) accepted")
    }
  }
}
