import ConvNetTestSupport
import Foundation
import Testing

@Suite("What the page of the lecture says to run can be run") struct LectureTests {
  private static func page() throws -> String {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return try String(contentsOfFile: "\(root.path)/docs/lecture.md", encoding: .utf8)
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
      guard arguments[0] != "visualize" else {
        guard !arguments.contains("model.safetensors") else {
          // Understood as a whole; only the reader's own file is missing.
          #expect(try Invocation(arguments).failure().contains("model.safetensors"))
          continue
        }
        // As it is, but for where the picture is written.
        let folder = try TemporaryDirectory()
        let place = try #require(arguments.firstIndex(of: "--output")) + 1
        var written = arguments
        written[place] = folder.file(arguments[place])
        #expect(try Invocation(written).status == 0, "\(command)")
        #expect(try !folder.contents().isEmpty, "\(command)")
        continue
      }
      if arguments.count > 1 { #expect(known.contains("\"\(arguments[1])\""), "\(command)") }
      // What is slow of a network is the same for all.
      var quick = arguments
      if arguments.count > 1 { quick[1] = "lenet5" }
      #expect(try Invocation(quick).status == 0, "\(command)")
    }
  }
}
