import ConvNetImages

// A number that a paper states has its section; the others say whose they are, or why they were chosen.

extension Recipe {
  /// The recipes of the lecture's networks in their order, and one of ours.
  public static let builtIn: [Recipe] =
    [lenet, alexNet, vgg, googLeNet] + batchNormalized + [inceptionV3, resNet]
    + [cifarResNet(isDeep: false), cifarResNet(isDeep: true), fast]

  private static let unsaid = RecipeSource.ours("the usual, where the network leaves it open")
  private static let own = "the network's own"

  /// Where the settings are from that most recipes leave as they are, and what else is said.
  private static func sources(_ sources: [String: RecipeSource]) -> [String: RecipeSource] {
    let usual: [String: RecipeSource] = [
      "optimizer": unsaid, "schedule": unsaid, "objective": unsaid, "dropout": unsaid,
      "auxiliaryWeight": .ours("no auxiliary classifiers, or the network's"),
      "initialization": .ours("as the network's file says"), "epochs": unsaid,
      "augmentation": unsaid,
    ]
    return usual.merging(sources) { $1 }
  }

  private static var lenet: Recipe {
    Recipe(
      "lenet", summary: "LeNet-5 on digits", network: "lenet5", batchSize: 32, epochs: 20,
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .plateau(from: 0.01),
      inputSize: 28,
      sources: sources([
        "network": .lecture("LeNet, 0.8 % test error on MNIST"),
        "inputSize": .ours("MNIST's 28 pixels; the paper's 32 are these with a border"),
        "batchSize": .ours("the paper updates after every picture"),
        "epochs": .paper("LeCun et al., 1998, section III.B: 20 times through the data"),
        "optimizer": .ours("AlexNet's, in place of the paper's second-order steps"),
        "schedule": .ours("AlexNet's"),
      ]))
  }

  private static let krizhevsky = "Krizhevsky et al., 2012"

  private static var alexNet: Recipe {
    Recipe(
      "alexnet", summary: "AlexNet on ImageNet", network: "alexnet", batchSize: 128, epochs: 90,
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .plateau(from: 0.01),
      augmentation: Augmentation(preset: "alexnet") ?? .none, inputSize: 224, dropout: 0.5,
      initialization: "normal of deviation 0.01, biases 0 or 1",
      sources: sources([
        "network": .lecture("AlexNet, 2012"), "inputSize": .lecture("patches of 224x224"),
        "batchSize": .lecture("batch size 128"),
        "epochs": .paper("\(krizhevsky), section 5: about 90 cycles"),
        "optimizer": .lecture(
          "momentum 0.9, weight decay 0.0005, v <- 0.9 v - a dL/dw - 0.0005 a w"),
        "schedule": .lecture("0.01, divided by 10 when validation stops improving"),
        "schedule.patience": .ours("the authors divided by hand"),
        "dropout": .lecture("0.5 on dense layers but the last"),
        "augmentation": .lecture(
          "windows of 224 in the central 256x256, reflections; the shift of colors is the paper's, section 4.1"
        ),
        "initialization": .paper("\(krizhevsky), section 5"),
      ]))
  }

