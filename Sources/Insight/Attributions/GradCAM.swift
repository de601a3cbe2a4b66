public import ConvNetEngine
import ConvNetInference
public import ConvNetLayers
public import ConvNetTensors

/// Grad-CAM of a network that is compiled once, for who asks of many pictures.
///
/// ``Model/gradCAM(of:classes:layer:weighting:compute:)`` says what it is, and compiles at every call. Belongs to one thread at
/// a time.
public struct GradCAM: ~Copyable {
  /// Whose values are weighted, by name.
  public let layer: String
  private let model: Model
  private let weighting: CAMWeighting
  private let count: Int
  private var network: DifferentiatedModel

  /// Compiles the network.
  ///
  /// - Parameters:
  ///   - layer: by name; `nil` for ``Model/lastSpatialLayer``.
  ///   - classes: that are asked for of a picture, at once.
  /// - Throws: ``InferenceError/unknownValue(name:model:nearest:)``, ``InsightError/notSpatial(layer:shape:last:)`` and what
  ///   compiling throws.
  public init(
    _ model: Model, layer: String? = nil, classes: Int = 1, weighting: CAMWeighting = .mean,
    compute: ComputeOptions = .init()
  ) throws {
    let layer = try model.spatialLayer(layer)
    let compiled = try DifferentiatedModel(
      model, batch: classes, byInput: false, byValues: [layer], compute: compute)
    self.layer = layer
    self.weighting = weighting
    count = classes
    self.model = model.withoutParameters
    network = compiled
  }

  /// The attributions of a picture.
  ///
  /// - Parameters:
  ///   - input: one prepared picture, in ``Model/dataFormat``.
  ///   - classes: as many as the network is compiled for.
  /// - Returns: one a class, of the layer's extents.
  /// - Throws: ``InsightError`` for a class that there is not; ``InferenceError`` where the input does not fit.
  public mutating func attributions(of input: Tensor, classes: [Int]) throws -> [Attribution] {
    try model.requireClasses(classes)
    guard classes.count == count else {
      fatalError("\(classes.count) classes are asked for, the network is compiled for \(count)")
    }
    try network.run(
      model.batch(of: classes.map { _ in input }), weights: network.oneHot(classes: classes))
    let (values, gradients) = try (network.value(layer), network.gradient(by: layer))
    let scores = try network.value().scores(of: classes)
    return classes.indices.map { place in
      let channels = Plane.all(of: values, example: place)
      let slopes = Plane.all(of: gradients, example: place)
      var sum = [Double](repeating: 0, count: channels[0].values.count)
      for (channel, slope) in zip(channels, slopes) {
        let weight = weighting.weight(of: channel, slope: slope)
        for index in sum.indices { sum[index] += weight * Double(channel.values[index]) }
      }
      return Attribution(
        classIndex: classes[place], score: scores[place],
        plane: Plane(
          height: channels[0].height, width: channels[0].width,
          values: sum.map { Float(max(0, $0)) }),
        isSigned: false)
    }
  }
}
