import ConvNetGraphs
package import ConvNetImages
package import ConvNetLayers

extension Model {
  /// How pictures are prepared, for what gives the network pictures.
  ///
  /// - Throws: ``InferenceError/noPreprocessing(model:)``, or
  ///   ``InferenceError/otherPreprocessing(model:made:needed:)`` where it makes something else than the network is given.
  package func requiredPreprocessing() throws(InferenceError) -> Preprocessing {
    guard let preprocessing else { throw .noPreprocessing(model: graph.name) }
    let made = [preprocessing.channels, preprocessing.height, preprocessing.width]
    guard made == inputExtents else {
      throw .otherPreprocessing(model: graph.name, made: made, needed: inputExtents)
    }
    return preprocessing
  }
}
