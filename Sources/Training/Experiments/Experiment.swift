import ConvNetFiles
public import ConvNetLayers
public import ConvNetModels

/// A question that trainings answer: which networks are trained how, what is measured of them, and how that is drawn.
///
/// ```swift
/// let experiment = try Experiment.named("degradation")
/// var results = ExperimentResults(of: experiment, scale: experiment.quick)
/// try experiment.run(&results, on: train, testing: test, seeds: 1...3)
/// print(results.table(of: experiment))
/// ```
///
/// The built-in ones, in ``builtIn``, repeat what the lecture claims. One of one's own is made of the same parts.
public struct Experiment: Sendable {
  /// One kind of training: a row of the table, a curve of the figures.
  public struct Row: Sendable {
    /// As the table and the figures call it.
    public var name: String
    /// Makes the network for a size of pictures and a number of classes.
    public var network: @Sendable (ModelOptions) -> Network
    /// How it is trained. Its epochs are the experiment's.
    public var recipe: Recipe
    /// The shorter side of test pictures of which the centre is looked at, in shares of the input's; `nil`: all of the picture.
    public var testScale: Double?

    /// A row of these values.
    public init(
      _ name: String, _ recipe: Recipe, testScale: Double? = nil,
      network: @escaping @Sendable (ModelOptions) -> Network
    ) {
      self.name = name
      self.recipe = recipe
      self.testScale = testScale
      self.network = network
    }
  }

  /// How much is trained.
  public struct Scale: Hashable, Sendable, Codable {
    /// Times through the pictures.
    public var epochs: Int
    /// To train on, the same share of each class; `nil`: all that there are.
    public var pictures: Int?
    /// Height and width of the input; `nil`: those of the pictures.
    public var inputSize: Int?
    /// To test on, likewise.
    public var testPictures: Int?
    /// In place of the epochs: as many as a trial says that can be trained in so many seconds.
    public var seconds: Double?
    /// Batches by which the statistics of batch normalization are estimated before each test, where the recipe averages no
    /// weights: in a short training the moving averages are of weights that are gone. `nil` tests with moving averages.
    public var statisticsBatches: Int?

    /// A scale of these values.
    public init(
      epochs: Int, pictures: Int? = nil, inputSize: Int? = nil, testPictures: Int? = nil,
      seconds: Double? = nil, statisticsBatches: Int? = nil
    ) {
      self.epochs = epochs
      self.pictures = pictures
      self.inputSize = inputSize
      self.testPictures = testPictures
      self.seconds = seconds
      self.statisticsBatches = statisticsBatches
    }
  }

  /// By which the command knows it.
  public var name: String
  /// The question, in one line.
  public var question: String
  /// What of the lecture it repeats.
  public var source: String
  /// The name of a data set, or its path.
  public var data: String
  /// As long as an answer takes that one can rely on.
  public var full: Scale
  /// A short form, whose answer takes minutes and is worth less.
  public var quick: Scale
  /// What is trained, in the order of the table.
  public var rows: [Row]
  /// The columns of the table.
  public var measures: [ExperimentMeasure]
  /// What is drawn.
  public var figures: [ExperimentFigure]

  /// An experiment of these parts.
  public init(
    _ name: String, question: String, source: String, data: String = "fashion-mnist", full: Scale,
    quick: Scale, rows: [Row], measures: [ExperimentMeasure] = [.testError, .trainingError],
    figures: [ExperimentFigure] = []
  ) {
    self.name = name
    self.question = question
    self.source = source
    self.data = data
    self.full = full
    self.quick = quick
    self.rows = rows
    self.measures = measures
    self.figures = figures
  }

  /// The experiment of a name.
  ///
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` with the nearest names, where there is none.
  public static func named(_ name: String) throws(TrainingError) -> Experiment {
    if let experiment = builtIn.first(where: { $0.name == name }) { return experiment }
    let nearest = nearestNames(to: name, among: builtIn.map(\.name))
    throw .invalidSetting(
      name: "the experiment", value: name,
      requirement: nearest.isEmpty
        ? "one of \(builtIn.map(\.name).joined(separator: ", "))"
        : "the name of one; did you mean \(nearest.joined(separator: " or "))?")
  }

  /// The same with some of its rows alone.
  ///
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where one is not among them.
  public func selecting(rows names: [String]) throws(TrainingError) -> Experiment {
    for name in names where !rows.contains(where: { $0.name == name }) {
      let nearest = nearestNames(to: name, among: rows.map(\.name))
      throw .invalidSetting(
        name: "a row of \(self.name)", value: name,
        requirement: "one of "
          + (nearest.isEmpty ? rows.map(\.name) : nearest).joined(separator: ", "))
    }
    var part = self
    part.rows = rows.filter { names.contains($0.name) }
    return part
  }
}

extension Experiment: CustomStringConvertible {
  public var description: String { name }
}
