import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

#if os(Linux)
  @Suite("Where there is no memory") struct MemoryTests {
    struct Want: Sendable, CustomTestStringConvertible {
      var arguments: String
      var says: String
      var testDescription: String { arguments }
    }

    static let wants = [
      Want(arguments: "benchmark vgg-d --seconds 0", says: "vgg-d: its parameters need 553"),
      Want(arguments: "explain vgg-d", says: "vgg-d: its parameters need 553"),
      Want(
        arguments: "benchmark lenet5 --batch 20000 --seconds 0 --threads 1",
        says: "bytes of memory"),
      Want(
        arguments: "benchmark resnet18 --batch 64 --mode training --seconds 0 --threads 1",
        says: "bytes of memory"),
      Want(
        arguments: "train --model vgg-d --data pictures --output out --epochs 1 --quiet",
        says: "vgg-d: its parameters need"),
      Want(
        arguments: "dataset benchmark pictures --input 6000x6000 --epochs 1",
        says: "bytes of memory for the pictures of"),
      Want(
        arguments: "dataset benchmark pictures --input 60000x60000 --epochs 1 --batch-size 1",
        says: "bytes of memory for the pictures of"),
    ]

    @Test("a failure says how many bytes were wanted, and for what", arguments: wants)
    func wanted(_ want: Want) throws {
      let directory = try TemporaryDirectory()
      try writePictures(to: directory)
      let run = try Invocation(
        want.arguments.split(separator: " ").map(String.init), in: directory.path,
        shell: #"ulimit -v 250000; exec "$0" "$@""#)
      let line = run.errors.split(separator: "\n").last.map(String.init) ?? ""
      #expect(run.status == 1 && line.hasPrefix("error: "), "\(run.status)")
      #expect(line.contains(want.says) && line.contains("cannot be had"), "\(line)")
    }

    @Test("a network's memory is told where there is none for its parameters")
    func told() throws {
      let run = try Invocation(
        ["summary", "vgg-d", "--json"], shell: #"ulimit -v 250000; exec "$0" "$@""#)
      #expect(run.status == 0 && run.errors.isEmpty)
      let memory = try #require((run.json() as? [String: Any])?["memory"] as? [String: Int])
      #expect(memory["parameterBytes"] == 4 * 138_357_544)
      #expect(try #require(memory["weightBytes"]) >= 4 * 138_357_544)
    }

    static let scarce = [
      "train --model lenet5 --data pictures --input 16x16 --batch-size 1000000000 --epochs 1",
      "train --model lenet5 --data pictures --input 16x16 --batch-size 24 --epochs 1",
      "benchmark resnet18 --input 32x32 --seconds 0 --tune off",
      "dataset inspect pictures --count 1000000 --columns 1000000 --output sheet.png",
    ]

    @Test(
      "whatever little there is, a command does its work or fails with words", arguments: scarce)
    func little(_ arguments: String) throws {
      let directory = try TemporaryDirectory()
      try writePictures(to: directory)
      let parts = arguments.split(separator: " ").map(String.init)
      for (index, limit) in [185_000, 195_000, 205_000, 220_000, 250_000].enumerated() {
        let output = parts[0] == "train" ? ["--output", "out\(index)", "--quiet"] : []
        let run = try Invocation(
          parts + output, in: directory.path, shell: #"ulimit -v \#(limit); exec "$0" "$@""#)
        let line = run.errors.split(separator: "\n").last.map(String.init) ?? ""
        // The loader of programs has its own words where they do not fit at all.
        guard run.status != 0, !line.contains("shared object") else { continue }
        #expect(run.status == 1 && line.hasPrefix("error: "), "\(limit): \(run.status), \(line)")
        #expect(
          ["bytes of memory", "the system has no", "cannot start a thread"].contains {
            line.contains($0)
          }, "\(limit): \(line)")
      }
    }

    @Test("threads that cannot be had are an error, too")
    func threads() throws {
      let run = try Invocation(
        ["benchmark", "lenet5", "--batch", "64", "--seconds", "0", "--threads", "1024"],
        shell: #"ulimit -v 500000; exec "$0" "$@""#)
      #expect(
        try run.failure()
          == "lenet5: the system has no 1024 threads for this process; compute on fewer")
    }
  }
#endif
