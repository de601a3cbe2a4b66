import Foundation
import Synchronization

/// A file under a temporary name beside the one that it will become. Who was killed before that leaves it behind; the next
/// process that writes into the folder removes it.
///
/// Its process holds a lock on it (`flock`), which ends with the process however that ends. So a file that can be locked has no
/// owner, also where process numbers come again, or others count them (a folder that containers share).
struct TemporaryFile: ~Copyable {
  let path: String
  let descriptor: Int32
  private var isOpen = true
  private var isKept = false

  /// Of this process, to remove them when a signal ends it.
  private static let unfinished = Mutex<Set<String>>([])
  /// Folders that were cleaned up.
  private static let visited = Mutex<Set<String>>([])

  private static let mark = ".convnet-"
  private static let ending = ".tmp"

  /// Creates a file for what shall stand at `target`.
  ///
  /// - Throws: ``FileError`` with the target's name.
  init(beside target: String) throws(FileError) {
    let separator = target.lastIndex(of: "/")
    let folder = separator.map { String(target[...$0]) } ?? ""
    let name = separator.map { String(target[target.index(after: $0)...]) } ?? target
    Self.removeLeftovers(in: folder)
    while true {
      let suffix = String(UInt64.random(in: .min ... .max), radix: 36)
      // A name has at most 255 bytes, a scalar at most four.
      let start = String(String.UnicodeScalarView(name.unicodeScalars.prefix(50)))
      let path = "\(folder).\(start)\(Self.mark)\(suffix)\(Self.ending)"
      Self.unfinished.withLock { _ = $0.insert(path) }
      // The mode is reduced by the process's mask.
      let descriptor = FileSystem.open(
        path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode: 0o666)
      guard descriptor >= 0 else {
        let error = FileError.last(.create, target)
        Self.forget(path)
        throw error
      }
      if Self.own(descriptor) {
        self.path = path
        self.descriptor = descriptor
        return
      }
      // Another process has just taken it for one without an owner.
      FileSystem.remove(path)
      close(descriptor)
      Self.forget(path)
    }
  }

  deinit {
    if isOpen { close(descriptor) }
    if !isKept { FileSystem.remove(path) }
    Self.forget(path)
  }

  /// Closes the file; no write may follow.
  ///
  /// - Returns: whether the system says that all was written.
  mutating func finish() -> Bool {
    isOpen = false
    return close(descriptor) == 0
  }

  /// The file is renamed: nothing is left to remove.
  mutating func keep() { isKept = true }

  /// Locks a new file.
  ///
  /// - Returns: false where somebody else has it, or had it and removed it.
  private static func own(_ descriptor: Int32) -> Bool {
    // File systems without locks have nobody who could take it either.
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return errno != EWOULDBLOCK }
    var status = stat()
    return fstat(descriptor, &status) != 0 || status.st_nlink > 0
  }

  private static func forget(_ path: String) {
    unfinished.withLock { _ = $0.remove(path) }
  }

  /// Removes the temporary files of this process and ends it; none is created in between.
  static func removeAll(andEnd end: () -> Never) -> Never {
    unfinished.withLock { paths in
      for path in paths { FileSystem.remove(path) }
      end()
    }
  }

  /// Removes the files of processes that have died; once for each folder.
  private static func removeLeftovers(in folder: String) {
    guard visited.withLock({ $0.insert(folder).inserted }) else { return }
    try? FileSystem.list(folder.isEmpty ? "." : folder) { entry in
      let name = entry.name
      if name.hasPrefix("."), name.hasSuffix(ending), name.contains(mark) {
        removeIfLeft(folder + name)
      }
    }
  }

  private static func removeIfLeft(_ path: String) {
    let descriptor = FileSystem.open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      flock(descriptor, LOCK_EX | LOCK_NB) == 0
    else { return }
    FileSystem.remove(path)
  }
}
