import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("predict takes what people have") struct PredictTests {
  /// A model that tells how bright a picture is, and pictures: 0.png is black, each further one lighter.
  private static func directory(pictures: Int = 3) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    let model = try Model(
      validating: Network("means", input: .image(height: 4, width: 4, channels: 3)) {
        GlobalPool.average
      }, classNames: ["red", "green", "blue"],
      preprocessing: Preprocessing(height: 4, width: 4, channels: 3))
    try model.save(to: directory.file("m.safetensors"))
    for number in 0..<pictures {
      let image = Image(
        height: 4, width: 4, color: .init(red: UInt8(20 * number), green: 10, blue: 10))
      try directory.write(image.encodedPNG(), to: "\(number).png")
    }
    try directory.write(Array("no picture".utf8), to: "junk.png")
    return directory
  }

  private static func rows(_ invocation: Invocation) throws -> [[String: Any]] {
    try #require(try invocation.json() as? [[String: Any]])
  }

  @Test("A bad picture is told and has an entry in its place; the others are classified")
  func goesOn() throws {
    let directory = try Self.directory()
    let names = ["0.png", "junk.png", "2.png", "missing.png", "no*.gif"]
    let text = try Invocation(["predict", "m.safetensors"] + names, in: directory.path)
    #expect(text.status == 1)
    let lines = text.output.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].hasPrefix("0.png: ") && lines[1].hasPrefix("2.png: red "))
    #expect(text.errors.contains("junk.png: none of PNG"))
    #expect(text.errors.contains("missing.png: No such file"))
    #expect(text.errors.contains("error: 3 of 5 pictures could not be read"))

    let json = try Invocation(["predict", "m.safetensors", "--json"] + names, in: directory.path)
    #expect(json.status == 1)
    let rows = try Self.rows(json)
    #expect(rows.map { $0["file"] as? String } == names)
    #expect(rows.map { $0["error"] != nil } == [false, true, false, true, true])
    #expect(rows.map { ($0["predictions"] as? [Any])?.count } == [3, 0, 3, 0, 0])
  }

  @Test("the least probability of a label is refused by a model that tells classes")
  func threshold() throws {
    let directory = try Self.directory()
    for arguments in [
      ["predict", "m.safetensors", "0.png"], ["evaluate", "m.safetensors", "--data", "absent"],
    ] {
      let run = try Invocation(arguments + ["--threshold", "0.5"], in: directory.path)
      #expect(run.status == 64 && run.output.isEmpty)
      #expect(
        run.errors.contains(
          "--threshold is for models that tell labels, and m.safetensors tells classes"),
        "\(run.errors)")
    }
  }

  @Test("A single bad picture is one error, and one entry of JSON")
  func single() throws {
    let directory = try Self.directory()
    let text = try convnet("predict", "m.safetensors", "junk.png", in: directory.path)
    #expect(try text.failure().hasPrefix("junk.png: none of PNG"))
    let json = try convnet("predict", "m.safetensors", "junk.png", "--json", in: directory.path)
    #expect(json.status == 1)
    #expect(try Self.rows(json).count == 1)
  }

  @Test("Folders, quoted patterns, standard input, pipes and lists, in their order")
  func sources() throws {
    let directory = try Self.directory()
    try FileManager.default.createDirectory(
      atPath: directory.file("deep/er"), withIntermediateDirectories: true)
    for name in ["deep/10.png", "deep/er/2.png"] {
      try FileManager.default.copyItem(
        atPath: directory.file("2.png"), toPath: directory.file(name))
    }
    try directory.write(Array("2.png\r\ndeep\r\n".utf8), to: "list.txt")
    func files(_ shell: String) throws -> [String?] {
      let run = try Invocation(
        ["predict", "m.safetensors", "--json"], in: directory.path, shell: shell)
      #expect(run.status == 0, "\(run.errors)")
      return try Self.rows(run).map { $0["file"] as? String }
    }
    #expect(try files(#""$0" "$@" deep 0.png"#) == ["deep/10.png", "deep/er/2.png", "0.png"])
    #expect(
      try files(#""$0" "$@" '[0-1].png' '**/2.png'"#) == [
        "0.png", "1.png", "2.png", "deep/er/2.png",
      ])
    #expect(try files(#"cat 2.png | "$0" "$@" 0.png -"#) == ["0.png", "-"])
    #expect(try files(#""$0" "$@" - < 2.png"#) == ["-"])
    #expect(
      try files(#""$0" "$@" 0.png --from-file list.txt"#)
        == ["0.png", "2.png", "deep/10.png", "deep/er/2.png"])
    #expect(
      try files(#"find deep -name '*.png' -print0 | "$0" "$@" --from-file -"#).count == 2)
    #expect(
      try files(#"mkfifo f; cat 1.png > f & "$0" "$@" f"#) == ["f"])
  }

  @Test("Standard input that is no picture, or empty, or is asked for twice")
  func standardInput() throws {
    let directory = try Self.directory()
    func run(_ arguments: [String], _ shell: String) throws -> Invocation {
      try Invocation(["predict", "m.safetensors"] + arguments, in: directory.path, shell: shell)
    }
    #expect(
      try run(["-"], #"echo no | "$0" "$@""#).failure().hasPrefix("standard input: none of PNG"))
    #expect(
      try run(["-"], #""$0" "$@" < /dev/null"#).failure() == "standard input: the file is empty")
    #expect(try run(["-", "--from-file", "-"], #""$0" "$@" < /dev/null"#).status == 64)
    #expect(try run(["--from-file", "-"], #""$0" "$@" < /dev/null"#).status != 0)
  }

  @Test("More pictures than a batch, with bad ones among them, as JSON in order")
  func many() throws {
    let directory = try Self.directory(pictures: 2)
    let names = (0..<150).map { $0 % 40 == 7 ? "junk.png" : "\($0 % 2).png" }
    try directory.write(Array(names.joined(separator: "\n").utf8), to: "list.txt")
    let run = try convnet(
      "predict", "m.safetensors", "--from-file", "list.txt", "--json", "--batch-size", "16",
      in: directory.path)
    let rows = try Self.rows(run)
    #expect(run.status == 1 && rows.map { $0["file"] as? String } == names)
    #expect(rows.count { $0["error"] != nil } == 4)
  }

  #if os(Linux)
    @Test("Names that are not UTF-8 are read, shown with their bytes, and valid in JSON")
    func bytes() throws {
      let directory = try Self.directory()
      let shell = #"mkdir -p d && cp 1.png "d/$(printf 'caf\351\n\001').png" && "$0" "$@" d"#
      let text = try Invocation(
        ["predict", "m.safetensors"], in: directory.path, shell: shell)
      #expect(text.status == 0 && text.output.hasPrefix(#"d/caf\xE9\x0A\x01.png: "#))
      let json = try Invocation(
        ["predict", "m.safetensors", "--json"], in: directory.path,
        shell: #""$0" "$@" "$(printf 'd/caf\351\n\001.png')" "$(printf 'no\377.png')""#)
      let rows = try Self.rows(json)
      #expect(rows.map { $0["file"] as? String } == ["d/caf\\xE9\n\u{1}.png", #"no\xFF.png"#])
      #expect(rows[0]["error"] == nil && rows[1]["error"] != nil)
    }
  #endif
}
