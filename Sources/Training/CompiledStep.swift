import CKernels
package import ConvNetDatasets
package import ConvNetEngine
package import ConvNetInference
package import ConvNetTensors

/// A compiled step, in a box that can be kept in a collection.
package final class CompiledStep {
  package var executable: Executable
  /// Samples that it takes.
  let batch: Int
  /// Of each parameter, the step of the executable after which its gradient is there; `nil` where that is the last.
  package let gradientEndings: [Int?]
  let parameters: [OptimizedParameter]
  /// What is computed before it: the beginning of the network that no step changes.
  let trunk: CompiledTrunk?
  private let featureNames: [String]
  /// Whether the features were written, and the trunk has nothing to do.
  private var hasFeatures = false
  /// Of all parameters.
  let elementCount: Int
  /// Room for what each task adds to a sum of squares.
  private var squares: [Double] = []

  init(
    _ executable: consuming Executable, batch: Int, updating parameters: [OptimizedParameter] = [],
    gradientEndings: [Int?] = [], after trunk: CompiledTrunk? = nil
  ) {
    self.executable = executable
    self.batch = batch
    self.parameters = parameters
    self.gradientEndings = gradientEndings
    self.trunk = trunk
    featureNames = trunk?.executable.outputNames ?? []
    elementCount = parameters.reduce(0) { $0 + $1.count }
  }

  /// Copies prepared pictures into the input.
  package func write(_ inputs: Tensor, to name: String) throws {
    hasFeatures = false
    if let trunk { return try trunk.executable.write(inputs, to: name) }
    try executable.write(inputs, to: name)
  }

  /// Copies labels.
  package func write(labels: Tensor) throws {
    try executable.write(labels, to: TrainingGraph.labelsName)
  }

  /// Copies a batch: its pictures, or what was kept of them, and its labels.
  package func write(
    _ batch: Batch, to name: String, features: KeptFeatures? = nil
  ) throws {
    hasFeatures = features != nil
    if let features {
      try features.write(batch.sampleIndices, to: &executable)
    } else if let trunk {
      try trunk.executable.write(batch, to: name)
    } else {
      return try executable.write(batch, to: name, labels: TrainingGraph.labelsName)
    }
    try executable.write(labelsOf: batch, to: TrainingGraph.labelsName)
  }

  /// Computes forward and backward pass on what was written.
  ///
  /// - Parameters:
  ///   - firstExample: the place of its first sample in the batch of all processes.
  ///   - joint: the sums of all processes, where they normalize together.
  ///   - stepEnded: told the number of each step of the executable.
  package func run(
    step: Int, seed: UInt64, firstExample: Int = 0, joint: JointSums? = nil,
    stepEnded: ((Int) -> Void)? = nil
  ) throws {
    if let trunk, !hasFeatures {
      try trunk.executable.run()
      for name in featureNames {
        try trunk.executable.withOutput(name) { features in
          try executable.withInput(name, of: Float.self) { input in
            features.withUnsafeBytes { source in
              input.withUnsafeMutableBytes { $0.copyMemory(from: source) }
            }
          }
        }
      }
    }
    try executable.run(
      step: step, seed: seed, firstExample: firstExample, joint: joint, stepEnded: stepEnded)
  }

  /// The input of the network that was written last; `nil` where only features were.
  func networkInput(_ name: String) throws -> Tensor? {
    if hasFeatures { return nil }
    if let trunk { return try trunk.executable.input(name) }
    return try executable.input(name)
  }

  /// Of the labels that it reads.
  var labelsShape: Shape? { executable.inputShape(TrainingGraph.labelsName) }

  /// The sum of the squares of all gradients, in double precision, where no finite number's square overflows: it is finite
  /// where all gradients are.
  ///
  /// - Parameter body: called by each task after its share, which then is in its caches.
  func sumOfSquares(_ body: (_ task: Int, _ tasks: Int) -> Void = { _, _ in }) -> Double {
    let parameters = parameters
    let room = executable.mostTasks
    if squares.count < room { squares = [Double](repeating: 0, count: room) }
    squares.withUnsafeMutableBufferPointer { squares in
      squares.update(repeating: 0)
      executable.share(workOn: elementCount) { task, tasks in
        squares[task] = parameters.reduce(0) { sum, parameter in
          let range = parameter.share(of: task, tasks)
          return sum
            + ck_sum_of_squares(
              UnsafePointer(parameter.gradient.baseAddress.map { $0 + range.lowerBound }),
              range.count)
        }
        body(task, tasks)
      }
    }
    return squares.reduce(0, +)
  }
}
