public import ConvNetEngine
import ConvNetFiles
import ConvNetFormats
public import ConvNetGraphs
public import ConvNetImages
public import ConvNetLayers
import Dispatch

/// A model that any number of tasks and threads use at once.
///
/// ```swift
/// let predictor = try Predictor(loading: "model.safetensors", concurrency: 2)
/// let answer = try await predictor.classify(.encoded(body))
/// print(answer.top(3))
/// ```
///
/// It has threads of its own, each with its own activations; all share one copy of the packed weights. Requests wait in line, and
/// large ones take turns with others. What waits takes no processor: the threads sleep, and those of OpenMP, which help a run of
/// several threads, spin for some milliseconds after it and then sleep too: at once where other programs want the processors.
/// With one thread a run, and more runs at once, there is no OpenMP.
///
/// Every function is there twice, under one name: one suspends its task, the other blocks its thread.
public final class Predictor: Sendable {
  /// What the classes are called, in the order of the network's outputs.
  public var classNames: [String] { inference.classNames }
  /// How pictures are prepared; `nil` where the network is not given pictures.
  public var preprocessing: Preprocessing? { inference.preprocessing }
  /// Names of the values inside that every prediction has.
  public var outputs: [String] { inference.outputs }

  private let inference: Inference
  private let queue: RequestQueue

  /// Reads a model file and compiles it.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - outputs, batch, concurrency, compute: as in ``init(_:outputs:batch:concurrency:compute:)``.
  ///   - operations: from outside the package, that the network may be made of.
  public convenience init(
    loading path: String, outputs: [String] = [], batch: Int = 1, concurrency: Int = 1,
    compute: ComputeOptions = .init(), operations: [any OperationAttributes.Type] = []
  ) throws {
    try self.init(
      Model(loading: path, operations: operations), outputs: outputs, batch: batch,
      concurrency: concurrency, compute: compute)
  }

  /// Compiles a model.
  ///
  /// - Parameters:
  ///   - outputs: values inside that every prediction has, by the names of outputs, layers (`layer4`) or operations.
  ///   - batch: pictures that are computed together, of one request. More give more pictures a second where requests have many;
  ///     a request of fewer takes as long as one of so many.
  ///   - concurrency: runs at the same time. Each has `compute.threads` threads and the memory of a run. One run of all
  ///     processors' threads answers soonest; as many runs as processors, of a thread each, answer most requests a second.
  /// - Throws: ``InferenceError`` where a value inside does not exist, with the nearest names, or where pictures are prepared for
  ///   another input, or `batch` or `concurrency` is below one; ``GraphError`` and ``EngineError`` where the network cannot be
  ///   compiled.
  public init(
    _ model: Model, outputs: [String] = [], batch: Int = 1, concurrency: Int = 1,
    compute: ComputeOptions = .init()
  ) throws {
    guard concurrency > 0 else {
      throw InferenceError.belowOne(name: "concurrency", actual: concurrency)
    }
    let inference = try Inference(of: model, batch: batch, outputs: outputs)
    var compute = compute
    compute.expectedRuns = nil
    let first = try model.executable(batch: batch, outputs: outputs, compute: compute)
    let queue = RequestQueue()
    self.inference = inference
    self.queue = queue
    for _ in 1..<concurrency { try queue.start(inference, ExecutableBox(first.duplicate())) }
    try queue.start(inference, ExecutableBox(first))
  }

  deinit {
    queue.close()
  }

  // MARK: Suspending

  /// The classes of one picture.
  ///
  /// - Throws: ``InferenceError`` and ``ImageError`` for an input that does not fit; `CancellationError`.
  public func classify(_ input: PredictionInput) async throws -> Classification {
    try await predict([input])[0].classification
  }

  /// The classes of one picture, and the values inside.
  public func predict(_ input: PredictionInput) async throws -> Prediction {
    try await predict([input])[0]
  }

  /// The same of any number, in their order. Where one does not fit, there is an error and no answer.
  public func predict(_ inputs: [PredictionInput]) async throws -> [Prediction] {
    guard !inputs.isEmpty else { return [] }
    let request = Request(inputs, batch: inference.batch)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        request.answer.whenDone { continuation.resume(with: $0) }
        queue.enter(request)
      }
    } onCancel: {
      request.answer.finish(.failure(CancellationError()))
    }
  }

  // MARK: Blocking

  /// The classes of one picture.
  ///
  /// - Throws: ``InferenceError`` and ``ImageError`` for an input that does not fit.
  public func classify(_ input: PredictionInput) throws -> Classification {
    try predict([input])[0].classification
  }

  /// The classes of one picture, and the values inside.
  public func predict(_ input: PredictionInput) throws -> Prediction {
    try predict([input])[0]
  }

  /// The same of any number, in their order. Where one does not fit, there is an error and no answer.
  public func predict(_ inputs: [PredictionInput]) throws -> [Prediction] {
    guard !inputs.isEmpty else { return [] }
    let request = Request(inputs, batch: inference.batch)
    let done = DispatchSemaphore(value: 0)
    request.answer.whenDone { _ in done.signal() }
    queue.enter(request)
    done.wait()
    return try request.answer.outcome?.get() ?? []
  }
}
