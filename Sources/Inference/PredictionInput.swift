public import ConvNetImages
public import ConvNetTensors

/// One picture, or what else a network is given, as a ``Predictor`` takes it.
public enum PredictionInput: Sendable {
  /// Prepared as the model says.
  case image(Image)
  /// The contents of a picture file, of any format that ``Image/init(contentsOf:options:)`` reads; then prepared as the model
  /// says.
  case encoded([UInt8])
  /// `float32`, prepared already: in the model's ``Model/dataFormat``, [height, width, channels] as a rule, as
  /// ``Preprocessing/prepared(_:)`` gives it; with a batch axis of one, or without.
  case tensor(Tensor)
}

/// What a network says of one picture.
public struct Prediction: Sendable {
  /// The network's own result as classes with probabilities.
  public let classification: Classification
  /// The values that were asked for, by name, without the batch axis: [channels, height, width] of a map.
  public let values: [String: Tensor]
}
