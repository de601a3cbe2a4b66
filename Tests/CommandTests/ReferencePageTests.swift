import ConvNet
import Foundation
import Testing

@Suite("The page of what there is by purpose names what the command knows")
struct ReferencePageTests {
  private let words: Set<String>

  init() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOfFile: "\(root.path)/docs/reference.md", encoding: .utf8)
    words = Set(
      page.matches(of: /`([^`]+)`/).flatMap { match in
        [String(match.1)] + match.1.split { " .,(".contains($0) }.map(String.init)
      })
  }

  @Test("every operation, model, data set and finished augmentation is on the page")
  func names() {
    for (kind, names) in [
      ("operation", Operation.builtIn.map { $0.name }), ("model", ModelRegistry.names),
      ("data set", DatasetCatalog.names), ("augmentation", Augmentation.presets.map(\.name)),
    ] {
      #expect(!names.isEmpty)
      let missing = names.filter { !words.contains($0) }
      #expect(missing.isEmpty, "docs/reference.md names no \(kind) of these")
    }
  }

  @Test("every command and every option is on the page, and no option that no command has")
  func options() throws {
    let help = try Invocation(["--experimental-dump-help"])
    let tree = try JSONDecoder().decode(Help.self, from: Data(help.output.utf8))
    var options: Set<String> = []
    for (path, command) in tree.command.leaves(below: nil) {
      #expect(words.contains(path), "docs/reference.md does not name the command \(path)")
      options.formUnion(command.optionNames)
    }
    #expect(options.count > 30)
    #expect(options.subtracting(words).sorted() == [])
    #expect(
      words.filter { $0.hasPrefix("--") }.map { String($0.split(separator: " ")[0]) }
        .filter { !options.contains($0) }.sorted() == [])
  }

  /// What the argument parser says of the command.
  private struct Help: Decodable {
    var command: Command

    struct Command: Decodable {
      var commandName: String
      var subcommands: [Command]?
      var arguments: [Argument]?

      /// The commands that do something, by their names.
      func leaves(below parent: String?) -> [(path: String, command: Command)] {
        (subcommands ?? []).filter { $0.commandName != "help" }.flatMap { command in
          let path = (parent.map { $0 + " " } ?? "") + command.commandName
          return command.subcommands?.contains { $0.commandName != "help" } == true
            ? command.leaves(below: path) : [(path, command)]
        }
      }

      var optionNames: [String] {
        (arguments ?? []).filter(\.shouldDisplay).flatMap { $0.names ?? [] }
          .filter { $0.kind == "long" }.map { "--" + $0.name }
      }
    }

    struct Argument: Decodable {
      var names: [Name]?
      var shouldDisplay: Bool
    }

    struct Name: Decodable {
      var kind: String
      var name: String
    }
  }
}
