import Foundation

/// Why the operating system did not let a file be read or written.
public struct FileError: Error, Hashable, Sendable {
  public enum Operation: String, Hashable, Sendable {
    case open, examine, read, map, create, write, synchronize, replace, remove, list
    case createDirectory = "create the directory"
  }

  public enum Problem: Hashable, Sendable {
    /// The system's error number (`errno`).
    case system(code: Int32)
    /// A directory, a pipe or a device stands where a regular file is needed.
    case notRegularFile
  }

  public var path: String
  public var operation: Operation
  public var problem: Problem

  package init(path: String, operation: Operation, problem: Problem) {
    self.path = path
    self.operation = operation
    self.problem = problem
  }

  /// The error that the last failed system call left behind.
  package static func last(_ operation: Operation, _ path: String) -> FileError {
    FileError(path: path, operation: operation, problem: .system(code: errno))
  }
}

extension FileError: ReadableError {
  public var description: String {
    "cannot \(operation.rawValue) \(FileSystem.readable(path)): \(problem)"
  }
}

extension FileError.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .system(let code): String(cString: strerror(code))
    case .notRegularFile: "not a regular file"
    }
  }
}
