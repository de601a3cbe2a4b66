/// The declarations of some Swift sources, as far as their text tells: it is formatted, so that a line's indentation says what
/// the line belongs to.
struct Declarations {
  enum Kind { case type, `protocol`, `extension`, member, enumCase }

  struct Declaration {
    var kind: Kind
    /// With the types around it: `Padding.Sides.before`.
    var path: String
    /// In which a protocol's requirement and its witness agree: the name, and the first label where there are arguments.
    var key: String
    /// What a type or an extension says that it conforms to.
    var conformances: [String]
    var isPublic: Bool
    var isDocumented: Bool
    /// The type, protocol or extension that it is a member of.
    var owner: String?
    var ownerKind: Kind?
    var place: String
  }

  private(set) var all: [Declaration] = []

  init(in sources: [House.Source]) {
    for source in sources { read(source) }
  }

  // MARK: Reading

  private struct Scope {
    var indentation: Int
    var declaration: Declaration
    var isEnum: Bool
  }

  private struct Line {
    var indentation: Int
    var modifiers: [Substring]
    var keyword: Substring
    /// From the name on.
    var rest: Substring

    /// `nil` where no declaration begins. By hand: regular expressions take a minute for all lines.
    init?(_ line: Substring) {
      rest = line.drop { $0 == " " }
      indentation = line.utf8.count - rest.utf8.count
      keyword = ""
      modifiers = []
      while keyword.isEmpty {
        let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "@" || $0 == "_" }
        var after = rest[word.endIndex...]
        let next = after.drop { $0 == " " }
        // `class func` is no class.
        if Self.keywords.contains(word), !Self.members.contains(where: next.hasPrefix) {
          (keyword, rest) = (word, next)
          return
        }
        if after.first == "(" { after = after.drop { $0 != ")" }.dropFirst() }
        guard !word.isEmpty, after.first == " " else { return nil }
        modifiers.append(rest[..<after.startIndex])
        rest = after.drop { $0 == " " }
      }
    }

    private static let members = ["func ", "var ", "let ", "subscript("]
    private static let keywords: Set<Substring> = [
      "struct", "class", "enum", "actor", "protocol", "extension", "func", "var", "let", "init",
      "subscript", "case", "typealias", "associatedtype",
    ]
  }

  private mutating func read(_ source: House.Source) {
    let lines = source.text.split(separator: "\n", omittingEmptySubsequences: false)
    var scopes: [Scope] = []
    var isInText = false
    for (index, text) in lines.enumerated() {
      let isContinued = isInText
      if text.utf8.contains(UInt8(ascii: "\"")), text.ranges(of: "\"\"\"").count % 2 == 1 {
        isInText.toggle()
      }
      guard !isContinued, let line = Line(text) else { continue }
      while let last = scopes.last, last.indentation >= line.indentation { scopes.removeLast() }
      // What stands deeper is in the body of a function.
      guard line.indentation == (scopes.last.map { $0.indentation + 2 } ?? 0) else { continue }
      let place = "\(source.path):\(index + 1)"
      let found = declarations(
        of: line, head: Self.head(lines[index...]), in: scopes.last,
        isDocumented: Self.isDocumented(lines, above: index), place: place)
      all += found
      guard let first = found.first, [.type, .protocol, .extension].contains(first.kind) else {
        continue
      }
      let scope = Scope(
        indentation: line.indentation, declaration: first, isEnum: line.keyword == "enum")
      scopes.append(scope)
      // A body on the same line.
      if text.hasSuffix("}"), let brace = text.firstIndex(of: "{"),
        let member = Line(text[text.index(after: brace)...].dropLast().drop { $0 == " " })
      {
        all += declarations(
          of: member, head: String(member.rest), in: scope, isDocumented: false, place: place)
      }
    }
  }

  private func declarations(
    of line: Line, head: String, in scope: Scope?, isDocumented: Bool, place: String
  ) -> [Declaration] {
    let owner = scope?.declaration
    let kind: Kind
    switch line.keyword {
    case "struct", "class", "enum", "actor": kind = .type
    case "protocol": kind = .protocol
    case "extension": kind = .extension
    case "case":
      guard scope?.isEnum == true else { return [] }
      kind = .enumCase
    default: kind = .member
    }
    let isPublic =
      kind == .enumCase || owner?.kind == .protocol
      ? owner?.isPublic == true : line.modifiers.contains { $0 == "public" || $0 == "open" }
    let hasArguments = ["func", "init", "subscript"].contains(line.keyword)
    let arguments = head.drop { $0 != "(" }.dropFirst().drop { $0 == " " }
    let label = hasArguments ? "(" + arguments.prefix { $0.isLetter || $0 == "_" } : ""
    let names =
      switch line.keyword {
      case "init", "subscript": [line.keyword]
      case "case": Self.caseNames(line.rest)
      default: [Self.name(line.rest)]
      }
    return names.map { name in
      Declaration(
        kind: kind, path: (owner.map { $0.path + "." } ?? "") + name, key: name + label,
        conformances: [.member, .enumCase].contains(kind) ? [] : Self.conformances(head),
        isPublic: isPublic, isDocumented: isDocumented, owner: owner?.path,
        ownerKind: owner?.kind, place: place)
    }
  }

  /// A word, one with dots, or an operator.
  private static func name(_ text: Substring) -> Substring {
    let word = text.prefix { $0.isLetter || $0.isNumber || "_.`".contains($0) }
    return word.isEmpty ? text.prefix { !" (".contains($0) } : word
  }

  /// `a, b(Int, of: Int)` as a and b.
  private static func caseNames(_ text: Substring) -> [Substring] {
    var depth = 0
    let parts = text.split { character in
      if "([<".contains(character) { depth += 1 }
      if ")]>".contains(character) { depth -= 1 }
      return character == "," && depth == 0
    }
    return parts.map { name($0.drop { $0 == " " }) }
  }

  /// A declaration's first lines as one, up to its body.
  private static func head(_ lines: ArraySlice<Substring>) -> String {
    var head = ""
    for line in lines.prefix(12) {
      head += line
      if line.contains("{") || !("(,:".contains(line.last ?? " ")) { break }
    }
    return String(head.prefix { $0 != "{" })
  }

  /// What follows the colon of a type or an extension, names without their modules.
  private static func conformances(_ head: String) -> [String] {
    let list = head.firstMatch(of: /(?:\w+(?:<[^>]*>)?): *(.*?)(?: where .*)?$/)?.1 ?? ""
    return list.split(separator: ",").map { item in
      String(item.split { " .".contains($0) }.last ?? "")
    }
  }

  /// Whether a comment with words in it stands above a line, or above the attributes over it.
  private static func isDocumented(_ lines: [Substring], above index: Int) -> Bool {
    let above = lines[..<index].reversed().lazy.map { $0.drop { $0 == " " } }
    return above.drop { $0.hasPrefix("@") }.prefix { $0.hasPrefix("///") }
      .contains { $0.contains { $0.isLetter || $0.isNumber } }
  }
}

