import ConvNetDatasets
import ConvNetEvaluation
import ConvNetImages
import ConvNetLayers
import ConvNetReports
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// Two grey pictures of two classes.
private struct TwoPictures: Dataset {
  let name = "two"
  let classNames = ["a", "b"]
  let count = 2
  var imageShape: Shape? { nil }
  func label(at index: Int) -> Int { index }
  func sample(at index: Int) -> Sample {
    Sample(
      image: Image(height: 90, width: 80, color: .init(grey: UInt8(100 * index))), label: index)
  }
}

@Suite("Published tables") struct PublishedTableTests {
  /// Scores of small networks that are called as those of the registry.
  private func scores(
    _ names: [String], _ protocols: [String], jitter: ClosedRange<Int>? = nil
  ) throws -> [ProtocolEvaluation.Score] {
    let candidates = try names.map { name in
      var model = try Model(
        validating: Network(name, input: .image(height: 56, width: 56, channels: 3)) {
          Conv2D(2, kernel: 7, stride: 7)
          GlobalPool.average
          Dense(2)
        }, classNames: ["a", "b"])
      if let jitter {
        model.augmentation = Augmentation([
          .shorterSide(ShorterSide(from: jitter.lowerBound, to: jitter.upperBound))
        ])
      }
      let preprocessing = try #require(model.preprocessing)
      return ProtocolEvaluation.Candidate(
        name, model,
        views: try protocols.map {
          try Views.named($0, for: preprocessing, trainedWith: model.augmentation)
        })
    }
    return try ProtocolEvaluation(of: candidates, on: TwoPictures()).scores
  }

  private func labels(_ table: PublishedTable, _ scores: [ProtocolEvaluation.Score]) -> [[String]] {
    table.entries(of: scores).map { table.rows[$0.row].labels }
  }

  @Test(
    "as many rows as the lecture prints, each as wide as its table",
    arguments: [
      ("vgg-3", 12), ("vgg-4", 10), ("vgg-methods", 15), ("googlenet", 6), ("bn-3", 5),
      ("inception-3", 8), ("inception-4", 8), ("inception-5", 5), ("resnet-4", 10), ("resnet-5", 6),
    ])
  func shape(name: String, count: Int) throws {
    let table = try #require(PublishedTable.named(name))
    #expect(table.rows.count == count)
    for row in table.rows {
      #expect(row.labels.count == table.labels.count && row.numbers.count == table.columns.count)
      #expect(row.fit.map { !$0.networks.isEmpty && !$0.protocols.isEmpty } ?? true)
      #expect(row.fit?.protocols.allSatisfy(Views.names.contains) ?? true)
    }
    #expect(PublishedTable.all.map(\.name).contains(name) && PublishedTable.named("vgg") == nil)
  }

  @Test("numbers are those of the lecture: sums over tables, read by another hand")
  func sums() throws {
    // Sums of each column, made of the lecture's text by a program.
    for (name, sums) in [
      ("vgg-3", [330.6, 109.6]), ("vgg-4", [266.3, 85.7]), ("vgg-methods", [322.7, 137.8, 123.4]),
      ("googlenet", [49.49]), ("bn-3", [49.1, 362.5]), ("inception-3", [193.1, 40.8, 26.0]),
      ("inception-4", [130.5, 51.43]), ("inception-5", [61.0, 26.89]),
      ("resnet-4", [171.34, 60.59]), ("resnet-5", [34.11]),
    ] {
      let rows = try #require(PublishedTable.named(name)).rows
      for (column, sum) in sums.enumerated() {
        let own = rows.reduce(0) { $0 + ($1.numbers[column] ?? 0) }
        #expect(abs(own - sum) < 1e-9, "\(name), column \(column): \(own)")
      }
    }
  }

