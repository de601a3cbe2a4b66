/// A block of memory aligned to 64 bytes (a cache line and the widest vector), freed with its owner.
///
/// The one type of this room that owns memory; ``Tensor`` gives it value semantics by copying on write,
/// which is what makes sharing it between threads safe.
package final class TensorStorage: @unchecked Sendable {
  package static let alignment = 64

  package let bytes: UnsafeMutableRawBufferPointer

  /// Uninitialized memory; `byteCount` may be zero.
  package init(byteCount: Int) {
    bytes = .allocate(byteCount: byteCount, alignment: Self.alignment)
  }

  deinit {
    bytes.deallocate()
  }
}
