import CArchives
import ConvNetFiles
import ConvNetTensors

/// Writes zip archives whose entries begin at multiples of 64 bytes, so that they can be used where
/// they lie. Equal contents give equal bytes.
enum ArchiveWriter {
  struct Item {
    var name: String
    /// Bytes before the tensor's: a multiple of 64 where those shall be aligned.
    var head: [UInt8] = []
    var tensor: Tensor?
  }

  /// Writes an archive, whole or not at all.
  ///
  /// - Parameters:
  ///   - comment: of the archive; readers of its entries do not see it.
  ///   - progress: told the share that is written, from 0 to 1.
  /// - Throws: ``FileError`` and ``ArchiveError`` where the file cannot be written.
  static func write(
    _ items: [Item], to path: String, isDeflated: Bool, comment: String? = nil,
    progress: ((Double) -> Void)? = nil
  ) throws {
    // Names and heads in one piece of memory, with the place of each.
    var texts: [UInt8] = []
    var places: [(name: Int, head: Int)] = []
    for item in items {
      places.append((texts.count, texts.count + item.name.utf8.count + 1))
      texts += item.name.utf8
      texts.append(0)
      texts += item.head
    }
    try AtomicFile.write(to: path) { file in
      try file.withDescriptor { descriptor in
        try texts.withUnsafeBytes { texts in
          // The tensors' memory stays where it is while `items` holds them.
          try withExtendedLifetime(items) {
            let entries = zip(items, places).map { item, place in
              let body = item.tensor?.withUnsafeBytes { $0 }
              return ca_item(
                name: texts.baseAddress.map {
                  ($0 + place.name).assumingMemoryBound(to: CChar.self)
                },
                head: texts.baseAddress.map {
                  ($0 + place.head).assumingMemoryBound(to: UInt8.self)
                },
                head_count: item.head.count,
                body: body?.baseAddress?.assumingMemoryBound(to: UInt8.self),
                body_count: body?.count ?? 0)
            }
            try write(entries, to: descriptor, path: path, isDeflated, comment, progress)
          }
        }
      }
    }
  }

  private static func write(
    _ entries: [ca_item], to descriptor: Int32, path: String, _ isDeflated: Bool,
    _ comment: String?, _ progress: ((Double) -> Void)?
  ) throws(ArchiveError) {
    var message = [CChar](repeating: 0, count: Int(CA_MESSAGE_SIZE))
    let status: ca_status
    if var progress {
      status = withUnsafeMutablePointer(to: &progress) { progress in
        ca_write(
          descriptor, entries, entries.count, isDeflated, comment,
          { share, context in
            context?.assumingMemoryBound(to: ((Double) -> Void).self).pointee(share)
          }, progress, &message)
      }
    } else {
      status = ca_write(
        descriptor, entries, entries.count, isDeflated, comment, nil, nil, &message)
    }
    guard status == CA_OK else {
      throw ArchiveError(file: path, problem: .unwritable(reason: String(message: message)))
    }
  }
}
