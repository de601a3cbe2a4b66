import ConvNetDatasets
import ConvNetEngine
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTraining
import Foundation
import Testing

@Suite("Mixed pictures, label smoothing and class weights together") struct MixedLossTests {
  private let network = Network("n", input: .image(height: 8, width: 8, channels: 1)) {
    Flatten()
    Dense(4)
  }

  /// q' from the batch, q = (1 - s) q' + s / C, and
  ///
  ///     loss = -sum w[c] q[n, c] log p[n, c] / sum w[c] q'[n, c]
  ///
  /// in double precision, with what the network makes of the pictures computed by hand.
  @Test(
    "the loss of a training is the documented formula",
    arguments: [[.mixup(alpha: 1)], [.cutMix(alpha: 1)], []] as [Augmentation], [0, 0.2] as [Float])
  func formula(augmentation: Augmentation, smoothing: Float) throws {
    let weights: [Float] = [0.5, 3, 1, 2]
    let data = try syntheticData(count: 24, extent: 8)
    var model = Model(network, seed: 1, classNames: data.classNames)
    var trainer = momentumTrainer
    trainer.objective = .crossEntropy(labelSmoothing: smoothing, classWeights: weights)
    trainer.augmentation = augmentation
    trainer.batchSize = 12
    let loader = try trainer.makeLoader(of: data, for: &model)
    let step = try TrainingStep(model, trainer)
    loader.start(epoch: 3)
    while let batch = try loader.next() {
      let kernel = try #require(step.model.parameters["dense1.weight"]).elements
      let bias = try #require(step.model.parameters["dense1.bias"]).elements
      let images = batch.images.elements
      var labels = [Double](repeating: 0, count: batch.count * 4)
      batch.withTargets { targets in
        for index in targets.indices { labels[index] = Double(targets[index]) }
      }
      if batch.classCount == nil {
        for (row, label) in batch.labels.enumerated() { labels[row * 4 + Int(label)] = 1 }
      } else {
        #expect(labels.contains { $0 != 0 && $0 != 1 }, "some are mixed")
      }
      var (sum, weight) = (0.0, 0.0)
      for row in 0..<batch.count {
        let logits = (0..<4).map { output in
          (0..<64).reduce(Double(bias[output])) {
            $0 + Double(kernel[output * 64 + $1]) * Double(images[row * 64 + $1])
          }
        }
        let normalizer = log(logits.reduce(0) { $0 + exp($1) })
        for column in 0..<4 {
          let label = labels[row * 4 + column]
          let smoothed = (1 - Double(smoothing)) * label + Double(smoothing) / 4
          sum -= Double(weights[column]) * smoothed * (logits[column] - normalizer)
          weight += Double(weights[column]) * label
        }
      }
      let loss = try step.run(batch)
      #expect(abs(loss - sum / weight) < 1e-5 * (sum / weight))
      try step.update()
    }
  }
}
