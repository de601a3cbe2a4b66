import Foundation
import Testing

@Suite("Spelling") struct SpellingTests {
  @Test("words that names in code have are spelled in sentences as there")
  func color() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let sources = try House(repository: root.path).sources
    #expect(sources.contains { $0.text.contains("color") })
    // Not written whole, or this file would be one of them.
    let other = "colo" + "ur"
    for source in sources where source.text.lowercased().contains(other) {
      Issue.record("\(source.path): \(other) beside color")
    }
  }
}
