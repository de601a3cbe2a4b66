import Foundation

/// What is written of the rooms, in three places: the table of `docs/architecture.md`, the targets of `Package.swift`, and the
/// imports of the sources.
struct House {
  struct Source {
    /// From the repository's root.
    var path: String
    var text: String
  }

  static let pagePath = "docs/architecture.md"
  static let manifestPath = "Package.swift"

  var page: String
  var manifest: String
  /// Every Swift file, and one file at least of every folder in `Sources`.
  var sources: [Source]

  init(page: String, manifest: String, sources: [Source]) {
    self.page = page
    self.manifest = manifest
    self.sources = sources
  }

  /// Reads the repository at a path.
  init(repository: String) throws {
    func text(_ path: String) throws -> String {
      try String(contentsOfFile: "\(repository)/\(path)", encoding: .utf8)
    }
    page = try text(Self.pagePath)
    manifest = try text(Self.manifestPath)
    sources = []
    for folder in ["Sources", "Tests"] {
      let paths = FileManager.default.enumerator(atPath: "\(repository)/\(folder)")
      while let path = paths?.nextObject() as? String {
        guard [".swift", ".c", ".h"].contains(where: path.hasSuffix) else { continue }
        sources.append(Source(path: "\(folder)/\(path)", text: try text("\(folder)/\(path)")))
      }
    }
    sources.sort { $0.path < $1.path }
  }
}

/// The table of the page: a line a room, the rooms above it first.
struct RoomTable {
  struct Row {
    var names: [String]
    var imports: [String]
    var line: Int
  }

  private(set) var rows: [Row] = []

  /// Reads the table whose first column is called `room`. Names stand in backticks, imports between commas.
  init(parsing page: String) {
    var isInside = false
    for (index, line) in page.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard line.hasPrefix("|"), cells.count >= 3 else {
        isInside = false
        continue
      }
      if cells[0] == "room" {
        isInside = true
      } else if isInside, !cells[0].hasPrefix("-") {
        rows.append(
          Row(
            names: cells[0].matches(of: /`(\w+)`/).map { String($0.1) },
            imports: cells[2].matches(of: /\w+/).map { String($0.0) }, line: index + 1))
      }
    }
  }
}

/// The targets of the package, as far as their text tells.
struct Manifest {
  enum Kind: Hashable { case room, shim, tests, other }

  struct Target {
    var kind: Kind
    /// The module.
    var name: String
    var folder: String
    /// Modules of this package.
    var dependencies: [String]
    var line: Int
  }

  private(set) var targets: [Target] = []

  /// Reads `room("…", imports: …, shims: …)`, `tests(of: …)` and the targets that are written out, with lists of names that are
  /// literals, constants of the file, or sums of these.
  init(parsing text: String) {
    var constants: [String: [String]] = [:]
    func names(_ expression: Substring) -> [String] {
      expression.matches(of: /"(\w+)"|(\w+)/).flatMap { match -> [String] in
        if let literal = match.1 { return [String(literal)] }
        return match.2.flatMap { constants[String($0)] } ?? []
      }
    }
    for match in text.matches(of: /(?m)^let (\w+) = (\[.*)$/) {
      constants[String(match.1)] = names(match.2)
    }
    for match in text.matches(
      of: /\b(room|tests|target|executableTarget|testTarget)\(\s*(?:of:|name:)?\s*"(\w+)"/)
    {
      let line = text[..<match.range.lowerBound].count { $0 == "\n" } + 1
      let call = Self.call(in: text[match.range.lowerBound...])
      let name = String(match.2)
      func list(_ label: String) -> [String] {
        guard let start = call.firstRange(of: "\(label): ")?.upperBound else { return [] }
        // Up to the next argument.
        let rest = call[start...]
        let end = rest.firstMatch(of: #/,\s*\w+: /#)?.range.lowerBound ?? rest.endIndex
        return names(rest[..<end])
      }
      func literals() -> [String] {
        guard let start = call.firstRange(of: "dependencies: [")?.upperBound else { return [] }
        // Products of other packages stand in brackets of their own.
        let rest = call[start...].replacing(/\.product\([^)]*\)/, with: "")
        let end = rest.firstIndex(of: "]") ?? rest.endIndex
        return names(rest[..<end])
      }
      let folder = call.firstMatch(of: /\bpath: "([^"]+)"/).map { String($0.1) }
      switch match.1 {
      case "room":
        targets.append(
          Target(
            kind: .room, name: "ConvNet\(name)", folder: "Sources/\(name)",
            dependencies: list("imports").map { "ConvNet\($0)" } + list("shims"), line: line))
      case "tests":
        targets.append(
          Target(
            kind: .tests, name: "\(name)Tests", folder: "Tests/\(name)Tests",
            dependencies: ([name] + list("imports")).map { "ConvNet\($0)" } + list("shims"),
            line: line))
      default:
        targets.append(
          Target(
            kind: isShim(name) && folder == nil ? .shim : .other, name: name,
            folder: folder ?? "Sources/\(name)", dependencies: literals(), line: line))
      }
    }
  }

  /// The text of a call, from its name to the bracket that closes it.
  private static func call(in text: Substring) -> Substring {
    var depth = 0
    for index in text.indices {
      if text[index] == "(" { depth += 1 }
      if text[index] == ")" {
        depth -= 1
        if depth == 0 { return text[...index] }
      }
    }
    return text
  }
}

/// Whether a module is called as the shims are: a C and a name.
func isShim(_ module: String) -> Bool {
  module.wholeMatch(of: /C[A-Z]\w*/) != nil
}

extension House.Source {
  struct Import {
    var module: String
    var line: Int
    var isExported: Bool
  }

  /// The modules of this package that the file imports.
  var imports: [Import] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.enumerated().compactMap { index, line in
      var words = line.split(separator: " ")[...]
      let attributes = words.prefix { $0.hasPrefix("@") }
      words = words.dropFirst(attributes.count)
      if let first = words.first, Self.accessLevels.contains(first) { words = words.dropFirst() }
      guard words.popFirst() == "import", let last = words.first else { return nil }
      // What is imported of a module alone has its kind before it, and its name behind.
      let path = Self.kinds.contains(last) ? words.dropFirst().first ?? "" : last
      let module = String(path.prefix { $0 != "." })
      guard module.hasPrefix("ConvNet") || isShim(module) else { return nil }
      return Import(
        module: module, line: index + 1, isExported: attributes.contains("@_exported"))
    }
  }

  private static let accessLevels: Set<Substring> = [
    "public", "package", "internal", "fileprivate", "private",
  ]
  private static let kinds: Set<Substring> = [
    "struct", "class", "enum", "protocol", "func", "let", "var", "typealias",
  ]
}
