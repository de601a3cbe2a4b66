import ConvNet
import Foundation

// Trains as a script of another framework asks for, one job a line of standard input, and answers with a line each: what was
// trained on, in which order, and what every step lost. With the word `overhead` and a number of threads it measures what a
// training takes beside its engine instead; with `parameters`, a network of the zoo and a file, it writes a model file of random
// parameters.
@main
struct TrainingJobs {
  static func main() throws {
    if CommandLine.arguments.dropFirst().first == "overhead" {
      let threads = CommandLine.arguments.dropFirst(2).first.flatMap(Int.init)
      exit(try Overhead.measure(threads: threads ?? Threads.preferred) ? 0 : 1)
    }
    if CommandLine.arguments.dropFirst().first == "parameters" {
      return try RandomParameters.write(CommandLine.arguments.dropFirst(2).map(\.self))
    }
    while let line = readLine() {
      let job = try JSONDecoder().decode(Job.self, from: Data(line.utf8))
      let answer = try job.run()
      print(String(decoding: try JSONEncoder().encode(answer), as: UTF8.self))
      // The other side waits for it.
      fflush(nil)
    }
  }
}

/// A training of a network of the zoo on a data set, without anything random but the order of the pictures.
struct Job: Decodable {
  var model: String
  /// A file of weights to begin with; `nil`: none is trained, and only the order is told.
  var weights: String?
  var data: String
  var batch: Int
  /// Of all epochs.
  var steps: Int
  var rate: Float
  var momentum: Float
  var decay: Float
  var seed: UInt64
  var threads: Int
  /// Convolutions are computed as they are written.
  var isExact: Bool

  struct Answer: Encodable {
    /// The places of each step's pictures in the data set.
    var order: [[Int]]
    /// Of each step, before its update.
    var losses: [Double]
  }

  func run() throws -> Answer {
    let train = try DatasetCatalog.load(data, split: .train)
    guard let entry = ModelRegistry[model], let shape = train.imageShape else {
      throw CocoaError(.featureUnsupported)
    }
    var options = entry.defaults
    (options.height, options.width, options.channels) = (shape[0], shape[1], shape[2])
    options.classes = train.classNames.count
    var model = try Model(validating: entry.build(options), classNames: train.classNames)
    guard let preprocessing = model.preprocessing else { throw CocoaError(.featureUnsupported) }

    let loader = try BatchLoader(
      train, batchSize: batch, preprocessing: preprocessing, shuffleSeed: seed)
    var order: [[Int]] = []
    var epoch = 0
    while order.count < steps {
      loader.start(epoch: epoch)
      while order.count < steps, let batch = try loader.next() { order.append(batch.sampleIndices) }
      epoch += 1
    }
    guard let weights else { return Answer(order: order, losses: []) }

    _ = try model.loadParameters(from: weights)
    let trainer = Trainer(
      optimizer: .sgd(momentum: momentum, weightDecay: decay), schedule: .constant(rate),
      batchSize: batch, seed: seed,
      compute: ComputeOptions(threads: threads, tuning: .off, isExact: isExact))
    let logger = LossLogger(steps: steps)
    do {
      try trainer.fit(&model, on: train, epochs: steps, loggers: [logger])
    } catch TrainingError.stopped {}
    return Answer(order: order, losses: logger.losses)
  }
}

/// Keeps the losses, and ends the training after so many steps.
final class LossLogger: TrainingLogger {
  let steps: Int
  private(set) var losses: [Double] = []

  init(steps: Int) {
    self.steps = steps
  }

  var asksToStop: Bool { losses.count >= steps }

  func stepEnded(_ step: StepReport, of training: TrainingInProgress) { losses.append(step.loss) }
}
