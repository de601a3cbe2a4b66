import Foundation
import Testing

@Suite("The page of what there is by purpose is complete") struct ReferencePageTests {
  @Test("every public type that can be put where one of its kind is wanted is on the page")
  func types() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let house = try House(repository: root.path)
    let page = try String(contentsOfFile: "\(root.path)/docs/reference.md", encoding: .utf8)
    let declarations = Declarations(in: house.sources.filter { $0.path.hasPrefix("Sources/") })
    let words = Set(page.matches(of: /`[^`]+`/).flatMap { $0.0.matches(of: /\w+/).map(\.0) })
    for kind in [
      "Layer", "Dataset", "AugmentationStep", "Objective", "Optimizer", "LearningRateSchedule",
      "GradientTransform", "Figure",
    ] {
      let types = declarations.types(of: kind).map(\.path)
      #expect(!types.isEmpty, "\(kind)")
      for type in types where !words.contains(Substring(type)) {
        Issue.record("docs/reference.md names \(type) nowhere, which is a \(kind)")
      }
    }
  }

  @Test("a type is of a kind by what it conforms to, and by what that conforms to")
  func kinds() {
    let text = """
      public protocol A {}
      public protocol B: A, Sendable {}
      public struct C: B {}
      public enum D {}
      struct E: A {}
      public final class F<Part: A>: Sendable {}
      extension D: Sendable, A {}
      """
    let declarations = Declarations(in: [House.Source(path: "a.swift", text: text)])
    #expect(declarations.types(of: "A").map(\.path) == ["C", "D"])
    #expect(declarations.types(of: "B").map(\.path) == ["C"])
  }
}
