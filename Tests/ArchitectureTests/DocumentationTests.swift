import Foundation
import Testing

@Suite("What a client can name says what it is") struct DocumentationTests {
  @Test("every public declaration of the library has a comment above it")
  func repository() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let sources = try House(repository: root.path).sources
      .filter { $0.path.hasPrefix("Sources/") && $0.path.hasSuffix(".swift") }
    let declarations = Declarations(in: sources)
    #expect(declarations.all.count { $0.isPublic } > 2000)
    for declaration in declarations.undocumented() {
      Issue.record("\(declaration.place): nothing is said of \(declaration.path)")
    }
  }

  @Test(
    "undocumented declarations are found wherever they stand",
    arguments: [
      ("public func f() {}", ["f"]),
      ("/// Words.\npublic func f() {}", []),
      ("///\npublic func f() {}", ["f"]),
      ("// Words.\npublic func f() {}", ["f"]),
      ("/// Words.\n@available(*, deprecated)\n@discardableResult\npublic func f() {}", []),
      ("@discardableResult public func f() {}", ["f"]),
      ("func f() {}\npackage func g() {}", []),
      ("let text = \"\"\"\npublic func f() {}\n\"\"\"", []),
      ("/// A.\npublic struct A {\n  public private(set) var b = 0\n  var c = 0\n}", ["A.b"]),
      ("/// A.\npublic struct A { public init() {} }", ["A.init"]),
      (
        "/// A.\npublic struct A {\n  init() {}\n\n  public subscript(a: Int) -> Int { 0 }\n}",
        ["A.subscript"]
      ),
      ("struct A {\n  public var b = 0\n}\n\nextension A {\n  public var c: Int { 0 }\n}", []),
      ("extension Int {\n  public static func += (left: Int, right: Int) {}\n}", ["Int.+="]),
      (
        "extension Int {\n  /// B.\n  public struct B {\n    public class func f() {\n      public\n    }\n  }\n}",
        ["Int.B.f"]
      ),
      (
        "/// A.\npublic enum A {\n  case b, c(Int, of: Int)\n  /// D.\n  case d\n\n  var e: Int {\n    switch self {\n    case .b: 0\n    }\n  }\n}",
        ["A.b", "A.c"]
      ),
      ("/// A.\npublic enum A { case b, c }", ["A.b", "A.c"]),
      ("enum A {\n  case b\n}", []),
      ("/// A.\npublic protocol A {\n  var b: Int { get }\n  /// C.\n  func c()\n}", ["A.b"]),
      ("protocol A {\n  var b: Int { get }\n}", []),
    ])
  func places(_ text: String, _ expected: [String]) {
    #expect(undocumented(text) == expected)
  }

  @Test("a member that a protocol asks for is said by the requirement, another of its name is not")
  func witnesses() {
    let protocols = """
      /// A.
      public protocol A: CustomStringConvertible {
        /// B.
        var b: Int { get }
        /// C.
        func c(of value: Int)
      }

      """
    let members = """
        public var b = 0
        public var description: String { "" }
        public func c(
          of value: Int
        ) {}
        public func c(by value: Int) {}
        public func encode(to encoder: any Encoder) {}
      }
      """
    for (head, expected) in [
      ("/// S.\npublic struct S: A, Codable {", ["S.c"]),
      ("/// S.\npublic struct S<Key: Hashable>: Sendable,\n  A\n{", ["S.c", "S.encode"]),
      ("/// S.\npublic struct S {}\nextension S: M.A {}\nextension S {", ["S.c", "S.encode"]),
      ("extension A {", ["A.c", "A.encode"]),
      ("/// S.\npublic struct S: Codable {", ["S.b", "S.description", "S.c", "S.c"]),
    ] {
      #expect(undocumented(protocols + head + "\n" + members) == expected, "\(head)")
    }
  }

  private func undocumented(_ text: String) -> [String] {
    Declarations(in: [House.Source(path: "a.swift", text: text)]).undocumented().map(\.path)
  }
}
