import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Parts, likeness and calibration on the command line") struct DatasetSplitTests {
  private func fill(_ directory: borrowing TemporaryDirectory) throws {
    for (place, name) in ["dark", "light"].enumerated() {
      for index in 0..<12 {
        var image = Image(
          height: 16, width: 16, color: .init(grey: UInt8(40 + 120 * place)), channels: 3)
        for row in 0..<16 { image[row, (row + index) % 16, index % 3] = 255 }
        try directory.write(image.encodedPNG(), to: "data/\(name)/p\(index / 3)_\(index).png")
      }
    }
  }

  @Test("lists of a split are what train takes, and patients stay together")
  func split() throws {
    let directory = try TemporaryDirectory()
    try fill(directory)
    let run = try convnet(
      "dataset", "split", "data", "--folds", "4", "--group-by", "/(p[0-9])_", "--output", "folds",
      "--json", in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("4 groups"))
    let rows = try #require(try run.json() as? [[String: Any]])
    #expect(rows.map { $0["validation"] as? Int } == [6, 6, 6, 6])
    #expect(
      rows.map { $0["classes"] as? [String: Int] }
        == Array(repeating: ["dark": 3, "light": 3], count: 4))
    var tested: Set<String> = []
    for fold in 1...4 {
      let text = try String(
        contentsOfFile: directory.file("folds/fold-\(fold).csv"), encoding: .utf8)
      let own = text.split(separator: "\n").filter { $0.hasSuffix(",val") }
      #expect(Set(own.compactMap { $0.firstMatch(of: /p\d/)?.0 }).count == 1)
      tested.formUnion(own.map(String.init))
    }
    #expect(tested.count == 24)
    let training = try convnet(
      "train", "--model", "resnet20", "--data", "folds/fold-1.csv", "--input", "16x16", "--epochs",
      "1", "--batch-size", "6", "--threads", "1", "--output", "out", "--quiet", in: directory.path)
    #expect(training.status == 0, "\(training.errors)")
    let again = try convnet(
      "dataset", "split", "data", "--folds", "4", "--output", "folds", in: directory.path)
    #expect(try again.failure().contains("--overwrite"))
    let replaced = try convnet(
      "dataset", "split", "data", "--folds", "3", "--output", "folds", "--overwrite",
      in: directory.path)
    #expect(replaced.status == 0 && replaced.output.contains("folds/fold-3.csv"))
    let both = try convnet(
      "dataset", "split", "data", "--groups", "a.csv", "--group-by", "a", "--output", "x",
      in: directory.path)
    #expect(both.status == 64)
    let files = try convnet(
      "dataset", "split", "fashion-mnist", "--output", "x", in: directory.path)
    #expect(files.status == 1)

    // The statistics of that training, over its pictures.
    let calibrated = try convnet(
      "calibrate-batchnorm", "out/model.safetensors", "--data", "folds/fold-1.csv", "--batch-size",
      "6", "--output", "new.safetensors", "--json", in: directory.path)
    #expect(calibrated.status == 0, "\(calibrated.errors)")
    let result = try #require(try calibrated.json() as? [String: Any])
    #expect(result["batches"] as? Int == 2 && (result["layers"] as? [Any])?.count == 19)
    let (old, new) = (
      try Model(loading: directory.file("out/model.safetensors")),
      try Model(loading: directory.file("new.safetensors"))
    )
    #expect(old.parameters != new.parameters && old.classNames == new.classNames)
    let text = try convnet(
      "calibrate-batchnorm", "out/model.safetensors", "--data", "data", "--batch-size", "6",
      "--output", "new.safetensors", "--quiet", in: directory.path)
    #expect(text.status == 0 && text.output.contains("mean moved by"))
    let few = try convnet(
      "calibrate-batchnorm", "out/model.safetensors", "--data", "folds/fold-1.csv", "--output",
      "new.safetensors", "--quiet", in: directory.path)
    #expect(try few.failure().contains("take a smaller batch"))
  }

  @Test("verify --similar tells of pictures that were stored again")
  func similar() throws {
    let directory = try TemporaryDirectory()
    try fill(directory)
    var image = Image(height: 64, width: 64, color: .white, channels: 3)
    for row in 0..<64 {
      for column in 0..<64 {
        let value = 128 + 100 * sin(Double(row) / 9) * cos(Double(column * column) / 400)
        for channel in 0..<3 { image[row, column, channel] = UInt8(value) }
      }
    }
    try image.writePNG(to: directory.file("data/dark/soft.png"))
    try image.resized(height: 40, width: 40).writeJPEG(to: directory.file("data/light/again.jpg"))
    let run = try convnet("dataset", "verify", "data", "--similar", in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("nearly the same: "))
    #expect(
      run.output.contains("soft.png ~ data/light/again.jpg; of different classes: dark, light"))
    #expect(
      !(try convnet("dataset", "verify", "data", in: directory.path).output.contains("nearly")))
  }
}
