package import ConvNetDatasets
package import ConvNetEngine
import ConvNetFiles
package import ConvNetGraphs
package import ConvNetImages
package import ConvNetTensors
import Foundation

/// Where what a frozen part of a network makes of every picture is kept.
package enum FeaturePlace: Hashable, Sendable {
  case memory
  /// In a file in this folder, which is read again by another training of the same parameters and pictures.
  case folder(String)
}

/// What the frozen beginning of a network makes of every sample of a data set: computed once, in the data set's own order, and
/// read at every epoch.
///
/// So a sample has the same features whatever the order of an epoch. They equal those of a step within the rounding of sums that
/// another batch size may add in another order.
package final class KeptFeatures: Sendable {
  /// Of one sample, in the order in which they lie.
  private let parts: [(name: String, count: Int)]
  /// Numbers of one sample.
  private let floatCount: Int
  private let contents: Contents
  /// Why a sample has none, by its number.
  private let reasons: [Int: String]

  private enum Contents: Sendable {
    case memory(TensorStorage)
    case file(MappedFile)
  }

  /// What the features are computed by.
  package struct Source {
    /// Of inference; its outputs are the features.
    package var trunk: Graph
    package var parameters: [String: Tensor]
    package var preprocessing: Preprocessing
    package var inputName: String
    package var batchSize: Int
    package var options: CompilationOptions
    package var loading: LoadingOptions

    package init(
      trunk: Graph, parameters: [String: Tensor], preprocessing: Preprocessing, inputName: String,
      batchSize: Int, options: CompilationOptions, loading: LoadingOptions
    ) {
      self.trunk = trunk
      self.parameters = parameters
      self.preprocessing = preprocessing
      self.inputName = inputName
      self.batchSize = batchSize
      self.options = options
      self.loading = loading
    }

    fileprivate var parts: [(name: String, count: Int)] {
      trunk.outputs.map { output in
        (output.name, trunk[output.value].shape.dimensions.dropFirst().reduce(1, *))
      }
    }

    /// Bytes of the features of so many samples.
    package func byteCount(of samples: Int) -> Int {
      let one = parts.reduce(0) { $0 + $1.count } * MemoryLayout<Float>.size
      let (bytes, overflows) = one.multipliedReportingOverflow(by: samples)
      return overflows ? .max : bytes
    }
  }

  /// Computes the features of all samples, or reads them where the folder has them.
  ///
  /// - Parameters:
  ///   - progress: told the number of samples so far.
  /// - Throws: `AllocationError` where the memory is not there; ``FileError``; what reading and computing throws. A sample that
  ///   cannot be read ends it where the policy says so, else has no features.
  package init(
    of dataset: any Dataset, by source: Source, in place: FeaturePlace,
    progress: (Int) throws -> Void
  ) throws {
    parts = source.parts
    floatCount = parts.reduce(0) { $0 + $1.count }
    let byteCount = source.byteCount(of: dataset.count)
    let purpose = "the features of \(dataset.count) pictures"
    switch place {
    case .memory:
      guard byteCount < .max else { throw AllocationError(byteCount: byteCount, purpose: purpose) }
      try Memory.require(byteCount, for: purpose)
      let storage = try TensorStorage(byteCount: max(1, byteCount), for: purpose)
      var filled = 0
      reasons = try Self.compute(dataset, source, progress) { rows in
        let target = UnsafeMutableRawBufferPointer(
          rebasing: storage.bytes[filled..<filled + rows.byteCount])
        rows.withUnsafeBytes { target.copyMemory(from: $0) }
        filled += rows.byteCount
      }
      contents = .memory(storage)
    case .folder(let folder):
      guard byteCount < .max - FeatureFile.headerByteCount - dataset.count else {
        throw AllocationError(byteCount: byteCount, purpose: purpose)
      }
      let file = try FeatureFile(of: dataset, by: source, in: folder, floatCount: floatCount)
      if let (kept, reasons) = try file.read() {
        contents = .file(kept)
        self.reasons = reasons
        return
      }
      var missing: [Int: String] = [:]
      try file.write { file in
        missing = try Self.compute(dataset, source, progress) { try file.write($0) }
        return missing
      }
      guard let (kept, _) = try file.read() else {
        throw FileError(path: file.path, operation: .read, problem: .notRegularFile)
      }
      contents = .file(kept)
      reasons = missing
    }
  }

  /// - Parameter append: given the features of one sample after the other, zeros for those that there are none of.
  /// - Returns: why samples have none.
  private static func compute(
    _ dataset: any Dataset, _ source: Source, _ progress: (Int) throws -> Void,
    _ append: (RawSpan) throws -> Void
  ) throws -> [Int: String] {
    var loading = source.loading
    if loading.badSamples == .replace { loading.badSamples = .leaveOut }
    let loader = try BatchLoader(
      dataset, batchSize: source.batchSize, preprocessing: source.preprocessing, options: loading)
    loader.start(epoch: 0)
    let parts = source.parts
    let floatCount = parts.reduce(0) { $0 + $1.count }
    var steps: [Int: CompiledFeatures] = [:]
    var reasons: [Int: String] = [:]
    var next = 0
    var row = [Float](repeating: 0, count: floatCount)
    func appendZeros(until end: Int) throws {
      for index in row.indices { row[index] = 0 }
      while next < end {
        try append(row.span.bytes)
        next += 1
      }
    }
    while let batch = try loader.next() {
      let step =
        try steps[batch.count]
        ?? {
          let graph = try source.trunk.batched(batch.count)
          return CompiledFeatures(
            try Executable(
              graph, parameters: source.parameters, options: source.options.suited(to: graph)))
        }()
      steps[batch.count] = step
      try step.executable.write(batch, to: source.inputName)
      try step.executable.run()
      for (place, sample) in batch.sampleIndices.enumerated() {
        try appendZeros(until: sample)
        var start = 0
        for part in parts {
          try step.executable.withOutput(part.name) { values in
            for index in 0..<part.count { row[start + index] = values[place * part.count + index] }
          }
          start += part.count
        }
        try append(row.span.bytes)
        next += 1
      }
      for skipped in loader.takeSkipped() { reasons[skipped.index] = skipped.reason }
      try progress(next)
    }
    try appendZeros(until: dataset.count)
    for skipped in loader.takeSkipped() { reasons[skipped.index] = skipped.reason }
    return reasons
  }

  /// Copies the features of some samples into the inputs that are called like them.
  ///
  /// - Precondition: the samples have features.
  package func write(_ samples: [Int], to executable: inout Executable) throws {
    var start = 0
    for part in parts {
      try executable.withInput(part.name, of: Float.self) { input in
        input.withUnsafeMutableBytes { input in
          let size = part.count * MemoryLayout<Float>.size
          for (place, sample) in samples.enumerated() {
            let offset = (sample * floatCount + start) * MemoryLayout<Float>.size
            UnsafeMutableRawBufferPointer(rebasing: input[place * size..<(place + 1) * size])
              .copyMemory(from: bytes(offset..<offset + size))
          }
        }
      }
      start += part.count
    }
  }

  private func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    switch contents {
    case .memory(let storage):
      UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(storage.bytes)[range])
    case .file(let file):
      file.part(
        range.lowerBound + FeatureFile.headerByteCount..<range.upperBound
          + FeatureFile.headerByteCount)
    }
  }

  /// The samples as a loader reads them, without their pictures.
  package func samples(of dataset: any Dataset) -> any Dataset {
    reasons.isEmpty
      ? SamplesInMemory(dataset: dataset) : PartlyReadSamples(dataset: dataset, reasons: reasons)
  }

  /// How these are prepared: not at all.
  package static func preprocessing() throws -> Preprocessing {
    try Preprocessing(height: 1, width: 1, channels: 1)
  }
}

