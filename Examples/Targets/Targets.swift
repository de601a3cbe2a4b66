import ConvNet

// Draws pictures of squares, disks and bars, and trains two networks on them: one that tells which of the three are there, and
// one that tells where the square stands, in pixels. Leaves a folder with the pictures and a CSV file for each, for `convnet
// train --data`.
//
//     swift run -c release Targets shapes

/// Shapes on a noisy ground. Every picture is a function of its number.
struct Shapes: Dataset {
  enum Shape: String, CaseIterable {
    case square, disk, bar
  }

  var targetKind: TargetKind
  var range: Range<Int>

  var name: String { "shapes" }
  var count: Int { range.count }
  var imageShape: ConvNet.Shape? { [28, 28, 1] }
  var classNames: [String] {
    targetKind == .labels ? Shape.allCases.map(\.rawValue) : ["row", "column"]
  }

  func label(at index: Int) -> Int { 0 }

  func targets(at index: Int) -> [Float] {
    let drawn = Self.drawn(range.lowerBound + index, withSquare: targetKind == .numbers)
    guard targetKind == .labels else { return [Float(drawn.row), Float(drawn.column)] }
    return Shape.allCases.map { drawn.shapes.contains($0) ? 1 : 0 }
  }

  func sample(at index: Int) -> Sample {
    let drawn = Self.drawn(range.lowerBound + index, withSquare: targetKind == .numbers)
    return Sample(
      image: Image(height: 28, width: 28, channels: 1, pixels: drawn.pixels), label: 0)
  }

  private static func drawn(
    _ number: Int, withSquare: Bool
  ) -> (shapes: Set<Shape>, row: Int, column: Int, pixels: [UInt8]) {
    var random = RandomNumbers(RandomKey(seed: 1, purpose: .input, index: UInt32(number)))
    var shapes = Set(Shape.allCases.filter { _ in Bool.random(using: &random) })
    if withSquare { shapes.insert(.square) }
    var pixels = (0..<28 * 28).map { _ in UInt8.random(in: 0..<90, using: &random) }
    let (row, column) = (
      Int.random(in: 0..<21, using: &random), Int.random(in: 0..<21, using: &random)
    )
    let (centerRow, centerColumn) = (
      Int.random(in: 4..<24, using: &random), Int.random(in: 4..<24, using: &random)
    )
    let bar = Int.random(in: 0..<26, using: &random)
    for y in 0..<28 {
      for x in 0..<28 {
        let isInDisk =
          (y - centerRow) * (y - centerRow) + (x - centerColumn) * (x - centerColumn) < 16
        let isBright =
          shapes.contains(.square) && (row..<row + 7).contains(y)
          && (column..<column + 7).contains(x)
          || shapes.contains(.disk) && isInDisk
          || shapes.contains(.bar) && (bar...bar + 1).contains(x)
        if isBright { pixels[y * 28 + x] = 200 }
      }
    }
    return (shapes, row, column, pixels)
  }
}

@main
struct Targets {
  static func main() throws {
    let folder = CommandLine.arguments.dropFirst().first ?? "shapes"
    for kind in [TargetKind.labels, .numbers] {
      let (train, test) = (
        Shapes(targetKind: kind, range: 0..<2000), Shapes(targetKind: kind, range: 2000..<2500)
      )
      try write(train, to: folder)

      var model = try Model(
        validating: network(outputs: train.classNames.count), seed: 1,
        classNames: train.classNames)
      let trainer = Trainer(
        optimizer: .adam(), schedule: .constant(0.001), objective: kind.usualObjective,
        batchSize: 32)
      try trainer.fit(&model, on: train, validating: test, epochs: 4) { print($0) }
      try model.save(to: "\(folder)/\(kind.rawValue).safetensors")

      // The model file knows what its outputs are, and in which unit.
      let classifier = try Classifier(loading: "\(folder)/\(kind.rawValue).safetensors")
      let answer = try classifier.classify(test.sample(at: 0).image)
      print(kind == .labels ? "\(answer.labels())" : "\(answer.namedNumbers)")
    }
  }

  private static func network(outputs: Int) -> Network {
    Network("shapes", input: .image(height: 28, width: 28, channels: 1)) {
      for channels in [8, 16, 32] {
        Conv2D(channels, kernel: 3, padding: .same)
        BatchNorm()
        ReLU()
        MaxPool2D(2)
      }
      Flatten()
      Dense(outputs)
    }
  }

  /// The first pictures as files, and a list with what each is to be told by.
  private static func write(_ shapes: Shapes, to folder: String) throws {
    try FileSystem.createFolder("\(folder)/\(shapes.targetKind.rawValue)")
    var lines: [String] = []
    for index in 0..<400 {
      let path = "\(shapes.targetKind.rawValue)/\(index).png"
      try shapes.sample(at: index).image.writePNG(to: "\(folder)/\(path)")
      let targets = zip(shapes.classNames, shapes.targets(at: index))
      lines.append(
        shapes.targetKind == .labels
          ? "\(path),\(targets.filter { $0.1 == 1 }.map(\.0).joined(separator: "|"))"
          : "\(path),\(targets.map { "\(Int($0.1))" }.joined(separator: ","))")
    }
    let header =
      shapes.targetKind == .labels
      ? "path,labels" : "path," + shapes.classNames.joined(separator: ",")
    try AtomicFile.write(
      ([header] + lines).joined(separator: "\n") + "\n",
      to: "\(folder)/\(shapes.targetKind.rawValue).csv")
  }
}
