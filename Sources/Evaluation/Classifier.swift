public import ConvNetEngine
import ConvNetFormats
public import ConvNetGraphs
public import ConvNetImages
public import ConvNetLayers
import ConvNetTensors
import ConvNetTraining
import Foundation

/// A model ready to classify pictures, prepared as the model says. Belongs to one thread at a time.
public final class Classifier {
  public let classNames: [String]
  /// How pictures are prepared.
  public let preprocessing: Preprocessing
  public let batch: Int
  // Of the model nothing else is kept: its parameters may lie packed in the executable.
  private var executable: Executable
  private let input: String
  private let output: String

  /// Reads a model file and compiles it.
  ///
  /// - Parameters:
  ///   - batch: pictures that ``classify(_:)-([Image])`` runs at once.
  ///   - operations: from outside the package, that the network may be made of.
  public convenience init(
    loading path: String, batch: Int = 1, compute: ComputeOptions = .init(),
    operations: [any OperationAttributes.Type] = []
  ) throws {
    try self.init(Model(loading: path, operations: operations), batch: batch, compute: compute)
  }

  public init(_ model: Model, batch: Int = 1, compute: ComputeOptions = .init()) throws {
    guard batch > 0 else { fatalError("a classifier runs at least one picture at once") }
    self.batch = batch
    classNames = model.classNames
    input = model.inputName
    preprocessing = try model.requiredPreprocessing()
    executable = try model.executable(batch: batch, compute: compute)
    output = model.mainOutput?.name ?? ""
  }

  /// Classifies one picture.
  public func classify(_ image: Image) throws -> Classification {
    try classify([image])[0]
  }

  /// Classifies pictures, ``batch`` at a time.
  public func classify(_ images: [Image]) throws -> [Classification] {
    var results: [Classification] = []
    results.reserveCapacity(images.count)
    for start in stride(from: 0, to: images.count, by: batch) {
      let group = images[start..<min(start + batch, images.count)]
      try executable.withInput(input, of: Float.self) { input in
        let count = input.count / batch
        for (index, image) in group.enumerated() {
          preprocessing.prepare(image, into: &input, at: index * count)
        }
      }
      try executable.run()
      try executable.withOutput(output) { logits in
        let classes = logits.count / batch
        for row in 0..<group.count {
          results.append(
            Classification(
              logits: logits.extracting(row * classes..<(row + 1) * classes),
              classNames: classNames))
        }
      }
    }
    return results
  }
}

/// What a model says of a picture.
public struct Classification: Hashable, Sendable {
  /// One class with its probability.
  public struct Prediction: Hashable, Sendable {
    public var label: String
    public var index: Int
    public var probability: Float
  }

  /// One a class, 0 to 1, their sum 1; not numbers where there is no answer.
  public let probabilities: [Float]
  /// How many of the network's scores are infinite or not a number. Where there is one there is no answer: softmax makes
  /// probabilities of finite scores.
  public let nonFiniteCount: Int
  public let classNames: [String]

  init(logits: Span<Float>, classNames: [String]) {
    var largest = -Float.infinity
    for index in logits.indices { largest = max(largest, logits[index]) }
    nonFiniteCount = logits.indices.count { !logits[$0].isFinite }
    self.classNames = classNames
    guard nonFiniteCount == 0 else {
      probabilities = [Float](repeating: .nan, count: logits.count)
      return
    }
    var exponentials: [Double] = []
    for index in logits.indices { exponentials.append(exp(Double(logits[index] - largest))) }
    let sum = exponentials.reduce(0, +)
    probabilities = exponentials.map { Float($0 / sum) }
  }

  /// The likeliest classes, likeliest first; none where there is no answer.
  public func top(_ count: Int) -> [Prediction] {
    guard nonFiniteCount == 0 else { return [] }
    return probabilities.indices.sorted { (probabilities[$0], $1) > (probabilities[$1], $0) }
      .prefix(count).map {
        Prediction(
          label: classNames.indices.contains($0) ? classNames[$0] : "class \($0)", index: $0,
          probability: probabilities[$0])
      }
  }
}

extension Classification.Prediction: CustomStringConvertible {
  /// `Ankle boot 91.8 %`
  public var description: String {
    "\(label) \((Double(probability) * 1000).rounded() / 10) %"
  }
}
