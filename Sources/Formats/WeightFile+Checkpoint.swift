import ConvNetLayers

extension WeightFile {
  /// The entry of the metadata of a training's checkpoint.
  package static let checkpointKey = "convnet.checkpoint"

  /// A checkpoint's running statistics are a training's own averages, begun at 0 and 1, not those of a model.
  ///
  /// - Throws: ``ModelFileError`` where the file is a checkpoint.
  func requireNoCheckpoint() throws(ModelFileError) {
    guard metadata[Self.checkpointKey] != nil else { return }
    throw ModelFileError(path: path, problem: .checkpoint)
  }
}
