import Foundation

/// The path of a file in the folder `Fixtures` beside the test's source file.
package func fixturePath(_ name: String, beside source: String = #filePath) -> String {
  URL(fileURLWithPath: source).deletingLastPathComponent()
    .appendingPathComponent("Fixtures").appendingPathComponent(name).path
}

/// The bytes of a file.
package func fileBytes(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}
