import ConvNet
import Foundation

/// A network of the zoo as after a training that went nowhere: no parameter is what it was in the beginning, so that one that is
/// taken for another shows.
enum RandomParameters {
  /// - Parameter arguments: the network's name and the model file.
  static func write(_ arguments: [String]) throws {
    guard arguments.count == 2, let entry = ModelRegistry[arguments[0]] else {
      throw CocoaError(.featureUnsupported)
    }
    var model = Model(entry.network, seed: 1)
    var generator = SystemRandomNumberGenerator()
    for id in model.graph.parameters {
      let value = model.graph[id]
      let range: ClosedRange<Float>? =
        switch value.parameterKind {
        case .scale, .runningVariance: 0.5...1.5
        case .shift, .bias, .runningMean: -0.1...0.1
        default: nil
        }
      guard let range else { continue }
      let elements = (0..<value.shape.count).map { _ in Float.random(in: range, using: &generator) }
      model.parameters[value.name] = Tensor(elements, shape: value.shape)
    }
    try model.save(to: arguments[1])
  }
}