extension Declarations {
  /// What a client can name, and nothing is said of. A member that a protocol asks for needs no words of its own where the
  /// requirement has them.
  func undocumented() -> [Declaration] {
    let types = Dictionary(
      all.filter { $0.kind == .type || $0.kind == .protocol }.map { ($0.path, $0) },
      uniquingKeysWith: { first, _ in first })
    let conformances = conformances
    var requirements = Self.standardRequirements
    for declaration in all {
      if declaration.ownerKind == .protocol, let owner = declaration.owner {
        requirements[owner, default: []].insert(declaration.key)
      }
    }
    func isRequired(_ key: String, of path: String, through rest: Int = 8) -> Bool {
      rest > 0
        && (requirements[path]?.contains(key) == true
          || conformances[path, default: []].contains {
            isRequired(key, of: $0, through: rest - 1)
          })
    }
    // A type that is not declared here is another package's.
    func isReachable(_ path: String) -> Bool {
      guard let type = types[path] else { return true }
      return type.isPublic && (type.owner.map(isReachable) ?? true)
    }
    return all.filter { declaration in
      guard declaration.isPublic, !declaration.isDocumented, declaration.kind != .extension else {
        return false
      }
      guard let owner = declaration.owner else { return true }
      return isReachable(owner)
        && (declaration.ownerKind == .protocol || !isRequired(declaration.key, of: owner))
    }
  }

  /// The public types, protocols left out, that conform to a protocol, be it through others.
  func types(of kind: String) -> [Declaration] {
    let conformances = conformances
    func conforms(_ path: String, through rest: Int = 8) -> Bool {
      rest > 0
        && conformances[path, default: []].contains {
          $0 == kind || conforms($0, through: rest - 1)
        }
    }
    return all.filter { $0.kind == .type && $0.isPublic && conforms($0.path) }
  }

  /// What each type says that it conforms to, in all places together.
  private var conformances: [String: Set<String>] {
    all.reduce(into: [:]) { $0[$1.path, default: []].formUnion($1.conformances) }
  }

  private static let standardRequirements: [String: Set<String>] = [
    "CustomStringConvertible": ["description"],
    "LocalizedError": ["errorDescription", "failureReason", "recoverySuggestion", "helpAnchor"],
    "Equatable": ["==(left", "==(first"],
    "Hashable": ["==(left", "==(first", "hash(into"],
    "Codable": ["init(from", "encode(to"],
    "Decodable": ["init(from"],
    "Encodable": ["encode(to"],
    "ExpressibleByArrayLiteral": ["init(arrayLiteral"],
    "RandomNumberGenerator": ["next("],
  ]
}
