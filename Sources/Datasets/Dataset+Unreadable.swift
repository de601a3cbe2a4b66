public import ConvNetFiles
import ConvNetImages

extension Dataset {
  /// The samples that cannot be read, as far as the first bytes of their files tell: what is missing, empty, no picture, or one
  /// of a format that is not read. Quick, since nothing that is whole is decoded; ``DatasetVerification`` finds all damage.
  ///
  /// - Parameter threads: that read.
  /// - Returns: in the data's order, each with what reading it throws.
  public func unreadableSamples(threads: Int = Threads.available) -> [SkippedSample] {
    guard let encoded = self as? any EncodedDataset else { return [] }
    let states = Threads.share(
      count, among: threads, for: "reading", initial: BeginningReader()
    ) { index, reader in
      reader.look(at: index, of: encoded)
    }
    return states.flatMap(\.found).sorted { $0.index < $1.index }
  }
}

/// Looks at the beginnings of files, one after the other.
private struct BeginningReader: Sendable {
  /// As much as any header that tells of what kind a picture is.
  private static let byteCount = 1 << 12

  var found: [SkippedSample] = []
  private var bytes: [UInt8] = []

  mutating func look(at index: Int, of dataset: any EncodedDataset) {
    do {
      try dataset.readBeginning(at: index, byteCount: Self.byteCount, into: &bytes)
      var decoder = ImageDecoder()
      let isWhole = bytes.count < Self.byteCount
      guard decoder.problem(ofBeginning: bytes.span.bytes, isWhole: isWhole) != nil else { return }
      // By the name and in the words that the loader has for it.
      _ = try dataset.sample(at: index)
    } catch {
      found.append(SkippedSample(index: index, reason: "\(error)"))
    }
  }
}
