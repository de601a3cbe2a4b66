import ConvNetEngine
import ConvNetDatasets
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTraining

/// Bright bars on a noisy ground, one place a class: learnt in seconds, by nothing but their place.
func syntheticData(
  count: Int, classes: Int = 4, extent: Int = 28, seed: UInt64 = 1, classNames: [String]? = nil
) throws -> IDXDataset {
  var random = RandomNumbers(RandomKey(seed: seed, purpose: .input))
  let labels = (0..<count).map { UInt8($0 % classes) }
  var pixels: [UInt8] = []
  for label in labels {
    let shift = Int.random(in: 0..<3, using: &random)
    let bar = Int(label) * extent / classes + shift
    for _ in 0..<extent {
      for column in 0..<extent {
        let isBright = (bar..<bar + 3).contains(column)
        pixels.append((isBright ? 180 : 20) + UInt8.random(in: 0..<60, using: &random))
      }
    }
  }
  return try IDXDataset(
    name: "bars", images: Tensor(pixels, shape: [count, extent, extent]), labels: Tensor(labels),
    classNames: classNames ?? (0..<classes).map { "bar \($0)" })
}

/// Two dense layers on small pictures, with dropout: random numbers in every step.
func smallNetwork(classes: Int = 4, extent: Int = 8) -> Network {
  Network("small", input: .image(height: extent, width: extent, channels: 1)) {
    Conv2D(3, kernel: 3)
    BatchNorm()
    ReLU()
    Flatten()
    Dropout(0.2)
    Dense(classes)
  }
}

let momentumTrainer = Trainer(
  optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .plateau(from: 0.02),
  batchSize: 16,
  seed: 7, compute: ComputeOptions(threads: 1))
