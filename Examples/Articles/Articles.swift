import ConvNet

// Runs what the articles of the documentation say (Sources/ConvNet/ConvNet.docc): each block of Swift there stands in a file here,
// which a test compares. It reads and writes in the current folder.
//
//     swift run -c release Articles [first-network own-data fine-tuning own-layer serving scaling]

@main
struct Articles {
  /// In an order in which each finds what it needs.
  private static let samples: [(name: String, run: @Sendable () async throws -> Void)] = [
    ("first-network", { try FirstNetwork.run() }),
    ("own-data", { try OwnData.run() }),
    ("fine-tuning", { try FineTuning.run() }),
    ("own-layer", { try OwnLayer.run() }),
    ("serving", { try await Serving.run() }),
    ("scaling", { try Scaling.run() }),
  ]

  static func main() async throws {
    let names = CommandLine.arguments.dropFirst()
    for sample in samples where names.isEmpty || names.contains(sample.name) {
      print("\(sample.name):")
      try await sample.run()
    }
  }
}
