import ConvNetDatasets
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Foundation

/// Descriptions of small networks, of a training's state, and of what happens to pictures.
enum ModelSamples {
  /// Most kinds of operations that layers make, on few pixels.
  private static var networks: [Network] {
    [
      Network("plain", input: .image(height: 8, width: 8, channels: 3)) {
        Conv2D(4, kernel: 3, padding: .same)
        BatchNorm()
        ReLU()
        MaxPool2D(2)
        Flatten()
        Dense(3)
      },
      Network("normalized", input: .image(height: 5, width: 6, channels: 3)) {
        LocalResponseNorm()
        AveragePool2D(2, stride: 1, padding: .same)
        Dropout(0.5)
        Tanh()
        GlobalPool.average
        Dense(3)
      },
      Network("branches", input: .image(height: 9, width: 7, channels: 2)) {
        Residual(shortcut: .zeroPadded) { Conv2D(4, kernel: 3, padding: .symmetric(1)) }
        Concatenate(
          LayerSequence { Conv2D(2, kernel: 1) },
          LayerSequence { MaxPool2D(3, stride: 1, padding: .same) })
        Auxiliary("aux", weight: 0.3) {
          GlobalPool.max
          Dense(3)
        }
        GlobalPool.average
        Dense(3)
      },
    ]
  }

  private static func model(_ network: Network) throws -> Model {
    try Model(
      validating: network, seed: 1, classNames: ["a", "b", "c"],
      preprocessing: Preprocessing(height: 8, width: 8, channels: 3, mean: [0.5, 0.4, 0.3]))
  }

  /// What model files say in their metadata.
  static func descriptions() throws -> [String] {
    try networks.map { network in
      let directory = try TemporaryDirectory()
      let path = directory.file("model")
      try model(network).save(to: path)
      return try Safetensors(contentsOf: path).metadata[Model.descriptionKey] ?? ""
    }
  }

  /// The parameters of the network that a description means, if it means one.
  static func parameters() throws -> [(name: String, tensors: [String: Tensor])] {
    try networks.map { (name: "\"name\":\"\($0.name)\"", tensors: try model($0).parameters) }
  }

  static let checkpointKey = "convnet.checkpoint"

  /// What a checkpoint says in its metadata.
  static func checkpoints() throws -> [[UInt8]] {
    let directory = try TemporaryDirectory()
    let path = directory.file("checkpoint")
    let network = Network("tiny", input: .image(height: 2, width: 2, channels: 1)) {
      Flatten()
      Dense(2)
    }
    let data = try IDXDataset(
      name: "tiny", images: Tensor([UInt8](0..<16), shape: [4, 2, 2]),
      labels: Tensor([0, 1, 0, 1] as [UInt8]), classNames: ["a", "b"])
    var model = try Model(validating: network, seed: 1, classNames: ["a", "b"])
    try Trainer(
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.01), schedule: .plateau(from: 0.01),
      augmentation: [.horizontalReflection(HorizontalReflection())], batchSize: 2
    ).fit(&model, on: data, validating: data, epochs: 1) { try $1.save(to: path) }
    return [try fileBytes(path)]
  }

  /// Preprocessings, and augmentations of every step.
  static let preparations = [
    """
    [{"shorterSide":{"from":8,"to":12}},{"randomCrop":{"padding":1}},{"rotation":{"degrees":9}},\
    {"colorJitter":{"brightness":0.2}},"trivialAugment","horizontalReflection",{"erasing":{}}]
    """,
    """
    ["randomResizedCrop","horizontalReflection","colorShift",{"mixup":{"alpha":0.2}},"cutMix"]
    """,
    """
    {"height":8,"width":8,"channels":3,"mean":[0.5,0.4,0.3],"deviation":[0.2,0.2,0.2],\
    "dataFormat":"channelsLast","background":{"red":255,"green":255,"blue":255}}
    """,
  ]
}
