import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("prior repairs pictures, and refuses what it cannot repair") struct PriorCommandTests {
  private static func directory() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    var image = Image(height: 20, width: 18, color: .init(grey: 90))
    for row in 5..<12 { for column in 3..<9 { image[row, column, 0] = 200 } }
    try directory.write(image.encodedPNG(), to: "a.png")
    try directory.write(image.converted(toChannels: 1).encodedPNG(), to: "grey.png")
    var mask = Image(height: 20, width: 18, color: .white, channels: 1)
    for row in 2..<6 { for column in 2..<6 { mask[row, column, 0] = 0 } }
    try directory.write(mask.encodedPNG(), to: "mask.png")
    try directory.write(
      Image(height: 40, width: 36, color: .init(grey: 90)).encodedPNG(), to: "large.png")
    return directory
  }

  private static let network = [
    "--scales", "2", "--channels", "8", "--iterations", "3", "--threads", "1",
  ]

  private static let commands: [[String]] = [
    ["denoise", "a.png", "--reference", "a.png"], ["denoise", "grey.png"],
    ["inpaint", "a.png", "--mask", "mask.png", "--reference", "a.png"],
    ["inpaint", "a.png", "--mask", "mask.png", "--invert-mask", "--large-holes"],
    ["superresolve", "a.png", "--factor", "2", "--reference", "large.png"],
    ["restore", "a.png", "--missing", "0.4"], ["flash", "a.png", "--flash", "a.png"],
  ]

  @Test("each way writes a picture, a strip and an animation, and prints JSON", arguments: commands)
  func results(_ arguments: [String]) throws {
    let directory = try Self.directory()
    let run = try Invocation(
      ["prior"] + arguments + Self.network + [
        "--output", "o.png", "--strip", "s.svg", "--animation", "m.png", "--csv", "t.csv",
        "--snapshots", "steps", "--json",
      ], in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    let result = try #require(run.json() as? [String: Any])
    #expect(result["iterations"] as? Int == 3)
    let hasReference = arguments.contains("--reference") || arguments[0] == "restore"
    #expect((result["psnr"] is Double) == hasReference)
    let picture = try Image(contentsOf: directory.file("o.png"))
    let factor = arguments[0] == "superresolve" ? 2 : 1
    #expect(picture.height == 20 * factor && picture.width == 18 * factor)
    #expect(picture.channels == (arguments[1] == "grey.png" ? 1 : 3))
    #expect(try Image(contentsOf: directory.file("m.png")).height == picture.height)
    let strip = String(decoding: try fileBytes(directory.file("s.svg")), as: UTF8.self)
    #expect(strip.contains("after 1 step<") && strip.contains("result, 3 steps"))
    let rows = String(decoding: try fileBytes(directory.file("t.csv")), as: UTF8.self)
      .split(separator: "\n")
    #expect(rows.count == 4 && rows[1].hasPrefix("1,0."))
    let snapshots = try FileManager.default.contentsOfDirectory(atPath: directory.file("steps"))
    #expect(snapshots.sorted() == ["000001.png", "000002.png"])
  }

  @Test("a fit that was kept goes on, with its snapshots, to the same picture")
  func resuming() throws {
    let directory = try Self.directory()
    func run(_ output: String, _ iterations: Int, _ more: [String]) throws -> Invocation {
      try Invocation(
        [
          "prior", "denoise", "a.png", "--scales", "2", "--channels", "8", "--threads", "1",
          "--iterations", "\(iterations)", "--output", output,
        ] + more, in: directory.path)
    }
    #expect(try run("whole.png", 6, []).status == 0)
    let state = ["--checkpoint", "state", "--snapshots", "steps"]
    #expect(try run("half.png", 2, state).status == 0)
    let refused = try run("rest.png", 6, state)
    #expect(refused.status == 1 && refused.errors.contains("--resume"))
    let rest = try run("rest.png", 6, state + ["--resume", "--strip", "s.svg"])
    #expect(rest.status == 0, "\(rest.errors)")
    #expect(
      try fileBytes(directory.file("rest.png")) == fileBytes(directory.file("whole.png")))
    let strip = String(decoding: try fileBytes(directory.file("s.svg")), as: UTF8.self)
    #expect(strip.contains("after 1 step<") && strip.contains("after 5 steps"))
  }

  @Test("a signal keeps the picture so far and the state")
  func interruption() throws {
    let directory = try Self.directory()
    let running = try RunningInvocation(
      [
        "prior", "denoise", "a.png", "--scales", "2", "--channels", "8", "--threads", "1",
        "--iterations", "1000000", "--patience", "0", "--output", "o.png", "--checkpoint", "state",
        "--snapshots", "steps", "--quiet",
      ], in: directory.path)
    running.waitForFile(directory.file("steps/000005.png"))
    running.send(SIGINT)
    let run = try running.finished()
    #expect(run.status == 128 + SIGINT && run.output.isEmpty)
    #expect(run.errors.contains("stopped by SIGINT") && run.errors.contains("--resume goes on"))
    #expect(try Image(contentsOf: directory.file("o.png")).height == 20)
    #expect(try PriorCheckpoint(contentsOf: directory.file("state")).iteration >= 5)
  }

  @Test(
    "what cannot be repaired is refused in a line",
    arguments: [
      (["inpaint", "a.png", "--mask", "large.png"], "the mask is 36x40, must be 18x20"),
      (["denoise", "a.png", "--reference", "large.png"], "the reference is 36x40, must be 18x20"),
      (["flash", "a.png", "--flash", "large.png"], "must be 18x20"),
      (["restore", "a.png", "--missing", "1"], "must be within 0 and 1"),
      (["superresolve", "a.png", "--factor", "1"], "must be from 2 to 16"),
      (["denoise", "a.png", "--learning-rate", "0"], "must be a finite number above zero"),
      (["denoise", "a.png", "--strip", "s.pdf"], ".png or .svg"),
      (["denoise", "none.png"], "none.png"),
    ])
  func refusals(_ arguments: [String], _ words: String) throws {
    let directory = try Self.directory()
    let run = try Invocation(
      ["prior"] + arguments + Self.network + ["--output", "o.png"], in: directory.path)
    #expect(try run.failure().contains(words), "\(run.errors)")
  }

  @Test("a picture too large for memory is refused with the size that fits")
  func memory() throws {
    let directory = try TemporaryDirectory()
    try directory.write(
      Image(height: 1200, width: 1600, color: .white, channels: 1).encodedPNG(), to: "big.png")
    let run = try Invocation(
      ["prior", "denoise", "big.png", "--output", "o.png", "--threads", "1"], in: directory.path,
      shell: "ulimit -v 4000000; exec \"$0\" \"$@\"")
    let failure = try run.failure()
    let found = try #require(
      failure.firstMatch(of: /1600x1200 needs \d+ bytes .* one of (\d+)x(\d+)/))
    let (width, height) = (try #require(Int(found.1)), try #require(Int(found.2)))
    #expect(width < 1600 && width > 200 && abs(width * 3 - height * 4) < 8)
  }

  @Test(
    "arguments that make no sense are a matter of usage",
    arguments: [
      ["--output", "o.jpg"], ["--output", "o.png", "--resume"],
      ["--output", "o.png", "--scales", "9"], ["--output", "o.png", "--window", "1"],
      ["--output", "o.png", "--channels", "0"], ["--output", "o.png", "--patience", "-1"],
    ])
  func usage(_ arguments: [String]) throws {
    let directory = try Self.directory()
    let run = try Invocation(["prior", "denoise", "a.png"] + arguments, in: directory.path)
    #expect(run.status == 64)
  }
}