  private static var vgg: Recipe {
    Recipe(
      "vgg", summary: "VGG on ImageNet, its pictures at several scales", network: "vgg-d",
      batchSize: 256, epochs: 74, optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005),
      schedule: .plateau(from: 0.01), augmentation: Augmentation(preset: "vgg") ?? .none,
      inputSize: 224, dropout: 0.5,
      sources: sources([
        "network": .lecture("VGG, configuration D"), "inputSize": .lecture("patches of 224x224"),
        "batchSize": .lecture("batch size 256"),
        "epochs": .paper("Simonyan and Zisserman, 2014, section 3.1: 74 epochs"),
        "optimizer": .lecture("momentum 0.9, weight decay 0.0005"),
        "schedule": .lecture("0.01, divided by 10 when validation stops improving"),
        "schedule.patience": .ours("the authors divided by hand"),
        "dropout": .lecture("0.5 on dense layers but the last"),
        "augmentation": .lecture(
          "the smaller side uniform in [256, 512], windows of 224, reflections; the shift of colors is the paper's"
        ),
      ]))
  }

  private static let szegedy = "Szegedy et al., 2014, section 6"

  /// Brightness, contrast and saturation by up to 40 %, which batch normalization's recipes halve.
  private static func distorted(by strength: Float) -> Augmentation {
    [
      .randomResizedCrop(), .horizontalReflection(),
      .colorJitter(brightness: strength, contrast: strength, saturation: strength),
    ]
  }

  private static var googLeNet: Recipe {
    Recipe(
      "googlenet", summary: "GoogLeNet on ImageNet", network: "googlenet", batchSize: 32,
      epochs: 250, optimizer: .sgd(momentum: 0.9, weightDecay: 0.0002),
      schedule: .steps(from: 0.01, factor: 0.96, every: 8), averaging: .exponential(decay: 0.9999),
      augmentation: distorted(by: 0.4), inputSize: 224, dropout: 0.4, auxiliaryWeight: 0.3,
      sources: sources([
        "network": .lecture("Inception (GoogLeNet), 2014"),
        "inputSize": .lecture("crops of 224x224"),
        "batchSize": .ours("that of the authors' next network"),
        "epochs": .ours("the rate is then a quarter of the first"),
        "optimizer": .lecture("SGD with momentum 0.9"),
        "optimizer.weightDecay": .ours("the paper gives none; as in Caffe's replication"),
        "optimizer.decaying": unsaid, "schedule": .lecture("4 % less every 8 epochs"),
        "schedule.rate": .ours("the paper gives none; as in Caffe's replication"),
        "averaging": .paper("\(szegedy): Polyak averaging makes the final model"),
        "averaging.decay": .ours("that of the authors' next networks"),
        "averaging.statisticsBatches": .ours("no batch normalization here"),
        "dropout": .lecture("40 % before the classifier"),
        "auxiliaryWeight": .paper("Szegedy et al., 2014, section 5: 0.3"),
        "augmentation": .paper(
          "\(szegedy): patches of 8 % to 100 % of the area, aspect 3/4 to 4/3, photometric distortions, whose strength is ours"
        ),
      ]))
  }

  private static let ioffe = "Ioffe and Szegedy, 2015, section 4.2"

  private static var batchNormalized: [Recipe] {
    let row = "the lecture's table has it at 72.2 % after"
    return [
      batchNormalized(
        "bn-plain", "what the others are compared with", rate: 0.0015, isFast: false, epochs: 774,
        .ours("\(row) 31.0 million steps, here of 32 pictures"), network: "bn-inception-plain"),
      batchNormalized(
        "bn-baseline", "trained as Inception without it", rate: 0.0015, isFast: false,
        epochs: 332, .ours("\(row) 13.3 million steps, here of 32 pictures")),
      batchNormalized(
        "bn-x5", "at five times the rate", rate: 0.0075, isFast: true, epochs: 53,
        .ours("\(row) 2.1 million steps, here of 32 pictures")),
      batchNormalized(
        "bn-x30", "at thirty times the rate", rate: 0.045, isFast: true, epochs: 68,
        .ours("\(row) 2.7 million steps, here of 32 pictures")),
      batchNormalized(
        "bn-x5-sigmoid", "with sigmoids, at five times the rate", rate: 0.0075, isFast: true,
        epochs: 53, .ours("as bn-x5; it reaches 69.8 % in the end"),
        network: "bn-inception-sigmoid"),
    ]
  }

  /// - Parameter isFast: without dropout, with a fifth of the weight decay, a sixfold decay of the rate and less distortion.
  private static func batchNormalized(
    _ name: String, _ words: String, rate: Float, isFast: Bool, epochs: Int, _ length: RecipeSource,
    network: String = "bn-inception"
  ) -> Recipe {
    let schedule: any LearningRateSchedule =
      isFast
      ? ExponentialDecay(from: rate, factor: 0.96, every: 8.0 / 6, time: .epochs)
      : StepDecay(from: rate, factor: 0.96, every: 8)
    let decay: Float = isFast ? 0.00004 : 0.0002
    let isPlain = network == "bn-inception-plain"
    return Recipe(
      name,
      summary: isPlain
        ? "Inception without batch normalization, \(words)"
        : "Inception with batch normalization, \(words)",
      network: network,
      batchSize: 32, epochs: epochs,
      optimizer: .sgd(momentum: 0.9, weightDecay: decay), schedule: schedule,
      augmentation: distorted(by: isFast ? 0.2 : 0.4), inputSize: 224, dropout: isFast ? 0 : 0.4,
      auxiliaryWeight: 0.3,
      sources: sources([
        "network": isPlain
          ? .lecture("Inception, the row that the others are measured by")
          : .lecture("Inception with batch normalization"),
        "inputSize": .ours("GoogLeNet's"),
        "batchSize": .paper("\(ioffe): mini-batches of 32"), "epochs": length,
        "optimizer": .ours("GoogLeNet's momentum; \(ioffe) says no more than that there is one"),
        "optimizer.weightDecay": isFast
          ? .lecture("smaller by a factor of 5; the number is that of the authors' later code")
          : .ours("five times that of the others, whose number is that of the authors' later code"),
        "optimizer.decaying": unsaid,
        "schedule": isFast
          ? .lecture("a faster decay; six times is the paper's, section 4.2.1")
          : .ours("GoogLeNet's: the paper gives none"),
        "schedule.rate": isFast
          ? .lecture(
            "\(name.contains("30") ? "30" : "5") times larger; 0.0015 is the paper's, section 4.2.2"
          )
          : .paper("Ioffe and Szegedy, 2015, section 4.2.2: 0.0015"),
        "dropout": isFast ? .lecture("no dropout") : .paper("\(ioffe): Inception's, 40 %"),
        "auxiliaryWeight": .ours("GoogLeNet's"),
        "augmentation": isFast
          ? .paper("\(ioffe).1: less photometric distortion; half is ours")
          : .ours("GoogLeNet's"),
      ]))
  }

  private static var inceptionV3: Recipe {
    let code = "the authors' released code"
    return Recipe(
      "inception-v3", summary: "Inception v3 on ImageNet", network: "inception-v3", batchSize: 32,
      epochs: 100,
      optimizer: .rmsProp(
        squareDecay: 0.9, epsilon: 1, initialSquare: 1, weightDecay: 0.00004, decaying: .kernels),
      schedule: .steps(from: 0.045, factor: 0.94, every: 2),
      gradientTransforms: [.clipping(norm: 2)],
      averaging: .exponential(decay: 0.9999, beginning: .slow),
      objective: .crossEntropy(labelSmoothing: 0.1), augmentation: distorted(by: 0.4),
      inputSize: 299, dropout: 0.2, auxiliaryWeight: 0.4,
      sources: sources([
        "network": .lecture("Inception v3"), "inputSize": .lecture("enlarged to 299x299"),
        "batchSize": .lecture("batch size 32"), "epochs": .lecture("100 epochs"),
        "optimizer": .lecture("RMSProp, epsilon 1.0"),
        "optimizer.squareDecay": .paper(
          "Szegedy et al., 2015, section 8: decay 0.9, which the lecture calls momentum"),
        "optimizer.momentum": .ours("classical momentum is an option; \(code) has 0.9"),
        "optimizer.epsilonPlace": .ours(
          "inside the root, as TensorFlow has it, which \(code) uses"),
        "optimizer.initialSquare": .ours("1, as TensorFlow had it then"),
        "optimizer.isCentered": unsaid, "optimizer.velocity": unsaid,
        "optimizer.weightDecay": .ours("that of \(code)"),
        "optimizer.decaying": .ours("that of \(code)"),
        "schedule": .lecture("0.045, 6 % less every two epochs"),
        "normClipping": .lecture("gradient clipping with threshold 2.0"),
        "averaging": .paper("Szegedy et al., 2015, section 8: evaluated by a running average"),
        "averaging.decay": .ours("that of \(code)"), "averaging.beginning": .ours("TensorFlow's"),
        "averaging.statisticsBatches": unsaid,
        "objective": .lecture("label smoothing of 0.1"),
        "dropout": .ours("0.2 before the classifier, as \(code)"),
        "auxiliaryWeight": .ours("0.4, as \(code)"), "augmentation": .ours("GoogLeNet's"),
      ]))
  }

  private static let he = "He et al., 2015"

  private static var resNet: Recipe {
    Recipe(
      "resnet", summary: "ResNet on ImageNet", network: "resnet50", batchSize: 256, epochs: 120,
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.0001), schedule: .plateau(from: 0.1),
      augmentation: [
        .shorterSide(from: 256, to: 480), .randomCrop(), .horizontalReflection(), .colorShift(),
      ], inputSize: 224, dropout: 0, initialization: "He's normal",
      sources: sources([
        "network": .lecture("ResNet of 50 layers"), "inputSize": .paper("\(he), section 3.4"),
        "batchSize": .lecture("batch size 256"),
        "epochs": .paper("\(he), section 3.4: 600,000 steps"),
        "optimizer": .lecture("momentum 0.9, weight decay 0.0001"),
        "schedule": .lecture("0.1, divided by 10 when the error plateaus"),
        "schedule.patience": .ours("the paper gives none"),
        "dropout": .lecture("no dropout"),
        "augmentation": .paper(
          "\(he), section 3.4: the smaller side in [256, 480], shift of colors"),
        "initialization": .paper("\(he), section 3.4"),
      ]))
  }

  private static func cifarResNet(isDeep: Bool) -> Recipe {
    let milestones = Milestones(from: 0.1, at: [32_000, 48_000], time: .steps)
    let schedule: any LearningRateSchedule =
      isDeep ? LowBeginning(before: milestones) : milestones
    let place = "\(he), section 4.2"
    var sources = Self.sources([
      "network": .lecture("ResNets on CIFAR-10"), "inputSize": .paper(place),
      "batchSize": .paper("\(place): 128"),
      "epochs": .paper("\(place): 64,000 steps, of 45,000 pictures"),
      "heldOutShare": .paper("\(place): 5,000 of 50,000 pictures to validate on"),
      "optimizer": .lecture("momentum 0.9, weight decay 0.0001"),
      "schedule": .paper("\(place): 0.1, divided by 10 at steps 32,000 and 48,000"),
      "dropout": .lecture("no dropout"),
      "augmentation": .paper("\(place): windows of the picture padded by 4, reflections"),
      "initialization": .paper(place),
    ])
    if isDeep {
      sources["schedule.share"] = .paper("\(place): 0.01 first")
      sources["schedule.error"] = .paper(
        "\(place): until the training error is below 80 %, in about 400 steps; here by whole epochs"
      )
    }
    var recipe = Recipe(
      isDeep ? "resnet-cifar-110" : "resnet-cifar",
      summary: isDeep
        ? "ResNet of 110 layers on CIFAR-10" : "ResNets of 20 to 56 layers on CIFAR-10",
      network: isDeep ? "resnet110" : "resnet20", batchSize: 128, epochs: 182,
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.0001), schedule: schedule,
      augmentation: Augmentation(preset: "cifar") ?? .none, inputSize: 32, dropout: 0,
      initialization: "He's normal", sources: sources)
    recipe.heldOutShare = 0.1
    return recipe
  }

  private static var fast: Recipe {
    let ours = RecipeSource.ours("for 94 % on Fashion-MNIST in minutes on two cores")
    return Recipe(
      "fast", summary: "a small ResNet in twenty epochs", network: "resnet-fast", batchSize: 96,
      epochs: 20,
      optimizer: .nesterov(momentum: 0.9, weightDecay: 0.0005, decaying: .kernels),
      schedule: .oneCycle(peak: 0.15, length: 20, rise: 0.2),
      objective: .crossEntropy(labelSmoothing: 0.1),
      augmentation: [.randomCrop(padding: 2), .horizontalReflection()], inputSize: 28, dropout: 0,
      initialization: "He's normal",
      sources: Dictionary(
        uniqueKeysWithValues: [
          "network", "inputSize", "batchSize", "epochs", "optimizer", "schedule", "objective",
          "dropout", "auxiliaryWeight", "augmentation", "initialization",
        ].map { ($0, ours) }))
  }
}
