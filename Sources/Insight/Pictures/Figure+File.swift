import ConvNetFiles
import ConvNetImages
public import ConvNetReports
import Foundation

extension Figure {
  /// Writes the figure as the file's name ends: `.svg` or `.png`, whole or not at all.
  ///
  /// A sheet of pictures becomes pixels by itself. A drawing is brought to pixels by the program `rsvg-convert` (librsvg), twice
  /// as large as it is in SVG, on white.
  ///
  /// - Throws: ``InsightError/format(path:known:)`` for another ending, ``InsightError/noProgram(name:purpose:advice:)`` where
  ///   the
  ///   program is missing; ``FileError``.
  public func writeFile(to path: String) throws {
    switch FigureFormat(path: path) {
    case .svg: try write(to: path)
    case .png:
      if let sheet = self as? PictureSheet { return try sheet.image().writePNG(to: path) }
      try AtomicFile.write(rasterized(), to: path)
    case nil: throw InsightError.format(path: path, known: FigureFormat.allCases.map(\.ending))
    }
  }

  private func rasterized() throws -> [UInt8] {
    let program = "rsvg-convert"
    guard let tool = FigureFormat.program(program) else {
      throw InsightError.noProgram(
        name: program, purpose: "a PNG file of a drawing",
        advice: "install librsvg (Debian: librsvg2-bin), or name a file that ends in .svg")
    }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("convnet-figure-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (source, target) = (
      folder.appendingPathComponent("a.svg"), folder.appendingPathComponent("a.png")
    )
    try Data(plainSVG.utf8).write(to: source)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = [
      "--zoom", "2", "--background-color", "white", "-o", target.path, source.path,
    ]
    let messages = Pipe()
    process.standardError = messages
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let message = messages.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw InsightError.program(
        name: program, status: process.terminationStatus,
        message: String(decoding: message, as: UTF8.self))
    }
    return [UInt8](try Data(contentsOf: target))
  }
}

/// The formats in which figures are written.
package enum FigureFormat: String, CaseIterable {
  case png, svg

  package var ending: String { ".\(rawValue)" }

  /// The format that a name says.
  package init?(path: String) {
    guard let format = Self.allCases.first(where: { path.lowercased().hasSuffix($0.ending) }) else {
      return nil
    }
    self = format
  }

  /// - Throws: ``InsightError/format(path:known:)`` where a name says none, before there is work to lose.
  package static func require(_ path: String) throws {
    guard FigureFormat(path: path) != nil else {
      throw InsightError.format(path: path, known: allCases.map(\.ending))
    }
  }

  /// The path of a program that the shell would find.
  package static func program(_ name: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(name)" }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }
}
