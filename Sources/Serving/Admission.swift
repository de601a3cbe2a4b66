import ConvNetFiles
import Synchronization

/// The limit of what is accepted: pictures that are decoded, wait or are computed. What comes beyond is refused before anything
/// is done for it.
package final class Admission: Sendable {
  private struct State {
    var count = 0
    /// Seconds from one finished picture to the next while there was no pause, a moving average.
    var secondsPerPicture = 0.0
    var lastEnd: ContinuousClock.Instant?
  }

  /// Pictures that are accepted at once.
  package let limit: Int
  private let state = Mutex(State())

  package init(limit: Int) { self.limit = max(1, limit) }

  /// Pictures that are accepted and not answered.
  package var count: Int { state.withLock { $0.count } }

  /// Does work for so many pictures, if they are accepted.
  ///
  /// - Throws: ``Overload`` where they are not; what `body` throws.
  package func admit<Value>(_ pictures: Int, _ body: () async throws -> Value) async throws -> Value
  {
    try enter(pictures)
    defer { leave(pictures) }
    return try await body()
  }

  func enter(_ pictures: Int) throws(Overload) {
    let wait = state.withLock { state -> Double? in
      guard state.count + pictures <= limit else {
        return Double(state.count) * state.secondsPerPicture
      }
      if state.count == 0 { state.lastEnd = nil }
      state.count += pictures
      return nil
    }
    if let wait { throw Overload(pictures: pictures, limit: limit, wait: wait) }
  }

  func leave(_ pictures: Int) {
    state.withLock { state in
      let now = ContinuousClock.now
      if let last = state.lastEnd, pictures > 0 {
        let seconds = (now - last).seconds / Double(pictures)
        state.secondsPerPicture += 0.1 * (seconds - state.secondsPerPicture)
      }
      state.lastEnd = now
      state.count -= pictures
    }
  }
}

/// More than a server accepts.
package struct Overload: ReadableError, Hashable {
  /// That were to be accepted.
  package var pictures: Int
  /// The most that are.
  package var limit: Int
  /// Seconds after which there is likely to be room.
  package var wait: Double

  package init(pictures: Int, limit: Int, wait: Double) {
    self.pictures = pictures
    self.limit = limit
    self.wait = wait
  }

  /// Whole seconds to wait, from 1 to 60.
  package var retryAfter: Int { Int(min(60, max(1, wait.rounded(.up)))) }

  /// Whether there will never be room for so many.
  package var isForEver: Bool { pictures > limit }

  package var description: String {
    isForEver
      ? "\(pictures) pictures in one request are more than the \(limit) that are accepted at once; send fewer"
      : "\(limit) pictures are accepted at once, and as many wait; try again in \(retryAfter) s"
  }
}
