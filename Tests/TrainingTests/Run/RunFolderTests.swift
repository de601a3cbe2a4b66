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
    into folder: inout RunFolder, epochs: Int, resuming: Bool = false
  ) throws -> Model {
    let (train, validation) = (
      try syntheticData(count: 48, extent: 8), try syntheticData(count: 20, extent: 8)
    )
    let checkpoint = try resuming ? folder.loadCheckpoint() : nil
    var model = try checkpoint?.model() ?? Model(smallNetwork(), seed: 1)
    try folder.create()
    var written = folder
    try momentumTrainer.fit(
      &model, on: train, validating: validation, epochs: epochs, resuming: checkpoint
    ) { _, checkpoint in
      #expect(written.record(checkpoint).isEmpty)
    }
    folder = written
    try folder.save(model)
    try folder.write(RunReport(of: model, history: folder.history, facts: [("Threads", "1")]))
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
    var folder = RunFolder(directory.file("runs/first"))
    try folder.requireUnused()
    let model = try train(into: &folder, epochs: 3)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        == (Self.names + ["report.html"]).sorted())
    #expect(folder.savedEpoch == 3 && folder.history.map(\.epoch) == [1, 2, 3])
    #expect(try Model(loading: folder.modelPath).parameters == model.parameters)
    #expect(try Checkpoint(loading: folder.checkpointPath).history == folder.history)
    for (line, report) in zip(try lines(folder), folder.history) {
      #expect(line["epoch"] as? Int == report.epoch)
      #expect(line["trainingLoss"] as? Double == report.training.loss)
      #expect(line["validationTop1"] as? Double == report.validation?.top1)
    }
    #expect(try lines(folder).count == 3)
    #expect(try fileBytes(folder.eventsPath) == EventFile(folder.history).bytes)
  }

  @Test("a training that goes on from it equals an uninterrupted one")
  func resumed() throws {
    let directory = try TemporaryDirectory()
    var (whole, first) = (RunFolder(directory.file("whole")), RunFolder(directory.file("parts")))
    try train(into: &whole, epochs: 3)
    try train(into: &first, epochs: 1)
    var second = RunFolder(directory.file("parts"))
    try train(into: &second, epochs: 3, resuming: true)
    #expect(try fileBytes(whole.modelPath) == fileBytes(second.modelPath))
    #expect(try lines(second).map { $0["epoch"] as? Int } == [1, 2, 3])
    #expect(
      try lines(second).map { $0["trainingLoss"] as? Double }
        == lines(whole).map { $0["trainingLoss"] as? Double })
    #expect(second.history.count == 3 && second.savedEpoch == 3)
  }

  @Test("each file of a training is enough to refuse it; others are not", arguments: names)
  func used(name: String) throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.path)
    for other in ["report.html", "notes.txt"] { try directory.write([1], to: other) }
    try folder.requireUnused()
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

  @Test("what cannot be written is told, and written with the next epoch")
  func unwritten() throws {
    let directory = try TemporaryDirectory()
    var folder = RunFolder(directory.file("run"))
    try folder.create()
    // A folder in the file's place.
    try FileManager.default.createDirectory(
      atPath: folder.metricsPath, withIntermediateDirectories: false)
    var model = Model(smallNetwork(), seed: 1)
    var counts: [Int] = []
    try momentumTrainer.fit(
      &model, on: syntheticData(count: 32, extent: 8), epochs: 2
    ) { report, checkpoint in
      counts.append(folder.record(checkpoint).count)
      if report.epoch == 1 { try FileManager.default.removeItem(atPath: folder.metricsPath) }
    }
    #expect(counts == [1, 0])
    #expect(try lines(folder).map { $0["epoch"] as? Int } == [1, 2])
    #expect(folder.savedEpoch == 2)
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
    var folder = RunFolder(directory.file("absent"))
    #expect(throws: FileError.self) { try folder.loadCheckpoint() }
    #expect(folder.savedEpoch == nil && folder.history.isEmpty)
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
