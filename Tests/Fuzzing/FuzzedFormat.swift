import ConvNetFormats
import ConvNetTestSupport

/// A kind of file that ConvNet reads.
package enum FuzzedFormat: String, CaseIterable, Codable, Sendable {
  case png, jpeg, webp, gif, tiff, bitmap, netpbm
  case idx, gzip, cifar, csv, tar, classes
  case npy, npz, pth, pickle, safetensors, onnx, hdf5
  case graph, checkpoint, preparation
}

/// Makes damaged files of one format, and reads them.
///
/// Input number `index` depends on the seed and the index only, so that each can be made again.
package struct Fuzzer {
  package let format: FuzzedFormat
  private let seed: UInt64
  private let samples: [[UInt8]]
  private let directory: String
  private var reader: Reader

  /// - Parameter directory: where files are put whose readers take a path; it exists.
  package init(_ format: FuzzedFormat, seed: UInt64, directory: String) throws {
    self.format = format
    self.seed = seed
    self.directory = directory
    samples = try format.samples()
    reader = try Reader(directory: directory)
  }

  package func input(_ index: Int) -> [UInt8] {
    var mutator = Mutator(
      samples: samples,
      seed: seed &+ UInt64(truncatingIfNeeded: index) &* 0xA24B_AED4_963E_E407)
    return format.mutant(&mutator)
  }

  /// Whether the reader accepted it.
  ///
  /// - Throws: where the input was accepted and is not what a reader may give.
  package mutating func read(_ input: [UInt8], _ index: Int) throws -> Bool {
    try reader.read(input, as: format, index)
  }
}

extension FuzzedFormat {
  func mutant(_ mutator: inout Mutator) -> [UInt8] {
    let choice = mutator.integer(below: 4)
    switch self {
    case .png:
      var bytes = mutator.sample()
      if choice == 0 { return mutator.mutated(bytes) }
      for _ in 0..<choice { Framing.replaceChunk(&bytes, &mutator) }
      return bytes
    case .idx where choice == 0, .gzip where choice < 2, .cifar where choice == 0:
      return Framing.gzip(mutator.mutant())
    case .tar where choice > 0, .cifar where choice > 1:
      var bytes = mutator.mutant()
      Framing.mendTar(&bytes)
      return choice == 2 && self == .cifar ? Framing.gzip(bytes) : bytes
    case .pickle:
      let pickle = choice < 2 ? mutator.mutant() : PickleSamples.mutant(&mutator)
      return PickleSamples.checkpoint(pickle)
    case .safetensors where choice > 0, .checkpoint where choice == 0:
      var bytes = mutator.sample()
      Framing.replaceHeader(&bytes, &mutator)
      return bytes
    case .checkpoint:
      var bytes = mutator.sample()
      Framing.replaceMetadata(&bytes, key: ModelSamples.checkpointKey, &mutator)
      return bytes
    case .onnx where choice > 0: return ONNXSamples.mutant(&mutator).bytes
    case .graph where choice > 0, .preparation where choice > 0:
      return [UInt8](
        JSONMutator.mutant(of: String(decoding: mutator.sample(), as: UTF8.self), &mutator).utf8)
    default:
      return mutator.mutant()
    }
  }
}
