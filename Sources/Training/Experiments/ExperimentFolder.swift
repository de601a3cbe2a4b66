import ConvNetFiles
import ConvNetReports

/// The folder that an experiment writes into: results to go on from, a table for programs, figures, a page for a browser and
/// one for a document, and the models.
public struct ExperimentFolder: Hashable, Sendable {
  /// Where it lies, or is going to.
  public let path: String

  /// Touches nothing.
  public init(_ path: String) {
    self.path = path
  }

  /// All trainings with their epochs: see ``ExperimentResults``.
  public var resultsPath: String { path + "/results.json" }
  /// A line an epoch.
  public var csvPath: String { path + "/epochs.csv" }
  /// For a browser.
  public var reportPath: String { path + "/report.html" }
  /// A section of a document in Markdown, which shows the figures beside it.
  public var sectionPath: String { path + "/section.md" }

  /// An SVG file.
  public func figurePath(_ figure: ExperimentFigure, of experiment: Experiment) -> String {
    "\(path)/\(Self.fileName(of: figure, experiment))"
  }

  static func fileName(of figure: ExperimentFigure, _ experiment: Experiment) -> String {
    "\(experiment.name)-\(figure.name).svg"
  }

  /// The model of a training.
  public func modelPath(_ row: String, seed: UInt64) -> String {
    let name = String(row.map { $0.isLetter || $0.isNumber || "-.".contains($0) ? $0 : "_" })
    return "\(path)/models/\(name)-\(seed).safetensors"
  }

  /// Creates the folder, and that of the models, where it is not there.
  ///
  /// - Throws: ``FileError``.
  public func create() throws { try FileSystem.createFolder(path + "/models") }

  /// Writes everything but the models.
  ///
  /// - Parameter facts: more of what made the results, such as the machine.
  /// - Throws: ``FileError``.
  public func write(
    _ results: ExperimentResults, of experiment: Experiment,
    facts: [(name: String, value: String)] = []
  ) throws {
    try results.save(to: resultsPath)
    try AtomicFile.write(results.csv, to: csvPath)
    for figure in experiment.figures {
      try figure.draw(results, experiment).write(to: figurePath(figure, of: experiment))
    }
    try results.page(of: experiment, facts: facts).write(to: reportPath)
    try AtomicFile.write(results.section(of: experiment, facts: facts), to: sectionPath)
  }
}
