import ConvNetFiles
import ConvNetImages
import Synchronization

/// Decoded pictures kept in memory: the first that come, until they take as much as they may. Which
/// they are changes no result.
package final class PictureCache: Sendable {
  private struct State {
    var images: [Image?]
    var freeByteCount: Int
  }

  private let state: Mutex<State>

  /// `nil` where nothing may be kept.
  package init?(sampleCount: Int, byteCount: Int) {
    guard byteCount > 0 else { return nil }
    state = Mutex(
      State(images: [Image?](repeating: nil, count: sampleCount), freeByteCount: byteCount))
  }

  subscript(sample: Int) -> Image? { state.withLock { $0.images[sample] } }

  /// Whether a picture of so many bytes would be kept. Where the system has no memory for it, none is kept from then on.
  func hasRoom(for byteCount: Int) -> Bool {
    state.withLock { state in
      guard state.freeByteCount >= byteCount else { return false }
      guard Memory.hasReserve, Memory.has(byteCount) else {
        state.freeByteCount = 0
        return false
      }
      return true
    }
  }

  func keep(_ image: Image, of sample: Int) {
    state.withLock { state in
      guard state.images[sample] == nil, state.freeByteCount >= image.pixels.count else { return }
      state.images[sample] = image
      state.freeByteCount -= image.pixels.count
    }
  }

}
