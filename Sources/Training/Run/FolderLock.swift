import ConvNetFiles
import Foundation

/// A folder that one process at a time writes into: a lock on the folder itself (`flock`), which leaves no file behind and ends
/// with the process, however that ends.
struct FolderLock: ~Copyable {
  private let descriptor: Int32

  /// Takes a folder for this process.
  ///
  /// A file system that has no locks gives one that keeps nobody out.
  ///
  /// - Returns: `nil` where another process has it.
  /// - Throws: ``FileError`` where the folder cannot be opened.
  init?(_ folder: String) throws(FileError) {
    descriptor = FileSystem.open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .last(.open, folder) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else { return nil }
  }

  // Also where none is given.
  deinit { if descriptor >= 0 { close(descriptor) } }
}
