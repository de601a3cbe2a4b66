import ArgumentParser
import ConvNet
import Foundation

struct DatasetExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write pictures of a data set as PNG files.",
    discussion: """
      Each file is named by the picture's number and what it is told by. A folder
      that holds such files already is refused: --overwrite replaces them.

      EXAMPLES
        convnet dataset export fashion-mnist --part test --count 8 --output pictures
      """)

  @OptionGroup var data: DatasetArgument
  @OptionGroup var part: PartOption
  @Option(help: "Pictures to write, from the first on.") var count = 8
  @Option(help: ArgumentHelp("Where to write them.", valueName: "folder")) var output: String
  @Flag(help: "Replace the pictures that an earlier export wrote into the folder.")
  var overwrite = false
  @OptionGroup var shared: SharedOptions

  func validate() throws { try requirePositive(count, "--count") }

  func run() throws {
    let dataset = try part.load(data.source())
    try clearFolder(of: dataset)
    try withOutputFolder(output) { try export(dataset) }
  }

  private func export(_ dataset: any Dataset) throws {
    var paths: [String] = []
    for index in 0..<min(count, dataset.count) {
      let sample = try dataset.sample(at: index)
      // A label such as T-shirt/top must not name a folder.
      let label = String(
        dataset.targetText(at: index).replacingOccurrences(of: "/", with: "-").prefix(100))
      let number = String(repeating: "0", count: max(0, 4 - "\(index)".count)) + "\(index)"
      let path = "\(output)/\(number)-\(label).png"
      try sample.image.writePNG(to: path)
      paths.append(path)
      if !shared.json { try print(path) }
    }
    if shared.json { try printJSON(paths) }
  }

  /// Pictures of two exports in one folder could not be told apart.
  private func clearFolder(of dataset: any Dataset) throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: output)) ?? []
    let found = names.filter { name in
      let number = name.prefix { $0.isASCII && $0.isNumber }
      return number.count >= 4 && name.dropFirst(number.count).hasPrefix("-")
        && name.hasSuffix(".png")
    }.sorted()
    guard !found.isEmpty else { return }
    guard overwrite else {
      throw UsedFolder(
        folder: output, found: found, remedies: ["replace them with --overwrite"])
    }
    try OutputFiles.require(
      found.map { NamedFile("--overwrite", "\(output)/\($0)") },
      apartFrom: data.read
        + (0..<dataset.count).map { NamedFile("the data", dataset.picturePath(at: $0)) })
    for name in found { try FileManager.default.removeItem(atPath: "\(output)/\(name)") }
  }
}
