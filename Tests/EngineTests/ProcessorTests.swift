import CKernels
import ConvNetEngine
import Foundation
import Testing

/// What the process may use of the processor; `make test` holds it to fewer instructions, too.
@Suite("Processor") struct ProcessorTests {
  @Test("loops of ours use the instructions in use: a fused multiply-add rounds once")
  func loops() {
    let instructions = Processor.current.instructions
    if let asked = ProcessInfo.processInfo.environment["CONVNET_INSTRUCTIONS"], !asked.isEmpty {
      #expect(instructions.rawValue == asked)
    }
    #if arch(arm64)
      let fuses = true
    #else
      let fuses = instructions > .portable
    #endif
    let old = (0..<100).map { 1 / Float($0 + 3) }
    let weights = old.map { 1 / (2 + $0) }
    var averages = old
    ck_average_weights(&averages, weights, averages.count, 0.3)
    let roundedOnce = zip(old, weights).map { $0.addingProduct(0.3, $1 - $0) }
    let roundedTwice = zip(old, weights).map { $0 + 0.3 * ($1 - $0) }
    #expect(roundedOnce != roundedTwice)
    #expect(averages == (fuses ? roundedOnce : roundedTwice))
  }

  @Test("the library is told with its whole version, one of those that the shim is for")
  func library() throws {
    // "oneDNN 2.6.3", and where it is forbidden "oneDNN 2.6.3, off".
    let words = ComputeEnvironment.current.library.split { $0 == " " || $0 == "," }
    #expect(words.first == "oneDNN")
    let numbers = try #require(words.dropFirst().first).split(separator: ".").compactMap { Int($0) }
    #expect(numbers.count == 3)
    #expect([2, 3].contains(numbers.first))
  }
}
