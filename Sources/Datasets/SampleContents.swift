import ConvNetImages
import ConvNetTensors

extension Dataset {
  /// Reads the bytes that make a sample what it is: of its file, or of its pixels.
  ///
  /// - Returns: what messages call the sample.
  func readContents(at index: Int, into bytes: inout [UInt8]) throws -> String {
    if let encoded = self as? any EncodedDataset {
      return try encoded.readEncoded(at: index, into: &bytes)
    }
    if let inMemory = self as? any InMemoryDataset {
      inMemory.withPixels(at: index) { pixels in
        pixels.withUnsafeBufferPointer { pixels in
          bytes.removeAll(keepingCapacity: true)
          bytes.append(contentsOf: pixels)
        }
      }
    } else {
      bytes = try sample(at: index).image.pixels
    }
    return "\(name), sample \(sampleName(at: index))"
  }
}

extension Dataset {
  /// Reads the first bytes that make a sample what it is: enough to know it again.
  func readBeginning(at index: Int, into bytes: inout [UInt8]) throws {
    if let encoded = self as? any EncodedDataset {
      try encoded.readBeginning(at: index, byteCount: 1 << 16, into: &bytes)
    } else {
      _ = try readContents(at: index, into: &bytes)
    }
  }
}

/// Why a sample is bad, in words that do not repeat its file where it is said anyway.
func reason(of error: any Error) -> String {
  switch error {
  case let error as ImageError: "\(error.problem)"
  default: "\(error)"
  }
}
