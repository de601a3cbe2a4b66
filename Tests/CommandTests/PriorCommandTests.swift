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
    for (name, color) in [("white", Image.Color.white), ("black", .black)] {
      try directory.write(
        Image(height: 20, width: 18, color: color, channels: 4).encodedPNG(), to: "\(name).png")
    }
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
    #expect(result["iterationsRun"] as? Int == 3)
    #expect(
      result["saved"] as? [String] == ["o.png", "s.svg", "m.png", "steps", "t.csv"])
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

  private static func denoise(
    _ directory: borrowing TemporaryDirectory, iterations: Int, _ more: [String]
  ) throws -> Invocation {
    try Invocation(
      [
        "prior", "denoise", "a.png", "--scales", "2", "--channels", "8", "--threads", "1",
        "--iterations", "\(iterations)", "--output", "o.png", "--checkpoint", "state",
      ] + more, in: directory.path)
  }

  private static func lines(of path: String) throws -> [String] {
    String(decoding: try fileBytes(path), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test("a fit that goes on keeps the rows of its table and the pictures of its strip")
  func continuing() throws {
    let whole = try Self.directory()
    let directory = try Self.directory()
    let told = ["--csv", "t.csv", "--reference", "a.png", "--strip", "s.svg"]
    #expect(try Self.denoise(whole, iterations: 8, told).status == 0)
    #expect(try Self.denoise(directory, iterations: 3, told).status == 0)
    let early = try Self.lines(of: directory.file("t.csv"))
    // Rows beyond the state, as of a process that was killed, are computed once more.
    try directory.write(
      Array((early + ["4,1,,1", "5,1,,1"]).map { $0 + "\n" }.joined().utf8), to: "t.csv")
    let rest = try Self.denoise(directory, iterations: 8, told + ["--resume"])
    #expect(rest.status == 0, "\(rest.errors)")
    #expect(rest.output.contains("8 steps, the last 5 of them in "))
    #expect(
      try Self.lines(of: directory.file("t.csv")) == Self.lines(of: whole.file("t.csv")))
    for name in ["after 1 step<", "after 2 steps", "after 5 steps"] {
      for strip in [whole.file("s.svg"), directory.file("s.svg")] {
        #expect(String(decoding: try fileBytes(strip), as: UTF8.self).contains(name), "\(name)")
      }
    }
    // With nothing to do nothing is lost, and no number is made up.
    let nothing = try Self.denoise(directory, iterations: 8, told + ["--resume", "--json"])
    let result = try #require(nothing.json() as? [String: Any])
    #expect(result["iterations"] as? Int == 8 && result["iterationsRun"] as? Int == 0)
    #expect(result["loss"] is NSNull && result["iterationsPerSecond"] is NSNull)
    #expect(
      try Self.lines(of: directory.file("t.csv")) == Self.lines(of: whole.file("t.csv")))
    let less = try Self.denoise(directory, iterations: 2, ["--resume"])
    #expect(
      less.output.hasPrefix(
        "nothing was left to do: the fit has 8 steps; --iterations is 2, and with more than 8 it goes on"
      ),
      "\(less.output)")
  }

  @Test("a table of something else is not written over, and one that lacks steps is told")
  func otherTables() throws {
    let directory = try Self.directory()
    #expect(try Self.denoise(directory, iterations: 2, []).status == 0)
    try directory.write(Array("name,grade\na,1\n".utf8), to: "t.csv")
    let other = try Self.denoise(directory, iterations: 4, ["--resume", "--csv", "t.csv"])
    #expect(try other.failure().hasPrefix("t.csv is no table of a fit"))
    #expect(try Self.lines(of: directory.file("t.csv")) == ["name,grade", "a,1"])
    let rows = "iteration,loss,variance,psnr\n1,0.5,,\n2,0.5,,\n"
    try directory.write(Array(rows.utf8), to: "t.csv")
    let another = try Self.denoise(directory, iterations: 4, ["--resume", "--csv", "t.csv"])
    #expect(
      try another.failure().hasPrefix(
        "t.csv is the table of another fit: its loss of step 2 is 0.5, that of the state 0."))
    #expect(String(decoding: try fileBytes(directory.file("t.csv")), as: UTF8.self) == rows)
    let late = try Self.denoise(directory, iterations: 4, ["--resume", "--csv", "new.csv"])
    #expect(late.status == 0 && late.errors.contains("new.csv has 0 of the first 2 steps"))
    #expect(
      try Self.lines(of: directory.file("new.csv")).map { $0.prefix(2) } == ["it", "3,", "4,"])
  }

  @Test("a state that is there is not lost, and the option to change is the state's")
  func usedState() throws {
    let directory = try Self.directory()
    #expect(try Self.denoise(directory, iterations: 1, []).status == 0)
    #expect(
      try Self.denoise(directory, iterations: 1, []).failure()
        == "state holds a fit already; go on with --resume, or name another file with --checkpoint")
  }

  @Test("a reference in other colors is told")
  func otherColors() throws {
    let directory = try Self.directory()
    for (arguments, words) in [
      (["restore", "a.png", "--reference", "grey.png"], "grey.png is grey and"),
      (["denoise", "grey.png", "--reference", "a.png"], "a.png is in color and"),
    ] {
      let run = try Invocation(
        ["prior"] + arguments + Self.network + ["--output", "o.png"], in: directory.path)
      #expect(run.status == 0 && run.errors.contains(words), "\(run.errors)")
    }
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
      (
        ["flash", "a.png", "--flash", "large.png"],
        "large.png, the picture with a flash of a.png, is 36x40, must be 18x20"
      ),
      (["inpaint", "a.png", "--mask", "white.png"], "the mask is white everywhere"),
      (
        ["inpaint", "a.png", "--mask", "black.png", "--invert-mask"],
        "the inverted mask is white everywhere"
      ),
      (["restore", "a.png", "--missing", "1"], "must be above 0 and below 1"),
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
      failure.firstMatch(of: /1600x1200 needs [\d.]+ GB of memory, .* one of (\d+)x(\d+)/))
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

