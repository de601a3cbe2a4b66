package import ConvNetEngine
import ConvNetFiles
import ConvNetTensors
import Dispatch
package import Synchronization

/// An executable that moves between threads.
package final class ExecutableBox: Sendable {
  package let executable: Mutex<Executable>

  package init(_ executable: consuming sending Executable) {
    self.executable = Mutex(executable)
  }
}

/// Inputs that somebody waits for, computed in parts of a batch.
final class Request: Sendable {
  private struct State {
    var predictions: [Prediction?]
    var missing: Int
  }

  let inputs: [PredictionInput]
  /// Of all inputs, once the last part is there.
  let answer = Awaited<[Prediction]>()
  private let batch: Int
  private let state: Mutex<State>

  init(_ inputs: [PredictionInput], batch: Int) {
    self.inputs = inputs
    self.batch = batch
    state = Mutex(
      State(
        predictions: [Prediction?](repeating: nil, count: inputs.count), missing: inputs.count))
  }

  var partCount: Int { (inputs.count + batch - 1) / batch }

  func part(_ index: Int) -> ArraySlice<PredictionInput> {
    inputs[index * batch..<min(inputs.count, (index + 1) * batch)]
  }

  /// Takes the answers of a part. After the last there is an outcome.
  func add(_ predictions: [Prediction], from start: Int) {
    let all: [Prediction]? = state.withLock { state in
      for (place, prediction) in predictions.enumerated() {
        state.predictions[start + place] = prediction
      }
      state.missing -= predictions.count
      return state.missing == 0 ? state.predictions.compactMap { $0 } : nil
    }
    if let all { answer.finish(.success(all)) }
  }
}

/// Requests in line, and the threads that compute them, each with an executable.
final class RequestQueue: Sendable {
  private struct State {
    /// Each with its next part. A request goes to the end of the line after every part, so that a large one delays others by
    /// one part at a time.
    var line: [(request: Request, part: Int)] = []
    var threads = 0
    var isClosed = false

    mutating func takeNext() -> (request: Request, part: Int)? {
      guard !line.isEmpty else { return nil }
      let next = line.removeFirst()
      if next.part + 1 < next.request.partCount { line.append((next.request, next.part + 1)) }
      return next
    }
  }

  private let state = Mutex(State())
  /// Counts parts that no thread has taken.
  private let parts = DispatchSemaphore(value: 0)

  /// - Throws: ``ThreadError`` where the system has no thread left.
  func start(_ inference: Inference, _ box: ExecutableBox) throws {
    try Threads.start(for: "predictions") {
      while self.computeNext(inference, box) {}
    }
    state.withLock { $0.threads += 1 }
  }

  func enter(_ request: Request) {
    state.withLock { $0.line.append((request, 0)) }
    for _ in 0..<request.partCount { parts.signal() }
  }

  /// Lets the threads end. Nobody waits for a request any more.
  func close() {
    let threads = state.withLock { state in
      state.isClosed = true
      return state.threads
    }
    for _ in 0..<threads { parts.signal() }
  }

  /// Waits for a part and computes it.
  ///
  /// - Returns: whether there may be more.
  private func computeNext(_ inference: Inference, _ box: ExecutableBox) -> Bool {
    parts.wait()
    let (next, isClosed) = state.withLock { state in (state.takeNext(), state.isClosed) }
    guard let (request, part) = next else { return !isClosed }
    // Somebody who was cancelled waits no more.
    guard !request.answer.isFinished else { return true }
    do {
      let inputs = request.part(part)
      let predictions = try box.executable.withLock { executable in
        try inference.predict(inputs, with: &executable)
      }
      request.add(predictions, from: inputs.startIndex)
    } catch {
      request.answer.finish(.failure(error))
    }
    return true
  }
}
