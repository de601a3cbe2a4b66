import Foundation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What an output is: a terminal of some width, or a file or pipe.
package struct TerminalDevice: Hashable, Sendable {
  /// Columns; `nil` where the output is no terminal, or one that cannot go back in a line.
  package var width: Int?

  /// Whether lines that became too long for a narrower window are broken, not cut.
  package var breaksLines: Bool

  package init(width: Int?, breaksLines: Bool = true) {
    self.width = width
    self.breaksLines = breaksLines
  }

  package static var standardOutput: TerminalDevice { TerminalDevice(fileDescriptor: 1) }
  package static var standardError: TerminalDevice { TerminalDevice(fileDescriptor: 2) }

  private init(fileDescriptor: Int32) {
    let environment = ProcessInfo.processInfo.environment
    // xterm and screen cut.
    breaksLines = environment["XTERM_VERSION"] == nil && environment["STY"] == nil
    guard isatty(fileDescriptor) == 1, environment["TERM"] != "dumb" else { return }
    var size = winsize()
    let isKnown = ioctl(fileDescriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    width = isKnown ? Int(size.ws_col) : 80
  }

  package var isTerminal: Bool { width != nil }
}
