/// What an example found is not what it should be.
struct Unexpected: Error {
  var what: String
}

/// An example of something that is built on ConvNet.
protocol Example {
  /// - Returns: what it found, in a line.
  static func run() async throws -> String
}

@main
struct Outside {
  static func main() async throws {
    let examples: [any Example.Type] = [
      LayerOfOnesOwn.self, OperationOfOnesOwn.self, AugmentationOfOnesOwn.self,
      DatasetFromMemory.self, TrainingOfOnesOwn.self,
      GradientsOfOnesOwn.self, LoopOfOnesOwn.self, FineTuning.self, ValueInside.self,
      SharedPredictor.self, PictureFromBytes.self, ViewsOfOnesOwn.self,
      CancelledTraining.self,
    ]
    for example in examples {
      print("\(example): \(try await example.run())")
    }
  }
}