@Suite("visualize says what is wrong with files, layers and numbers")
struct VisualizeMessageTests {
  /// A small model, weights without a network, and some pictures.
  private static func directory() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    let model = try Model(
      validating: Network("tiny", input: .image(height: 12, width: 12, channels: 1)) {
        Conv2D(4, kernel: 5).named("conv1")
        Flatten()
        Dense(2).named("dense1")
      }, seed: 1, classNames: ["dark", "light"],
      preprocessing: Preprocessing(height: 12, width: 12, channels: 1))
    try model.save(to: directory.file("m.safetensors"))
    try Safetensors(
      tensors: ["conv1.weight": .random([2, 1, 5, 5], seed: 1)], metadata: [:]
    ).write(to: directory.file("weights.safetensors"))
    try writeClasses(["dark": 30, "light": 200], to: directory.file("data"))
    return directory
  }

  @Test(
    "what is refused names the option, the layer or the number that is at fault",
    arguments: [
      (
        ["embedding", "m.safetensors", "--data", "data", "--limit", "3"],
        "there are 3 pictures for t-sne, needed are at least 5"
      ),
      (
        ["landscape", "m.safetensors", "--data", "data"],
        "o.csv holds losses already; go on with --resume, or name another file with --output"
      ),
      (
        ["filters", "m.safetensors", "--layer", "dense1"],
        "dense1 of tiny is no convolution, so that it has no kernels; one of conv1 has"
      ),
      (
        ["filters", "weights.safetensors", "--layer", "conv.weight"],
        "unknown tensor conv.weight; did you mean conv1.weight? "
      ),
    ])
  func refusals(_ arguments: [String], _ message: String) throws {
    let directory = try Self.directory()
    try directory.write([], to: "o.csv")
    let run = try Invocation(
      ["visualize"] + arguments + ["--output", "o.svg"], in: directory.path)
    #expect(try run.failure().hasPrefix(message))
  }

  @Test("filters counts the Gabor functions, and no middle of none")
  func filters() throws {
    let directory = try Self.directory()
    func run(_ more: [String]) throws -> Invocation {
      try Invocation(
        ["visualize", "filters", "m.safetensors", "--gabor", "--output", "o.svg"] + more,
        in: directory.path)
    }
    let text = try run([]).output
    #expect(text.contains("kernels of conv1 of tiny "), "\(text)")
    #expect(
      text.contains("explaining at least 70 % of their variance") && !text.contains("octaves none"))
    let row = try #require(try run(["--json"]).json() as? [String: Any])
    #expect(row["bells"] is Int && (row["bandwidths"] as? [Int])?.count == 8)
  }
}
