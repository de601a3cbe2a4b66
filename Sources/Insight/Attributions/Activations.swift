public import ConvNetEngine
import ConvNetInference
public import ConvNetLayers
import ConvNetReports
public import ConvNetTensors

/// What a layer makes of a picture, channel by channel.
public struct Activations: Hashable, Sendable {
  /// The layer.
  public var layer: String
  /// One plane a channel, in the order of the channels.
  public var channels: [Plane]

  /// The channels with the largest mean magnitude first.
  public var byStrength: [Int] {
    let strengths = channels.map { plane in
      plane.values.reduce(0.0) { $0 + Double(abs($1)) } / Double(plane.values.count)
    }
    return channels.indices.sorted { (strengths[$0], $1) > (strengths[$1], $0) }
  }

  /// Some channels as pictures side by side, all on one scale.
  ///
  /// - Parameter indices: which, in this order.
  public func sheet(_ title: String, subtitle: String, channels indices: [Int]) -> PictureSheet {
    let chosen = indices.map { channels[$0] }
    let unit = chosen.map(\.largestMagnitude).max() ?? 0
    let isSigned = chosen.contains { $0.bounds.lowest < 0 }
    let scale: ColorScale = isSigned ? .signed : .heat
    let columns = max(1, Int(Double(indices.count).squareRoot().rounded(.up)))
    return PictureSheet(
      title, subtitle: subtitle,
      panels: zip(indices, chosen).map { index, plane in
        .init(plane.image(scale, unit: unit), "\(index)")
      }, columns: min(8, columns), side: 88,
      legend: ColorLegend(
        scale, title: "value", lowest: isSigned ? Double(-unit) : 0, highest: Double(unit)))
  }
}

extension Model {
  /// The values of a layer for one picture.
  ///
  /// - Parameters:
  ///   - input: one prepared picture, in ``Model/dataFormat``.
  ///   - layer: by name; `nil` for ``lastSpatialLayer``.
  /// - Throws: ``InferenceError/unknownValue(name:model:nearest:)`` for a layer that there is not, with the nearest names;
  ///   ``InsightError/notSpatial(layer:shape:last:)``; ``InsightError/noAnswer(model:subject:what:)`` where one is not finite.
  public func activations(
    of input: Tensor, layer: String? = nil, compute: ComputeOptions = .init()
  ) throws -> Activations {
    let layer = try spatialLayer(layer)
    var executable = try executable(batch: 1, outputs: [layer], compute: compute)
    try executable.write(batch(of: [input]), to: inputName)
    try executable.run()
    let values = try executable.output(layer)
    guard values.nonFiniteCount == 0 else { throw noAnswer(for: "the picture", layer: layer) }
    return Activations(layer: layer, channels: Plane.all(of: values))
  }
}
