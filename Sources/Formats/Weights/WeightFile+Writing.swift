import ConvNetTensors

extension WeightFile {
  /// NumPy's and PyTorch's limit, of all their versions.
  private static let rankLimit = 32

  /// Writes tensors in the format that the path's ending names, whole or not at all. Equal tensors
  /// give equal bytes.
  ///
  /// - Parameters:
  ///   - tensors: in the order in which PyTorch and NumPy shall have them; no two of one name.
  ///   - network: the name of the network that the tensors are the parameters of, which ``network`` reads. Names and shapes alone
  ///     may fit several. PyTorch and NumPy do not see it.
  ///   - isDeflated: whether a NumPy archive is compressed; trained weights hardly become smaller.
  ///   - progress: told the share that is written, from 0 to 1.
  /// - Throws: ``WeightFileError`` where the format cannot hold the tensors; ``FileError`` and
  ///   ``ArchiveError`` where the file cannot be written.
  public static func write(
    _ tensors: [NamedTensor], to path: String, network: String? = nil, isDeflated: Bool = false,
    progress: ((Double) -> Void)? = nil
  ) throws {
    let format = try WeightFormat(forPath: path)
    // An archive has room for a short comment.
    let network = network.flatMap { $0.utf8.count <= 1024 ? $0 : nil }
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
      try Safetensors(
        tensors: Dictionary(tensors) { first, _ in first },
        metadata: network.map { [networkKey: $0] } ?? [:]
      ).write(to: path, progress: progress)
    case .pyTorch:
      try ArchiveWriter.write(
        checkpoint(of: tensors), to: path, isDeflated: false,
        comment: network.map(comment(naming:)), progress: progress)
    case .npz:
      let items = try tensors.map { name, tensor in
        guard !name.isEmpty, !name.contains("\0"), name.utf8.count < 1 << 15 else {
          throw fail(.unwritableName(name))
        }
        return ArchiveWriter.Item(name: "\(name).npy", head: tensor.npyHeader, tensor: tensor)
      }
      try ArchiveWriter.write(
        items, to: path, isDeflated: isDeflated, comment: network.map(comment(naming:)),
        progress: progress)
    case .onnx: throw fail(.needsNetwork)
    case .keras: throw fail(.onlyRead)
    }
  }

  /// The entry of a file's metadata with the name of the network, and the beginning of an archive's comment with it.
  static let networkKey = "convnet.network"

  private static func comment(naming network: String) -> String { "\(networkKey)=\(network)" }

  /// The name in an archive's comment.
  static func network(inComment comment: String?) -> String? {
    guard let comment, comment.hasPrefix("\(networkKey)=") else { return nil }
    return String(comment.dropFirst(networkKey.utf8.count + 1))
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
