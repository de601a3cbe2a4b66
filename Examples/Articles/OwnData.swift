import ConvNet

/// The samples of the article "Pictures of your own".
enum OwnData {
  static func run() throws {
    try writePictures()
    let source = try DatasetCatalog.source("pictures")
    try verify(source)
    let model = try train(source)
    try classify(model)
    try evaluateMemory()
  }

  /// Bars across and down in noise, as a folder of PNG files.
  private static func writePictures() throws {
    let bars = Bars(count: 60)
    for index in 0..<bars.count {
      let folder = "pictures/\(bars.classNames[bars.label(at: index)])"
      try FileSystem.createFolder(folder)
      try bars.sample(at: index).image.writePNG(to: "\(folder)/\(index).png")
    }
  }

  private static func verify(_ source: DatasetSource) throws {
    let found = try DatasetVerification(of: source, threads: 2)
    for file in found.bad { print("\(file.file): \(file.reason)") }
    for same in found.duplicates where same.crossesParts {
      print("to train on and to test on:", same.files)
    }
  }

  private static func train(_ source: DatasetSource) throws -> Model {
    let holdout = source.trainingHoldout(share: 0.2, seed: 1)
    let (train, test) = try source.loadParts(holdout: holdout)

    var options = ModelOptions(height: 32, width: 32, channels: 3, classes: 2)
    options.classes = train.classNames.count
    guard let entry = ModelRegistry["resnet20"] else { fatalError("the zoo has it") }
    var model = try Model(
      validating: entry.build(options), seed: 1, classNames: train.classNames)

    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(0.02),
      augmentation: [.randomCrop(padding: 2), .horizontalReflection()], batchSize: 12)
    try trainer.fit(&model, on: train, validating: test, epochs: 4) { print($0) }
    return model
  }

  private static func classify(_ model: Model) throws {
    let pictures = PictureList(finding: ["pictures/across", "pictures/down/*.png"])
    try model.classify(pictures) { index, outcome in
      switch outcome {
      case .success(let classes): print(pictures.name(at: index), classes.top(1))
      case .failure(let problem): print(problem)
      }
    }
  }

  private static func evaluateMemory() throws {
    let network = Network("bars", input: .image(height: 32, width: 32, channels: 3)) {
      Conv2D(8, kernel: 3, padding: .same)
      ReLU()
      GlobalPool.average
      Dense(2)
    }
    var model = try Model(validating: network, seed: 2)
    let trainer = Trainer(optimizer: .sgd(momentum: 0.9), schedule: .constant(0.02))
    try trainer.fit(&model, on: Bars(count: 200), epochs: 1)
  }
}

/// Pictures that a program makes: bars across or down, in noise.
struct Bars: Dataset {
  let name = "bars"
  let count: Int
  let classNames = ["across", "down"]
  let imageShape: Shape? = [32, 32, 3]

  func label(at index: Int) -> Int { index % 2 }

  func sample(at index: Int) -> Sample {
    var random = RandomNumbers(RandomKey(seed: 1, purpose: .input, index: UInt32(index)))
    var image = Image(height: 32, width: 32, color: .black, channels: 3)
    for row in 0..<32 {
      for column in 0..<32 {
        let isBright = (label(at: index) == 0 ? row : column) / 4 % 2 == 0
        for channel in 0..<3 {
          image[row, column, channel] = UInt8((isBright ? 150 : 50) + random.uniform(in: 0..<90))
        }
      }
    }
    return Sample(image: image, label: label(at: index))
  }
}
