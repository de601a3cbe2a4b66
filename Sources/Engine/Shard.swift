import ConvNetFiles
import ConvNetGraphs
import ConvNetTensors

/// A plan at work on a part of the batch: an arena, and the steps bound to it.
final class Shard: @unchecked Sendable {
  let plan: Plan
  /// The place of its first example in the whole batch.
  private let firstExample: Int
  private let arena: TensorStorage
  private let steps: [BoundStep]
  /// Where inputs, and in training parameters, lie: by their buffers.
  private let outside: [Int: UnsafeMutableRawPointer]
  /// The step that failed and what the library said, since the last ``throwFailure()``.
  private var failure: (step: Int, status: Int32)?
  /// When each step of the last timed run began, and when the last ended, in nanoseconds.
  private(set) var stepTimes: [Int] = []

  /// - Parameters:
  ///   - store: the parameters in training.
  ///   - arena: the memory of values, which shards may have that never run at the same time.
  ///   - inputs: where each input of this part lies.
  init(
    _ plan: Plan, store: ParameterStore?, arena: TensorStorage,
    inputs: [String: UnsafeMutableRawPointer], firstExample: Int
  ) throws {
    self.plan = plan
    self.firstExample = firstExample
    self.arena = arena
    var addresses: [Int: UnsafeMutableRawPointer] = [:]
    for (name, port) in plan.inputs { addresses[port.buffer] = inputs[name] }
    if let store {
      for (index, buffer) in plan.buffers.enumerated() {
        guard case .parameter(let value) = buffer.home else { continue }
        addresses[index] = try store.address(of: plan.graph.values[value], in: plan.name)
      }
    }
    outside = addresses
    steps = try plan.steps.map { step in
      do {
        return try BoundStep(step) { buffer in
          if let offset = plan.placement[buffer] {
            return arena.bytes.baseAddress.map { $0 + offset }
          }
          return addresses[buffer] ?? plan.constantAddress(buffer)
        }
      } catch let failure as LibraryFailure {
        throw EngineError(failure.status, subject: step.operation)
      }
    }
  }

  /// Runs every step; stops at the first that fails.
  ///
  /// - Parameter stepEnded: told the number of each.
  func run(_ context: RunContext, stepEnded: ((Int) -> Void)? = nil) {
    var context = context
    context.firstExample += firstExample
    for index in steps.indices {
      let status = steps[index].run(context)
      guard status == 0 else {
        failure = (index, status)
        return
      }
      stepEnded?(index)
    }
  }

  /// Runs, and notes in ``stepTimes`` when each step began.
  func timeSteps(_ context: RunContext, since origin: ContinuousClock.Instant) {
    var context = context
    context.firstExample += firstExample
    let clock = ContinuousClock()
    stepTimes.removeAll(keepingCapacity: true)
    stepTimes.reserveCapacity(steps.count + 1)
    stepTimes.append((clock.now - origin).nanoseconds)
    for index in steps.indices {
      let status = steps[index].run(context)
      guard status == 0 else {
        failure = (index, status)
        return
      }
      stepTimes.append((clock.now - origin).nanoseconds)
    }
  }

  /// - Throws: ``EngineError`` where a step has failed.
  func throwFailure() throws {
    guard let (step, status) = failure else { return }
    failure = nil
    throw EngineError(status, subject: plan.steps[step].operation)
  }

  /// The memory of an output.
  func bytes(of port: Plan.Port) -> UnsafeMutableRawBufferPointer {
    let start =
      plan.placement[port.buffer].flatMap { offset in arena.bytes.baseAddress.map { $0 + offset } }
      ?? outside[port.buffer] ?? plan.constantAddress(port.buffer)
    return UnsafeMutableRawBufferPointer(start: start, count: start == nil ? 0 : port.byteCount)
  }
}
