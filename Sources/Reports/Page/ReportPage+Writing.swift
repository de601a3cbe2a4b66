import ConvNetFiles
import Foundation

extension ReportPage {
  /// Writes the page to a file, which appears whole or not at all.
  ///
  /// - Throws: ``FileError`` where the folder does not exist or cannot be written to.
  public func write(to path: String) throws { try AtomicFile.write(html, to: path) }
}

extension Figure {
  /// Writes the figure to an SVG file, which appears whole or not at all.
  ///
  /// - Throws: ``FileError`` where the folder does not exist or cannot be written to.
  public func write(to path: String) throws { try AtomicFile.write(svg, to: path) }
}

func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
