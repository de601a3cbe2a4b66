import ConvNetFiles
public import ConvNetGraphs
public import ConvNetImages
import ConvNetTensors
import Foundation

extension Model {
  /// A network with freshly initialized parameters.
  ///
  /// - Precondition: the layers fit together. For a network whose sizes come from outside, use
  ///   ``init(validating:seed:classNames:preprocessing:)``.
  public init(
    _ network: Network, seed: UInt64 = 0, classNames: [String] = [],
    preprocessing: Preprocessing? = nil
  ) {
    do {
      try self.init(
        validating: network, seed: seed, classNames: classNames, preprocessing: preprocessing)
    } catch {
      // A release build would leave out the words of a failed precondition.
      fatalError("\(network.name): \(error)")
    }
  }

  /// A network with freshly initialized parameters: the same for the same seed.
  ///
  /// - Throws: ``GraphError`` naming the layer whose input does not fit, or where the machine has
  ///   no memory for the parameters.
  public init(
    validating network: Network, seed: UInt64 = 0, classNames: [String] = [],
    preprocessing: Preprocessing? = nil
  ) throws(GraphError) {
    let (graph, initializers) = try network.lowered()
    // Every parameter is limited, their number small: the sum does not overflow.
    let byteCount = graph.parameters.reduce(0) { $0 + 4 * graph[$1].shape.count }
    guard Memory.has(byteCount) else {
      throw GraphError(
        subject: graph.name,
        problem: .invariant(
          "its parameters need \(byteCount) bytes of memory, which cannot be had; build a smaller network, or let the "
            + "process have more"))
    }
    var parameters: [String: Tensor] = [:]
    for (index, id) in graph.parameters.enumerated() {
      let value = graph[id]
      let initializer = initializers[value.name] ?? .zeros
      parameters[value.name] = initializer.values(shape: value.shape, seed: seed, index: index)
    }
    try self.init(
      graph: graph, parameters: parameters, classNames: classNames,
      preprocessing: preprocessing ?? network.preprocessing)
    ownFormat = network.dataFormat
  }

  /// A network without parameters, to tell its layers and its memory.
  ///
  /// - Throws: ``GraphError`` naming the layer whose input does not fit.
  package init(
    describing network: Network, classNames: [String] = []
  ) throws(GraphError) {
    self.init(
      describing: try network.graph(), classNames: classNames,
      preprocessing: network.preprocessing)
    ownFormat = network.dataFormat
  }
}

extension Network {
  /// A picture scaled to 0 ... 1 and not normalized; `nil` where the input is not made from
  /// pictures.
  fileprivate var preprocessing: Preprocessing? {
    guard input.extents.count == 3 else { return nil }
    return try? Preprocessing(
      height: input.extents[1], width: input.extents[2], channels: input.extents[0],
      dataFormat: dataFormat)
  }
}
