import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetModels

// What the lecture claims, each as a value. The short forms are for two cores; the full ones for who has the time and the
// files: the same experiments run on CIFAR-10 or pictures of one's own.

extension Experiment {
  /// The experiments in the order of the lecture, and two of ours.
  public static let builtIn: [Experiment] = [
    activations, lenet, vgg, vggSides, auxiliary, batchNormalization, inceptionSteps, degradation,
    shortcuts, regularizers, heads, normalizationGrid, timeTo94, best,
  ]

  // MARK: Recipes

  /// A recipe of the lecture, changed.
  private static func recipe(
    _ name: String, _ change: (inout Recipe) throws -> Void = { _ in }
  ) -> Recipe {
    guard var recipe = Recipe.builtIn.first(where: { $0.name == name }) else {
      fatalError("there is no recipe \(name)")
    }
    do { try change(&recipe) } catch { fatalError("recipe \(name): \(error)") }
    return recipe
  }

  /// Momentum 0.9 and a rate that falls along a cosine to the last epoch, whatever their number: any scale is a whole training.
  private static func cosine(
    _ name: String, rate: Float = 0.02, batch: Int = 64, decay: Float = 0,
    augmentation: Augmentation = .none, smoothing: Float = 0, dropout: Float = 0
  ) -> Recipe {
    Recipe(
      name, summary: "for experiments: a cosine", network: "", batchSize: batch, epochs: 10,
      optimizer: .sgd(momentum: 0.9, weightDecay: decay, decaying: .kernels),
      schedule: .cosine(from: rate, length: 10),
      objective: .crossEntropy(labelSmoothing: smoothing), augmentation: augmentation,
      inputSize: 28, dropout: dropout)
  }

  /// Of batch normalization in short forms whose rates are large to the end or whose networks are deep.
  private static let quickStatistics = 20

  private static func zoo(_ name: String) -> @Sendable (ModelOptions) -> Network {
    guard let entry = ModelRegistry[name] else { fatalError("there is no network \(name)") }
    return entry.build
  }

  /// ResNet's own for CIFAR, but for drops of the rate at fixed steps, which no short training would reach, a batch of 64, which
  /// gives a short one more steps, and half an epoch that rises to the rate, without which deep networks learn nothing for
  /// hundreds of steps.
  private static var cifar: Recipe {
    recipe("resnet-cifar") { recipe in
      recipe.batchSize = 64
      recipe.schedule = CosineDecay(from: 0.1, length: Double(recipe.epochs)).warmedUp(0.5)
      recipe.augmentation = moved
      // Tested on the part of the data that is there for that.
      recipe.heldOutShare = nil
    }
  }

  private static let residualFull = Scale(epochs: 60)
  private static let residualQuick = Scale(
    epochs: 8, pictures: 2000, testPictures: 1000, statisticsBatches: quickStatistics)

  // MARK: ResNet

  private static var degradation: Experiment {
    let depths = [20, 32, 44, 56]
    let plain = depths.map { Row("plain-\($0)", cifar, network: zoo("plain\($0)")) }
    let residual = depths.map { Row("resnet-\($0)", cifar, network: zoo("resnet\($0)")) }
    return Experiment(
      "degradation",
      question: "Are deeper plain networks worse, in training too, and residual ones not?",
      source: "figure 1 of the page on ResNet, with the residual networks beside",
      full: residualFull, quick: residualQuick,
      rows: plain + residual,
      figures: [("plain", plain), ("resnet", residual)].flatMap { name, rows in
        [
          .curves(.trainingError, of: rows.map(\.name), as: "\(name)-training-error"),
          .curves(.testError, of: rows.map(\.name), as: "\(name)-test-error"),
        ]
      })
  }

  private static var shortcuts: Experiment {
    Experiment(
      "shortcuts",
      question: "What do projections bring, where the shape changes (B) or everywhere (C)?",
      source: "ResNet-34 B and C in the table of single models; A is the paper's",
      full: residualFull, quick: residualQuick,
      rows: [ResNetShortcut.a, .b, .c].map { shortcut in
        .init("\(shortcut.rawValue.uppercased())", cifar) {
          cifarResNet(blocks: 3, shortcut: shortcut, $0)
        }
      }, measures: [.testError, .trainingError, .parameters],
      figures: [.curves(.testError)])
  }

  // MARK: Batch normalization, Inception

  private static var batchNormalization: Experiment {
    Experiment(
      "batch-normalization",
      question: "In how many steps do the normalized variants reach the baseline's best accuracy?",
      source: "figures 2 and 3 of the page on Inception with batch normalization",
      full: Scale(epochs: 20),
      quick: Scale(
        epochs: 6, pictures: 3000, testPictures: 1000, statisticsBatches: quickStatistics),
      rows: ["bn-plain", "bn-baseline", "bn-x5", "bn-x30", "bn-x5-sigmoid"].map { name in
        let changed = Self.recipe(name) { $0.augmentation = [.horizontalReflection()] }
        return .init(name, changed, network: zoo(changed.network))
      },
      measures: [.steps(toBestOf: "bn-plain"), .bestTestError, .testError, .trainingError],
      figures: [.curves(.testAccuracy, over: .steps)])
  }

