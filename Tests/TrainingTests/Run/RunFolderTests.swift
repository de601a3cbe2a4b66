import ConvNetDatasets
import ConvNetEvaluation
import ConvNetFiles
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("Folder of a training") struct RunFolderTests {
  private static let names = ["checkpoint", EventFile.name, "metrics.jsonl", "model.safetensors"]

  /// Trains into a folder, as a program of a user does.
  ///
  /// - Returns: the model, as it is in the folder.
  @discardableResult
  private func train(
    into folder: RunFolder, epochs: Int, resuming: Bool = false,
    _ options: RunLog.Options = RunLog.Options()
  ) throws -> Model {
    let (train, validation) = (
      try syntheticData(count: 48, extent: 8), try syntheticData(count: 20, extent: 8)
    )
    let checkpoint = try resuming ? folder.loadCheckpoint() : nil
    var model = try checkpoint?.model() ?? Model(smallNetwork(), seed: 1)
    try folder.create()
    try momentumTrainer.fit(
      &model, on: train, validating: validation, epochs: epochs, resuming: checkpoint,
      loggers: [RunLog(folder, options)])
    try folder.save(model)
    return model
  }

  private func lines(_ folder: RunFolder) throws -> [[String: Any]] {
    try String(contentsOfFile: folder.metricsPath, encoding: .utf8).split(separator: "\n").map {
      try #require(
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test("has everything that the command writes, and a line an epoch")
  func whole() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("runs/first"))
    try folder.requireUnused()
    let model = try train(into: folder, epochs: 3)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        == (Self.names + ["report.html"]).sorted())
    #expect(try Model(loading: folder.modelPath).parameters == model.parameters)
    let history = try folder.loadCheckpoint().history
    #expect(history.map(\.epoch) == [1, 2, 3])
    let lines = try lines(folder)
    // 48 samples are three steps of 16: the first and no tenth.
    #expect(lines.map { $0["kind"] as? String } == ["step", "epoch", "epoch", "epoch"])
    #expect(
      Set(lines[0].keys) == [
        "kind", "epoch", "step", "samples", "loss", "learningRate", "gradientNorm",
        "imagesPerSecond",
      ])
    #expect((lines[0]["gradientNorm"] as? Double ?? 0) > 0 && lines[0]["samples"] as? Int == 16)
    for (line, report) in zip(lines.dropFirst(), history) {
      #expect(line["epoch"] as? Int == report.epoch && line["step"] as? Int == report.step)
      #expect(line["trainingLoss"] as? Double == report.training.loss)
      #expect(line["validationTop1"] as? Double == report.validation?.top1)
    }
  }

  @Test("the last states are kept under their steps' numbers, and the best epoch's model")
  func kept() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try train(into: folder, epochs: 4, RunLog.Options(interval: .steps(1), keptCount: 3))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    let states = names.filter { $0.hasPrefix("checkpoint-") }
    #expect(states.count <= 3 && states.contains("checkpoint-12"))
    #expect(
      try fileBytes(folder.path + "/checkpoint-12") == fileBytes(folder.checkpointPath))
    for name in states {
      let step = try #require(Int(name.dropFirst("checkpoint-".count)))
      #expect(try Checkpoint(loading: folder.path + "/" + name).step == step)
    }
    #expect(FileManager.default.fileExists(atPath: folder.bestModelPath))
    try folder.clear()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test(
    "a file that a training would replace is enough to refuse the folder",
    arguments: ["best.safetensors", "report.html", "checkpoint-8", "checkpoint", "metrics.jsonl"])
  func foreign(name: String) throws {
    let directory = try TemporaryDirectory()
    try directory.write([1], to: "run/\(name)")
    try directory.write([1], to: "run/notes.txt")
    let error = #expect(throws: UsedFolderError.self) {
      try RunFolder(directory.file("run")).requireUnused()
    }
    #expect(error?.found == [name])
  }

  @Test("while one writes into the folder, no other does")
  func exclusive() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try folder.create()
    let other = RunFolder(directory.file("other"))
    try other.create()
    try folder.withExclusiveUse {
      #expect(throws: RunInProgress(folder: folder.path)) { try folder.withExclusiveUse {} }
      try other.withExclusiveUse {}
    }
    // The first has ended, and has left nothing.
    try folder.withExclusiveUse {}
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test("a full disk costs the oldest states, one at a time, and never the last")
  func roomByOldStates() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    for step in [2, 10, 30] { try directory.write([1], to: "run/checkpoint-\(step)") }
    let full = FileError(path: "x", operation: .write, problem: .system(code: ENOSPC))
    var attempts = 0
    let gone = try folder.makingRoom {
      attempts += 1
      if attempts == 1 { throw full }
    }
    #expect(attempts == 2 && gone == ["checkpoint-2"])
    #expect(try folder.keptStates().map(\.step) == [10, 30])
    // Of a training that goes on from an earlier state, those of later steps are not its own.
    #expect(throws: full) { try folder.makingRoom(before: 10) { throw full } }
    #expect(try folder.keptStates().map(\.step) == [10, 30])
    #expect(throws: full) { try folder.makingRoom { throw full } }
    #expect(try folder.keptStates().map(\.step) == [30])
    // Other errors cost nothing.
    let other = FileError(path: "x", operation: .write, problem: .system(code: EACCES))
    try directory.write([1], to: "run/checkpoint-40")
    #expect(throws: other) { try folder.makingRoom { throw other } }
    #expect(try folder.keptStates().map(\.step) == [30, 40])
  }

  @Test("its model and its best model have the averaged weights that were validated")
  func averaged() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try folder.create()
    var trainer = momentumTrainer
    trainer.averaging = .exponential(decay: 0.9)
    var model = Model(smallNetwork(), seed: 1)
    try trainer.fit(
      &model, on: syntheticData(count: 48, extent: 8),
      validating: syntheticData(count: 20, extent: 8), epochs: 1,
      loggers: [RunLog(folder, RunLog.Options(keptCount: 2))])
    for path in [folder.modelPath, folder.bestModelPath] {
      #expect(try Model(loading: path).parameters == model.parameters)
    }
    #expect(try Checkpoint(loading: folder.checkpointPath).model().parameters != model.parameters)
  }

  /// Stops at a step.
  private struct Limit: TrainingLogger {
    var log: RunLog
    var step: Int

    struct Reached: Error {}

    func stepEnded(_ report: StepReport, of training: TrainingInProgress) throws {
      if report.step == step { throw Reached() }
    }
  }

  @Test(
    "lines of steps that are trained again are there once, whatever was lost",
    arguments: [1, 4, 5, 7])
  func linesOfSteps(step: Int) throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try folder.create()
    let data = try syntheticData(count: 48, extent: 8)
    let options = RunLog.Options(interval: .steps(2), stepsPerLine: 1)
    var model = Model(smallNetwork(), seed: 1)
    let log = RunLog(folder, options)
    #expect(throws: Limit.Reached.self) {
      try momentumTrainer.fit(
        &model, on: data, epochs: 3, loggers: [log, Limit(log: log, step: step)])
    }
    let checkpoint = try folder.loadCheckpoint()
    #expect(checkpoint.step <= step)
    model = try checkpoint.model()
    try momentumTrainer.fit(
      &model, on: data, epochs: 3, resuming: checkpoint, loggers: [RunLog(folder, options)])
    let lines = try lines(folder)
    #expect(
      lines.filter { $0["kind"] as? String == "step" }.map { $0["step"] as? Int } == Array(1...9))
    #expect(
      lines.filter { $0["kind"] as? String == "epoch" }.map { $0["epoch"] as? Int } == [1, 2, 3])
  }

  @Test("a training that goes on from it equals an uninterrupted one")
  func resumed() throws {
    let directory = try TemporaryDirectory()
    let (whole, first) = (RunFolder(directory.file("whole")), RunFolder(directory.file("parts")))
    try train(into: whole, epochs: 3)
    try train(into: first, epochs: 1)
    let second = RunFolder(directory.file("parts"))
    try train(into: second, epochs: 3, resuming: true)
    #expect(try fileBytes(whole.modelPath) == fileBytes(second.modelPath))
    #expect(try lines(second).map { $0["epoch"] as? Int } == [1, 1, 2, 3])
    #expect(
      try lines(second).map { $0["trainingLoss"] as? Double }
        == lines(whole).map { $0["trainingLoss"] as? Double })
    #expect(try second.loadCheckpoint().history.count == 3)
  }

  @Test("each file of a training is enough to refuse it; others are not", arguments: names)
  func used(name: String) throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.path)
    try directory.write([1], to: "notes.txt")
    try folder.requireUnused()
    // An experiment's report, which is its own.
    try directory.write([1], to: "report.html")
    try folder.requireUnused(sharesReport: true)
    try FileManager.default.removeItem(atPath: directory.file("report.html"))
    try directory.write([1], to: name)
    let error = #expect(throws: UsedFolderError.self) { try folder.requireUnused() }
    #expect(error?.folder == directory.path && error?.found == [name])
    #expect(error?.hasCheckpoint == (name == "checkpoint"))
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains(name) && !text.contains("--"))
    try folder.clear()
    try folder.requireUnused()
    #expect(try directory.contents() == ["notes.txt"])
  }

  @Test("what cannot be written is told, and written later")
  func unwritten() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try folder.create()
    // A folder in the file's place.
    try FileManager.default.createDirectory(
      atPath: folder.metricsPath, withIntermediateDirectories: false)
    var model = Model(smallNetwork(), seed: 1)
    var told: [String] = []
    let log = RunLog(folder) { told.append($0) }
    struct Mend: TrainingLogger {
      var path: String
      func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) throws {
        if epoch.epoch == 1 { try FileManager.default.removeItem(atPath: path) }
      }
    }
    try momentumTrainer.fit(
      &model, on: syntheticData(count: 32, extent: 8), epochs: 2,
      loggers: [log, Mend(path: folder.metricsPath)])
    #expect(told.count == 1 && told[0].contains(folder.metricsPath))
    #expect(log.unwritten.isEmpty)
    #expect(try lines(folder).compactMap { $0["kind"] as? String } == ["step", "epoch", "epoch"])
    #expect(log.savedPlace?.description == "after epoch 2")
  }

  @Test("the best epoch's model is written later, where it could not be")
  func bestLater() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try folder.create()
    try FileManager.default.createDirectory(
      atPath: folder.bestModelPath, withIntermediateDirectories: false)
    struct Mend: TrainingLogger {
      var path: String
      func stepEnded(_ step: StepReport, of training: TrainingInProgress) throws {
        if step.epoch == 2, step.samples == step.totalSamples {
          try FileManager.default.removeItem(atPath: path)
        }
      }
    }
    var trainer = momentumTrainer
    // Nothing is learnt, so that the first epoch stays the best.
    trainer.schedule = .constant(1e-12)
    var model = Model(smallNetwork(), seed: 1)
    let log = RunLog(folder, RunLog.Options(keptCount: 2))
    try trainer.fit(
      &model, on: syntheticData(count: 48, extent: 8),
      validating: syntheticData(count: 20, extent: 8), epochs: 3,
      loggers: [log, Mend(path: folder.bestModelPath)])
    #expect(log.unwritten.isEmpty)
    #expect(try Model(loading: folder.bestModelPath).trainingSummary?.epochs == 1)
  }

  @Test("a training that fails leaves the model of its last finished epoch")
  func failing() throws {
    struct Failure: Error {}
    /// Before the log is told of the epoch.
    struct Failing: TrainingLogger {
      func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) throws {
        if epoch.epoch == 2 { throw Failure() }
      }
    }
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try folder.create()
    var model = Model(smallNetwork(), seed: 1)
    #expect(throws: Failure.self) {
      try momentumTrainer.fit(
        &model, on: syntheticData(count: 48, extent: 8), epochs: 3,
        loggers: [Failing(), RunLog(folder)])
    }
    let kept = try Model(loading: folder.modelPath)
    #expect(kept.trainingSummary?.epochs == 2 && kept.parameters == model.parameters)
  }

  @Test("where the state cannot be written at the beginning, nothing is begun")
  func fullAtTheBeginning() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try folder.create()
    try FileManager.default.createDirectory(
      atPath: folder.checkpointPath, withIntermediateDirectories: false)
    var model = Model(smallNetwork(), seed: 1)
    let error = #expect(throws: FileError.self) {
      try momentumTrainer.fit(
        &model, on: syntheticData(count: 32, extent: 8), epochs: 2, loggers: [RunLog(folder)])
    }
    #expect(error?.path == folder.checkpointPath)
    #expect(model.parameters == Model(smallNetwork(), seed: 1).parameters)
  }

  @Test("a folder that cannot be is refused with its path")
  func impossible() throws {
    let directory = try TemporaryDirectory()
    try directory.write([1], to: "file")
    for name in ["file", "file/run"] {
      let error = #expect(throws: FileError.self) {
        try RunFolder(directory.file(name)).create()
      }
      #expect(error?.path.hasPrefix(directory.file("file")) == true)
    }
    try directory.write([1], to: "run/checkpoint/inside")
    #expect(throws: FileError.self) { try RunFolder(directory.file("run")).clear() }
    let folder = RunFolder(directory.file("absent"))
    #expect(throws: FileError.self) { try folder.loadCheckpoint() }
  }

  @Test("folders above it are made, however the path is written")
  func created() throws {
    let directory = try TemporaryDirectory()
    for name in ["a", "a/b/c", "d//e/", "./f/../g"] {
      try RunFolder(directory.file(name)).create()
      try RunFolder(directory.file(name)).create()
      #expect(FileManager.default.isWritableFile(atPath: directory.file(name) + "/."))
    }
  }
}