private final class CompiledFeatures {
  var executable: Executable

  init(_ executable: consuming Executable) {
    self.executable = executable
  }
}

/// Samples of which only the labels are read.
private struct SamplesInMemory: InMemoryDataset {
  let dataset: any Dataset
  var name: String { dataset.name }
  var count: Int { dataset.count }
  var classNames: [String] { dataset.classNames }
  var imageShape: Shape? { [1, 1, 1] }

  var targetKind: TargetKind { dataset.targetKind }
  func label(at index: Int) -> Int { dataset.label(at: index) }
  func targets(at index: Int) -> [Float] { dataset.targets(at: index) }
  func sampleName(at index: Int) -> String { dataset.sampleName(at: index) }
  func sample(at index: Int) throws -> Sample {
    Sample(
      image: Image(height: 1, width: 1, channels: 1, pixels: [0]), label: label(at: index))
  }
  func withPixels<Result>(at index: Int, _ body: (Span<UInt8>) -> Result) -> Result {
    let pixel: [UInt8] = [0]
    return body(pixel.span)
  }
}

/// The same, where some could not be read.
private struct PartlyReadSamples: Dataset {
  let dataset: any Dataset
  let reasons: [Int: String]
  var name: String { dataset.name }
  var count: Int { dataset.count }
  var classNames: [String] { dataset.classNames }
  var imageShape: Shape? { [1, 1, 1] }

  var targetKind: TargetKind { dataset.targetKind }
  func label(at index: Int) -> Int { dataset.label(at: index) }
  func targets(at index: Int) -> [Float] { dataset.targets(at: index) }
  func sampleName(at index: Int) -> String { dataset.sampleName(at: index) }
  func sample(at index: Int) throws -> Sample {
    if let reason = reasons[index] { throw UnreadSample(description: reason) }
    return Sample(
      image: Image(height: 1, width: 1, channels: 1, pixels: [0]), label: label(at: index))
  }
}

/// What was said when the sample was read.
private struct UnreadSample: ReadableError {
  var description: String
}