  private static var inceptionSteps: Experiment {
    func step(_ change: (inout Recipe) throws -> Void = { _ in }) -> Recipe {
      recipe("inception-v3") { recipe in
        recipe.augmentation = [.horizontalReflection()]
        // Averages of ten thousand steps say nothing of short trainings.
        recipe.averaging = nil
        recipe.schedule = .cosine(from: 0.045, length: Double(recipe.epochs))
        recipe.objective = .crossEntropy()
        try change(&recipe)
      }
    }
    let smoothed = step { $0.objective = .crossEntropy(labelSmoothing: 0.1) }
    let momentum = step {
      $0.optimizer = .sgd(momentum: 0.9, weightDecay: 0.00004, decaying: .kernels)
    }
    return Experiment(
      "inception-steps",
      question: "What does each step from Inception-v2 to v3 bring, added to those before it?",
      source: "table 3 of the page on Inception v2 and v3, from Inception-v2 on",
      full: Scale(epochs: 20, inputSize: 75),
      quick: Scale(
        epochs: 4, pictures: 640, inputSize: 75, testPictures: 500,
        statisticsBatches: quickStatistics),
      rows: [
        .init("Inception-v2", momentum) { inceptionV2($0, factorizesStem: false) },
        .init("+ RMSProp", step()) { inceptionV2($0, factorizesStem: false) },
        .init("+ label smoothing", smoothed) { inceptionV2($0, factorizesStem: false) },
        .init("+ factorized 7x7", smoothed) { inceptionV2($0) },
        .init("+ BN-auxiliary", smoothed, network: inceptionV3),
      ], figures: [.bars(.testError, name: "test-error")])
  }

  private static var auxiliary: Experiment {
    Experiment(
      "auxiliary",
      question: "Do auxiliary classifiers help GoogLeNet?",
      source: "the auxiliary classifiers of the page on GoogLeNet",
      full: Scale(epochs: 20, inputSize: 48),
      quick: Scale(epochs: 6, pictures: 2000, inputSize: 48, testPictures: 1000),
      rows: [("with, weight 0.3", Float(0.3)), ("without", 0)].map { name, weight in
        var recipe = cosine("auxiliary", rate: 0.01, batch: 32, decay: 0.0002, dropout: 0.4)
        recipe.auxiliaryWeight = weight
        return .init(name, recipe, network: zoo("googlenet"))
      }, figures: [.curves(.testError), .curves(.trainingError)])
  }

  // MARK: AlexNet, LeNet, VGG

  private static var activations: Experiment {
    Experiment(
      "activations", question: "Does ReLU learn faster than the hyperbolic tangent?",
      source: "AlexNet's figure 1: epochs to a training error",
      full: Scale(epochs: 20), quick: Scale(epochs: 10, pictures: 5000, testPictures: 2000),
      rows: [("ReLU", ActivationFunction.relu), ("tanh", .tanh)].map { name, function in
        .init(
          name, cosine("activations", rate: 0.01),
          network: StudyNetwork(isNormalized: false, activation: function).network)
      }, measures: [.trainingError, .testError], figures: [.curves(.trainingError)])
  }

  private static var lenet: Experiment {
    Experiment(
      "lenet", question: "Does LeNet reach 0.8 % test error on MNIST?",
      source: "LeNet, 1998", data: "mnist", full: Scale(epochs: 20),
      quick: Scale(epochs: 4, pictures: 10_000),
      rows: [
        .init("LeNet-5", recipe("lenet"), network: zoo("lenet5")),
        .init(
          "LeNet-5, shifted pictures",
          recipe("lenet") { $0.augmentation = [.randomCrop(padding: 2)] }, network: zoo("lenet5")),
      ], measures: [.testError, .bestTestError, .trainingError], figures: [.curves(.testError)])
  }

  private static func vggRecipe(_ augmentation: Augmentation) -> Recipe {
    recipe("vgg") { recipe in
      recipe.batchSize = 32
      recipe.schedule = .cosine(from: 0.01, length: Double(recipe.epochs))
      recipe.augmentation = augmentation
    }
  }

  private static var vgg: Experiment {
    Experiment(
      "vgg", question: "Does depth help VGG, and response normalization not?",
      source: "configurations A to E in the table of single scales",
      full: Scale(epochs: 20, inputSize: 32),
      quick: Scale(epochs: 5, pictures: 1000, inputSize: 32, testPictures: 500),
      rows: VGGConfiguration.allCases.map { configuration in
        .init(
          configuration.rawValue.uppercased(),
          vggRecipe([.horizontalReflection()])
        ) { ConvNetModels.vgg(configuration, $0) }
      }, figures: [.bars(.testError, name: "test-error")])
  }

