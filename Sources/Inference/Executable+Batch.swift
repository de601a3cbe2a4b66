package import ConvNetDatasets
package import ConvNetEngine
import ConvNetTensors

extension Executable {
  /// Copies a batch into the inputs: its pictures, and its labels where they have an input:
  /// classes, or distributions, which of a picture that was not mixed are one for its class and zero elsewhere.
  ///
  /// What the inputs have room for beyond the batch keeps what it was.
  package mutating func write(_ batch: Batch, to input: String, labels: String? = nil) throws {
    try batch.withImages { images in
      try withInput(input, of: Float.self) { $0.copy(from: images) }
    }
    if let labels { try write(labelsOf: batch, to: labels) }
  }

  /// Copies the labels of a batch into an input, where the executable has it.
  package mutating func write(labelsOf batch: Batch, to labels: String) throws {
    guard let shape = inputShape(labels) else { return }
    if shape.rank == 2, batch.classCount == nil {
      return try batch.withLabels { classes in
        try withInput(labels, of: Float.self) { targets in
          for index in targets.indices { targets[index] = 0 }
          for row in classes.indices { targets[row * shape[1] + Int(classes[row])] = 1 }
        }
      }
    }
    if shape.rank == 2 {
      return try batch.withTargets { targets in
        try withInput(labels, of: Float.self) { $0.copy(from: targets) }
      }
    }
    try batch.withLabels { classes in
      try withInput(labels, of: Int32.self) { $0.copy(from: classes) }
    }
  }
}

extension MutableSpan where Element: BitwiseCopyable {
  fileprivate mutating func copy(from source: Span<Element>) {
    source.withUnsafeBytes { source in
      withUnsafeMutableBytes { $0.copyMemory(from: source) }
    }
  }
}
