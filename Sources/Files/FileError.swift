import Foundation

/// Why the operating system did not let a file be read or written.
public struct FileError: Error, Hashable, Sendable {
  /// What was asked of the operating system.
  public enum Operation: String, Hashable, Sendable {
    /// Opening a file that is there.
    case open
    /// Asking for its kind and size.
    case examine
    /// Reading its bytes.
    case read
    /// Mapping it into memory.
    case map
    /// Making a new file.
    case create
    /// Writing bytes.
    case write
    /// Bringing what was written to the disk.
    case synchronize
    /// Putting a finished file in the place of another.
    case replace
    /// Deleting it.
    case remove
    /// Reading the names in a directory.
    case list
    /// Making a directory, and those above it.
    case createDirectory = "create the directory"
  }

  /// What the answer was.
  public enum Problem: Hashable, Sendable {
    /// The system's error number (`errno`).
    case system(code: Int32)
    /// A directory, a pipe or a device stands where a regular file is needed.
    case notRegularFile
  }

  /// The file or directory.
  public var path: String
  /// What was being done with it.
  public var operation: Operation
  /// Why it was not possible.
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