  private static var vggSides: Experiment {
    func row(_ name: String, _ sides: ClosedRange<Int>, test: Double) -> Row {
      let steps: Augmentation = [
        .shorterSide(from: sides.lowerBound, to: sides.upperBound), .randomCrop(),
        .horizontalReflection(),
      ]
      return .init(name, vggRecipe(steps), testScale: test / 224) { ConvNetModels.vgg(.a, $0) }
    }
    return Experiment(
      "vgg-sides", question: "Does training at several scales help VGG?",
      source: "the sides of training pictures in the table of single scales, of an input of 224",
      full: Scale(epochs: 20, inputSize: 32),
      quick: Scale(epochs: 5, pictures: 1000, inputSize: 32, testPictures: 500),
      rows: [
        row("256", 256...256, test: 256), row("384", 384...384, test: 384),
        row("[256, 512]", 256...512, test: 384),
      ], figures: [.bars(.testError, name: "test-error")])
  }

  // MARK: Regularization

  private static let moved: Augmentation = [.randomCrop(padding: 2), .horizontalReflection()]

  private static var regularizers: Experiment {
    let plain = StudyNetwork(isNormalized: false).network
    return Experiment(
      "regularizers", question: "What does each regularizer bring, alone and together?",
      source: "dropout, weight decay, augmentation and label smoothing of the training details",
      full: Scale(epochs: 40), quick: Scale(epochs: 12, pictures: 5000, testPictures: 2000),
      rows: [
        .init("none", cosine("none"), network: plain),
        .init("dropout 0.5", cosine("dropout", dropout: 0.5), network: plain),
        .init("weight decay 0.0005", cosine("decay", decay: 0.0005), network: plain),
        .init("augmentation", cosine("augmentation", augmentation: moved), network: plain),
        .init("label smoothing 0.1", cosine("smoothing", smoothing: 0.1), network: plain),
        .init(
          "all four",
          cosine("all", decay: 0.0005, augmentation: moved, smoothing: 0.1, dropout: 0.5),
          network: plain),
      ], figures: [.bars(.testError, name: "last-test-error"), .curves(.testError)])
  }

  private static var heads: Experiment {
    Experiment(
      "heads", question: "Is global pooling enough in place of a dense layer?",
      source: "the closing slide: dense layers at the end are not needed",
      full: Scale(epochs: 20), quick: Scale(epochs: 8, pictures: 5000, testPictures: 2000),
      rows: [("dense, 256", StudyNetwork.Head.dense(256)), ("global mean", .globalMean)].map {
        .init($0, cosine("heads", decay: 0.0005), network: StudyNetwork(head: $1).network)
      }, measures: [.testError, .trainingError, .parameters], figures: [.curves(.testError)])
  }

  private static var normalizationGrid: Experiment {
    var rows: [Row] = []
    for isNormalized in [false, true] {
      for dropout in [Float(0), 0.5] {
        for decay in [Float(0), 0.0001, 0.0005] {
          let name =
            "\(isNormalized ? "normalized" : "plain"), dropout \(dropout == 0 ? "0" : "0.5"), decay "
            + (decay == 0 ? "0" : decay == 0.0001 ? "1e-4" : "5e-4")
          rows.append(
            .init(
              name, cosine("grid", decay: decay, dropout: dropout),
              network: StudyNetwork(isNormalized: isNormalized).network))
        }
      }
    }
    return Experiment(
      "normalization-grid",
      question: "Does batch normalization allow less dropout and weight decay?",
      source: "the closing slide: a great regularization method",
      full: Scale(epochs: 40), quick: Scale(epochs: 8, pictures: 5000, testPictures: 2000),
      rows: rows, figures: [.bars(.testError, name: "test-error")])
  }

  // MARK: Ours

  private static var timeTo94: Experiment {
    Experiment(
      "time-to-94", question: "How long does it take to 94 % on Fashion-MNIST?",
      source: "ours: recipe fast", full: Scale(epochs: recipe("fast").epochs),
      quick: Scale(epochs: 2, pictures: 10_000),
      rows: [.init("fast", recipe("fast"), network: zoo(recipe("fast").network))],
      measures: [.seconds(toAccuracy: 0.94), .testError, .trainingError, .seconds, .rate],
      figures: [.curves(.testAccuracy, over: .seconds)])
  }

  private static var best: Experiment {
    Experiment(
      "best", question: "Which test accuracy does an hour of training reach?",
      source: "ours: recipe fast, as many epochs as an hour has",
      full: Scale(epochs: 1, seconds: 3600), quick: Scale(epochs: 1, seconds: 300),
      rows: [
        .init("resnet-fast", recipe("fast"), network: zoo("resnet-fast")),
        .init("resnet-20", recipe("fast"), network: zoo("resnet20")),
      ], measures: [.testError, .bestTestError, .trainingError, .seconds, .rate],
      figures: [.curves(.testError, over: .seconds)])
  }
}