  @Test("GoogLeNet's gains are differences from the first row, where 3.45 is printed for 3.40")
  func gains() throws {
    let rows = try #require(PublishedTable.named("googlenet")).rows
    let base = try #require(rows[0].numbers[0])
    for row in rows {
      let (error, gain) = (try #require(row.numbers[0]), try #require(row.numbers[1]))
      #expect(abs(error - base - gain) < 1e-9, "\(row.labels)")
    }
    #expect(rows.map { $0.labels[2] } == ["1", "10", "144", "7", "70", "1008"])
  }

  @Test("batch normalization: what the numbers of steps and the accuracies say of each other")
  func steps() throws {
    let rows = try #require(PublishedTable.named("bn-3")).rows
    let steps = rows.map { $0.numbers[0] }
    let accuracies = try rows.map { try #require($0.numbers[1]) }
    for (row, accuracy) in zip(rows, accuracies) {
      let error = try #require(row.numbers[2])
      #expect(abs(error + accuracy - 100) < 1e-9, "\(row.labels)")
    }
    let first = try #require(steps[0])
    // Less than half of the steps by normalization alone, a fourteenth at five times the rate, an eleventh at thirty times.
    let factors = try (1...3).map { try first / #require(steps[$0]) }
    #expect(factors.map { Int($0) } == [2, 14, 11])
    // What never comes to the first one's accuracy has no steps to it.
    #expect(zip(steps, accuracies).allSatisfy { ($0 != nil) == ($1 >= accuracies[0]) })
    #expect(accuracies.max() == accuracies[3])
    // The next paper's table has the error of BN-x30.
    let next = try #require(PublishedTable.named("inception-3")).rows[2]
    #expect(next.labels == ["BN-Inception"] && next.numbers[0] == rows[3].numbers[2])
  }

  @Test("Inception v2: each change makes the errors smaller, one of them costs operations")
  func changes() throws {
    let rows = try #require(PublishedTable.named("inception-3")).rows
    for column in 0..<2 {
      let errors = rows.compactMap { $0.numbers[column] }
      #expect(zip(errors, errors.dropFirst()).allSatisfy { $0 > $1 })
    }
    #expect(rows.map { $0.numbers[2] } == [1.5, 1.5, 2.0, 3.8, 3.8, 3.8, 4.8, 4.8])
  }

  @Test("a score stands in the row of its network, its protocol, its scales, its number of models")
  func rows() throws {
    let vgg3 = try #require(PublishedTable.named("vgg-3"))
    // A side of 56 is a quarter of 224.
    #expect(
      try labels(vgg3, scores(["vgg-d"], ["dense"], jitter: 64...64)) == [["D", "256", "256"]])
    #expect(
      try labels(vgg3, scores(["vgg-d"], ["dense"], jitter: 96...96)) == [["D", "384", "384"]])
    #expect(
      try labels(vgg3, scores(["vgg-e"], ["dense"], jitter: 64...128))
        == [["E", "256 to 512", "384"]])
    // What a file does not say of its training is taken as the first row of those scales.
    #expect(try labels(vgg3, scores(["vgg-d"], ["dense"])) == [["D", "256", "256"]])
    #expect(try labels(vgg3, scores(["vgg-d"], ["single"])).isEmpty)
    #expect(try labels(vgg3, scores(["resnet50"], ["dense"])).isEmpty)
    let vgg4 = try #require(PublishedTable.named("vgg-4"))
    #expect(
      try labels(vgg4, scores(["vgg-c"], ["multi-scale"], jitter: 64...128))
        == [["C", "256 to 512", "256, 384, 512"]])
    let pairs = try scores(["vgg-d", "vgg-e"], ["multi-crop+dense"])
    let methods = try #require(PublishedTable.named("vgg-methods"))
    let entries = methods.entries(of: pairs)
    #expect(entries.map(\.row) == [0, 1, 1] && entries.map(\.score) == [2, 0, 1])
    let changes = try #require(PublishedTable.named("inception-3"))
    #expect(
      try labels(changes, scores(["inception-v2", "inception-v3"], ["single"]))
        == [["Inception v2, factorized 7x7"], ["Inception v2, BN auxiliary"]])
    let inception = try #require(PublishedTable.named("inception-4"))
    #expect(
      try labels(inception, scores(["inception-v3-torchvision"], ["12-crop", "single"]))
        == [["Inception v3", "12"]])
  }

  @Test("what is to be measured for a table follows the networks")
  func protocols() throws {
    let methods = try #require(PublishedTable.named("vgg-methods"))
    #expect(methods.protocols(for: ["alexnet"]) == ["10-crop"])
    #expect(methods.protocols(for: ["vgg-d"]) == ["multi-crop+dense", "dense"])
    #expect(methods.protocols(for: ["lenet5"]) == ["multi-crop+dense"])
    let table = try #require(PublishedTable.named("googlenet"))
    #expect(table.protocols(for: ["googlenet"]) == ["single", "10-crop", "144-crop"])
  }

  @Test("the table prints both, further scores in lines of their own, those of no row below")
  func text() throws {
    let table = try #require(PublishedTable.named("resnet-4"))
    let shown = table.table(with: try scores(["resnet50", "resnet50-v1.5", "own"], ["resnet"]))
    #expect(shown.rows.count == table.rows.count + 1 + 2)
    let place = try #require(shown.rows.firstIndex { $0[0] == "ResNet-50" })
    #expect(shown.rows[place][1...2] == ["20.74", "5.25"])
    #expect(shown.rows[place].last == "resnet50, resnet")
    #expect(shown.rows[place + 1].last == "resnet50-v1.5, resnet")
    #expect(shown.rows[place + 1][0].isEmpty)
    #expect(shown.rows.suffix(2).allSatisfy { $0[0] == "in no row" })
    #expect(shown.rows[0][1] == "-")
  }
}
