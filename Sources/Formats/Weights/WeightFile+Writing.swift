import ConvNetTensors

extension WeightFile {
  /// NumPy's and PyTorch's limit, of all their versions.
  private static let rankLimit = 32

  /// Writes tensors in the format that the path's ending names, whole or not at all. Equal tensors
  /// give equal bytes.
  ///
  /// - Parameters:
  ///   - tensors: in the order in which PyTorch and NumPy shall have them; no two of one name.
  ///   - isDeflated: whether a NumPy archive is compressed; trained weights hardly become smaller.
  ///   - progress: told the share that is written, from 0 to 1.
  /// - Throws: ``WeightFileError`` where the format cannot hold the tensors; ``FileError`` and
  ///   ``ArchiveError`` where the file cannot be written.
  public static func write(
    _ tensors: [NamedTensor], to path: String, isDeflated: Bool = false,
    progress: ((Double) -> Void)? = nil
  ) throws {
    let format = try WeightFormat(forPath: path)
    func fail(_ problem: WeightFileError.Problem) -> WeightFileError {
      WeightFileError(path: path, problem: problem)
    }
    if tensors.isEmpty { throw fail(.noTensors) }
    var names: Set<String> = []
    for (name, tensor) in tensors {
      guard names.insert(name).inserted else { throw fail(.duplicateName(name)) }
      guard tensor.shape.rank <= rankLimit else {
        throw fail(
          .tooManyDimensions(tensor: name, rank: tensor.shape.rank, limit: rankLimit))
      }
    }
    switch format {
    case .safetensors:
      try Safetensors(tensors: Dictionary(tensors) { first, _ in first }).write(
        to: path, progress: progress)
    case .pyTorch:
      try ArchiveWriter.write(
        checkpoint(of: tensors), to: path, isDeflated: false, progress: progress)
    case .npz:
      let items = try tensors.map { name, tensor in
        guard !name.isEmpty, !name.contains("\0"), name.utf8.count < 1 << 15 else {
          throw fail(.unwritableName(name))
        }
        return ArchiveWriter.Item(name: "\(name).npy", head: tensor.npyHeader, tensor: tensor)
      }
      try ArchiveWriter.write(items, to: path, isDeflated: isDeflated, progress: progress)
    }
  }

  /// The entries of a checkpoint, as `torch.load(…, weights_only=True)` wants them.
  private static func checkpoint(of tensors: [NamedTensor]) -> [ArchiveWriter.Item] {
    let folder = "archive"
    var items: [ArchiveWriter.Item] = [
      .init(name: "\(folder)/data.pkl", head: PickleWriter(tensors).bytes),
      .init(name: "\(folder)/byteorder", head: [UInt8]("little".utf8)),
    ]
    for (index, item) in tensors.enumerated() {
      items.append(.init(name: "\(folder)/data/\(index)", tensor: item.tensor))
    }
    // The version of the archive's layout.
    items.append(.init(name: "\(folder)/version", head: [UInt8]("3\n".utf8)))
    return items
  }
}
