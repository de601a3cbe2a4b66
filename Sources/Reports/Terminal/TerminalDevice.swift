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

  package init(width: Int?) { self.width = width }

  package static var standardOutput: TerminalDevice { TerminalDevice(fileDescriptor: 1) }
  package static var standardError: TerminalDevice { TerminalDevice(fileDescriptor: 2) }

  private init(fileDescriptor: Int32) {
    guard isatty(fileDescriptor) == 1, ProcessInfo.processInfo.environment["TERM"] != "dumb" else {
      return
    }
    var size = winsize()
    let isKnown = ioctl(fileDescriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    width = isKnown ? Int(size.ws_col) : 80
  }

  package var isTerminal: Bool { width != nil }
}
