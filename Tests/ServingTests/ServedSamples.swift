import ConvNetEngine
import ConvNetFiles
import ConvNetImages
import ConvNetLayers
import ConvNetServing
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Synchronization

/// A small network of pictures.
func smallModel(seed: UInt64 = 3, hasPreparation: Bool = true) throws -> Model {
  let network = Network("small", input: .image(height: 9, width: 8, channels: 3)) {
    Conv2D(5, kernel: 3)
    ReLU()
    MaxPool2D(2)
    Flatten()
    Dense(4)
  }
  var model = try Model(validating: network, seed: seed, classNames: ["a", "b", "c", "d"])
  if !hasPreparation { model.preprocessing = nil }
  return model
}

func picture(_ seed: UInt64, height: Int = 9, width: Int = 8) -> Image {
  Image(
    height: height, width: width, channels: 3,
    pixels: Tensor.random([height, width, 3], seed: seed, in: 0..<256).elements.map { UInt8($0) })
}

/// A text that stands for a model: its seed.
struct NoSeed: ReadableError {
  var description: String { "no seed" }
}

let oneThread = ComputeOptions(threads: 1)

/// A store of files whose texts are seeds.
func store(
  _ sources: [ModelStore.Source], options: ServingOptions = .init(batch: 4, compute: oneThread),
  metrics: ServiceMetrics = ServiceMetrics(),
  tell: @escaping @Sendable (ModelStore.Event) -> Void = { _ in }
) throws -> ModelStore {
  try ModelStore(
    sources, options: options, metrics: metrics,
    load: { path in
      let text = try String(contentsOfFile: path, encoding: .utf8)
      if text == "tensors" { return try smallModel(hasPreparation: false) }
      guard let seed = UInt64(text) else { throw NoSeed() }
      var model = try smallModel(seed: seed)
      if seed == 666 {
        for name in model.parameters.keys where name.hasSuffix("bias") {
          model.parameters[name] = Tensor(
            shape: model.parameters[name]?.shape ?? []
          ) { $0[0] = .infinity }
        }
      }
      return model
    }, tell: tell)
}
