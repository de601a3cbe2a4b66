/// A block of memory aligned to 64 bytes (a cache line and the widest vector), freed with its owner; or a part of a mapped
/// file, which can only be read.
///
/// The one type of this room that owns memory; ``Tensor`` gives it value semantics by copying on write,
/// which is what makes sharing it between threads safe.
package final class TensorStorage: @unchecked Sendable {
  package static let alignment = 64

  package let bytes: UnsafeMutableRawBufferPointer
  private let file: MappedFile?

  /// Uninitialized memory; `byteCount` may be zero.
  package init(byteCount: Int) {
    bytes = .allocate(byteCount: byteCount, alignment: Self.alignment)
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
    if file == nil { bytes.deallocate() }
  }

  /// Gives the memory of a mapped part back to the system, which reads it from the file when it is wanted again. Does nothing
  /// to other memory.
  package func letGo() {
    if isMapped { MappedFile.letGo(UnsafeRawBufferPointer(bytes)) }
  }
}
