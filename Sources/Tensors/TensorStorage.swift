package import ConvNetFiles
import Foundation

/// A block of memory aligned to 64 bytes (a cache line and the widest vector), freed with its owner; or a part of a mapped
/// file, which can only be read.
///
/// The one type of this room that owns memory; ``Tensor`` gives it value semantics by copying on write,
/// which is what makes sharing it between threads safe.
package final class TensorStorage: @unchecked Sendable {
  package static let alignment = 64

  package let bytes: UnsafeMutableRawBufferPointer
  private let file: MappedFile?

  /// Uninitialized memory; `byteCount` may be zero. Ends the process where there is none: for sizes that are known to fit.
  package convenience init(byteCount: Int) {
    do throws(AllocationError) {
      try self.init(allocating: byteCount, for: "a tensor")
    } catch {
      fatalError("\(error)")
    }
  }

  /// Uninitialized memory; `byteCount` may be zero.
  ///
  /// - Parameter purpose: what it is for, in the error's words.
  /// - Throws: ``AllocationError`` where it cannot be had.
  package convenience init(
    byteCount: Int, for purpose: @autoclosure () -> String
  ) throws(AllocationError) {
    try Memory.require(byteCount, for: purpose())
    try self.init(allocating: byteCount, for: purpose())
  }

  private init(
    allocating byteCount: Int, for purpose: @autoclosure () -> String
  ) throws(AllocationError) {
    var block: UnsafeMutableRawPointer?
    guard posix_memalign(&block, Self.alignment, max(1, byteCount)) == 0, let block else {
      throw AllocationError(byteCount: byteCount, purpose: purpose())
    }
    bytes = UnsafeMutableRawBufferPointer(start: block, count: byteCount)
    file = nil
  }

  /// A part of a file, at any address: nothing is copied, and nothing may be written.
  init(_ range: Range<Int>, of file: MappedFile) {
    bytes = UnsafeMutableRawBufferPointer(mutating: file.part(range))
    self.file = file
  }

  /// Whether the bytes are a file's.
  package var isMapped: Bool { file != nil }

  deinit {
    if file == nil { free(bytes.baseAddress) }
  }

  /// Gives the memory of a mapped part back to the system, which reads it from the file when it is wanted again. Does nothing
  /// to other memory.
  package func releasePages() {
    if isMapped { MappedFile.releasePages(UnsafeRawBufferPointer(bytes)) }
  }
}
