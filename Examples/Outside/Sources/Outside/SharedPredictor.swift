import ConvNet

/// Eight tasks share a predictor: two runs at once, over one copy of the packed weights.
enum SharedPredictor: Example {
  static func run() async throws -> String {
    let model = try Model(validating: DatasetFromMemory.network, seed: 6)
    let predictor = try Predictor(model, concurrency: 2, compute: ComputeOptions(threads: 1))
    let pictures = Stripes(count: 40)
    let answers = try await withThrowingTaskGroup(of: [Classification].self) { group in
      for task in 0..<8 {
        group.addTask {
          var answers: [Classification] = []
          for index in task * 5..<(task + 1) * 5 {
            answers.append(try await predictor.classify(.image(pictures.sample(at: index).image)))
          }
          return answers
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    let expected = try Classifier(model, compute: ComputeOptions(threads: 1))
      .classify((0..<40).map { pictures.sample(at: $0).image })
    // Tasks end in any order.
    guard Set(answers) == Set(expected) else { throw Unexpected(what: "other answers") }
    return "\(answers.count) answers of 8 tasks"
  }
}
