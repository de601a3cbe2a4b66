import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("What the page of the lecture says to run can be run") struct LectureTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  private static func page() throws -> String {
    try String(contentsOfFile: "\(root)/docs/lecture.md", encoding: .utf8)
  }

  /// What the reader has: a trained model, and in place of a data set some pictures.
  private static func folder() throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    let model = try Model(
      validating: Network("small", input: .image(height: 12, width: 12, channels: 1)) {
        Conv2D(3, kernel: 5)
        Flatten()
        Dense(2)
      }, classNames: ["dark", "light"],
      preprocessing: Preprocessing(height: 12, width: 12, channels: 1))
    try model.save(to: folder.file("model.safetensors"))
    try writeClasses(["dark": 30, "light": 200], to: folder.file("pictures"))
    return folder
  }

  /// The code spans of the second column of the page's tables, as commands: one that names no program is as the one before it.
  private static func commands() throws -> [[String]] {
    try page().split(separator: "\n").filter { $0.hasPrefix("| ") }.flatMap { row in
      var commands: [[String]] = []
      for match in row.split(separator: "|")[1].matches(of: /`([^`]+)`/) {
        let words = match.1.split(separator: " ").map(String.init)
        if let last = commands.last, words.count == 1 {
          commands.append(last.dropLast() + words)
        } else {
          commands.append(words)
        }
      }
      return commands.filter { ["convnet", "Lecture"].contains($0[0]) }
    }
  }

  /// Runs the example, to its end.
  private func lecture(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let command = try #require(Invocation.executable, "the command is not built")
    let process = Process()
    process.executableURL = command.deletingLastPathComponent().appendingPathComponent("Lecture")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  @Test("every topic of the example is on the page, and prints numbers")
  func topics() throws {
    let (status, list) = try lecture([])
    #expect(status == 0)
    let topics = list.split(separator: "\n").map { String($0.prefix { $0 != " " }) }
    let named = try Self.commands().filter { $0[0] == "Lecture" }.map { $0[1] }
    #expect(Set(named) == Set(topics))
    for topic in topics {
      let (status, output) = try lecture([topic])
      #expect(status == 0, "\(topic)")
      #expect(output.contains(/[1-9]/) && !output.contains("nan"), "\(topic): \(output)")
    }
    #expect(try lecture(["convolutoin"]).status == 64)
  }

  @Test("convolution turns the kernel, cross-correlation does not")
  func convolution() throws {
    let output = try lecture(["convolution"]).output
    for shown in [
      "w itself\n     1     2     3\n", "w backwards\n     3     2     1\n",
      "convolution K * I\n     1     2     3\n     4     5     6\n     7     8     9\n",
      "half a circle\n     9     8     7\n     6     5     4\n     3     2     1\n",
    ] {
      #expect(output.contains(shown), "\(shown)")
    }
  }

  @Test("every command of the page is one that the command knows, of a network that it knows")
  func commands() throws {
    let commands = Set(try Self.commands().filter { $0[0] == "convnet" })
    #expect(commands.count > 20)
    let known = try Invocation(["models", "--json"]).output
    for command in commands {
      let arguments = Array(command.dropFirst())
      guard arguments[0] != "recipes" else {
        #expect(try Invocation(arguments).status == 0, "\(command)")
        continue
      }
      guard !["evaluate", "calibrate-batchnorm"].contains(arguments[0]) else {
        // Understood as a whole; only the reader's own file is missing.
        let errors = try Invocation(arguments).failure()
        #expect(errors.contains(arguments[1]), "\(command)")
        continue
      }
      guard arguments[0] != "prior" else {
        // Understood as a whole; only the picture is missing, which the command before it draws.
        #expect(try Invocation(arguments).failure().contains(arguments[2]), "\(command)")
        continue
      }
      guard !["visualize", "dataset"].contains(arguments[0]) else {
        // As it is, but for the data.
        let folder = try Self.folder()
        let own = arguments.map { $0 == "fashion-mnist" ? "pictures" : $0 }
        let run = try Invocation(own, in: folder.path)
        #expect(run.status == 0, "\(command): \(run.errors)")
        let place = try #require(arguments.firstIndex(of: "--output")) + 1
        #expect(try folder.contents().contains(arguments[place]), "\(command)")
        continue
      }
      if arguments.count > 1 { #expect(known.contains("\"\(arguments[1])\""), "\(command)") }
      // What is slow of a network is the same for all.
      var quick = arguments
      if arguments.count > 1 { quick[1] = "lenet5" }
      #expect(try Invocation(quick).status == 0, "\(command)")
    }
  }

  /// The page's script at work on another page, with programs that write down what they are asked for.
  ///
  /// - Returns: its status, and the commands in their order.
  private static func runScript(
    _ rows: [String], settings: [String: String] = [:]
  ) throws -> (status: Int32, errors: String, commands: [String]) {
    let directory = try TemporaryDirectory()
    try directory.write(fileBytes("\(root)/scripts/lecture"), to: "scripts/lecture")
    let page = ["| slide | to see it | code |", "|---|---|---|"] + rows
    try directory.write(Array(page.map { $0 + "\n" }.joined().utf8), to: "docs/lecture.md")
    let program = """
      #!/bin/sh
      echo "$*" >> ../../log
      case $* in
      train*) mkdir trained && echo > trained/model.safetensors ;;
      *model.safetensors*) test -f model.safetensors ;;
      *slow*) exec sleep 60 ;;
      *wrong*) exit 3 ;;
      esac
      """
    try directory.write(Array(program.utf8), to: "convnet")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: directory.file("convnet"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [
      directory.file("scripts/lecture"), directory.file("convnet"), directory.file("convnet"),
    ]
    process.environment = Invocation.environment(settings)
    process.standardOutput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let errors = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let log = String(decoding: try fileBytes(directory.file("log")), as: UTF8.self)
    return (
      process.terminationStatus, String(decoding: errors, as: UTF8.self),
      log.split(separator: "\n").map(String.init)
    )
  }

  @Test("the script trains a model and runs all commands but those on the reader's pictures")
  func script() throws {
    let (status, errors, commands) = try Self.runScript([
      "| a | `convnet summary a`, `b`; `convnet visualize filters model.safetensors` | `c` |",
      "| d | `Lecture topic`, then `--option` | |",
      "| e | `convnet evaluate model.safetensors --data pictures` | |",
    ])
    #expect(status == 0, "\(errors)")
    #expect(commands.first?.hasPrefix("train --model lenet5 ") == true)
    #expect(
      commands.dropFirst() == [
        "summary a", "summary b", "visualize filters model.safetensors", "topic",
      ])
  }

  @Test("the script fails by name where a command fails or takes too long")
  func failingScript() throws {
    let slow = try Self.runScript(
      ["| a | `convnet summary slow` | |", "| b | `convnet summary c` | |"],
      settings: ["LECTURE_SECONDS": "1"])
    #expect(slow.status == 1 && slow.errors.contains("convnet summary slow: took more than 1 s"))
    #expect(slow.commands.last == "summary slow")
    let wrong = try Self.runScript(["| a | `convnet summary wrong` | |"])
    #expect(wrong.status == 1)
    #expect(wrong.errors.contains("convnet summary wrong: ended with status 3"))
  }
}
