public import ConvNetLayers
import ConvNetGraphs
import ConvNetTensors

extension Model {
  /// The network with the numbers of every learned parameter in random order: as large as before, and without what was learned.
  ///
  /// An attribution of it must differ from the network's own: see ``Attribution/rankCorrelation(with:)``.
  public func randomized(seed: UInt64 = 0) -> Model {
    var model = self
    for (index, id) in graph.parameters.enumerated() {
      let value = graph[id]
      guard value.parameterKind?.isTrainable == true, let tensor = parameters[value.name] else {
        continue
      }
      var numbers = RandomNumbers(
        RandomKey(seed: seed, purpose: .initialization, index: UInt32(truncatingIfNeeded: index)))
      model.parameters[value.name] = Tensor(
        tensor.elements.shuffled(using: &numbers), shape: tensor.shape)
    }
    return model
  }
}
