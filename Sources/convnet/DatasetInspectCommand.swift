import ArgumentParser
import ConvNet
import Foundation

struct DatasetInspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Make a contact sheet of a data set, and describe it.",
    discussion: """
      The sheet shows pictures of every class, drawn at random, ordered by
      class. The figures are of as many pictures as --limit says.

      EXAMPLES
        convnet dataset inspect pictures --output sheet.png
        convnet dataset inspect cifar10 --data-root cifar --output sheet.png
      """)

  @OptionGroup var data: DatasetArgument
  @Option(help: "train or test, where the data has parts.") var part = DatasetSplit.train
  @Option(help: "Pictures on the sheet.") var count = 48
  @Option(help: "Pictures in a row.") var columns = 8
  @Option(help: "Pictures to open at most.") var limit = 2000
  @Option(
    help: ArgumentHelp(
      "The sheet, .png or .jpg by its ending; replaces a file of its name.", valueName: "file"))
  var output: String
  @OptionGroup var shared: SharedOptions

  /// Pixels a side of a picture on the sheet.
  private static let extent = 128

  private struct Result: Encodable {
    struct Specimen: Encodable {
      var label: String
      var name: String
    }
    var images: Int
    var targets: TargetKind
    var classes: [String]
    var counts: [String: Int]
    var numbers: [NumberSummary]?
    var lookedAt: Int
    var bad: Int
    var height: DatasetInspection.Extent?
    var width: DatasetInspection.Extent?
    var channels: [String: Int]
    var sheet: [Specimen]
    var output: String

    init(_ inspection: DatasetInspection, output: String) {
      images = inspection.imageCount
      targets = inspection.targetKind
      numbers = inspection.targetKind == .numbers ? inspection.numbers : nil
      classes = inspection.classNames
      counts = Dictionary(zip(inspection.classNames, inspection.counts)) { $0 + $1 }
      lookedAt = inspection.lookedAt
      bad = inspection.badCount
      height = inspection.height
      width = inspection.width
      channels = Dictionary(
        uniqueKeysWithValues: inspection.channels.map { ("\($0.key)", $0.value) })
      sheet = inspection.specimens.map { .init(label: $0.className, name: $0.name) }
      self.output = output
    }
  }

  /// Of the output, in lower case; none is that of a PNG file, or of a device.
  private var ending: String { (output as NSString).pathExtension.lowercased() }

  func validate() throws {
    try requirePositive(count, "--count")
    try requirePositive(columns, "--columns")
    try requirePositive(limit, "--limit")
    guard ["", "png", "jpg", "jpeg"].contains(ending) else {
      throw ValidationError("--output is \(output); a sheet is written as .png or .jpg")
    }
    try OutputFiles.require([NamedFile("--output", output)], apartFrom: data.read)
  }

  func run() throws {
    let dataset = try data.source().load(part)
    var progress: Progress?
    let inspection = try DatasetInspection(
      of: dataset, specimens: count, limit: limit, seed: shared.seed, threads: shared.threadCount
    ) { done, total in
      if progress == nil { progress = Progress("inspecting", total: total, shared) }
      progress?.update(done)
    }
    progress?.finish()
    // The pictures at their size on the sheet, the sheet, and what it is compressed from.
    try Memory.require(
      3 * 3 * inspection.specimens.count * Self.extent * Self.extent,
      for: "a sheet of \(plural(inspection.specimens.count, "picture"))")
    let grid = ImageGrid(
      inspection.specimens.map { fitted($0.image) }, columns: columns, spacing: 4)
    if ["jpg", "jpeg"].contains(ending) {
      try grid.image().writeJPEG(to: output, halvesChroma: false)
    } else {
      try grid.image().writePNG(to: output)
    }
    if shared.json { return try printJSON(Result(inspection, output: output)) }
    try print(text(inspection), terminator: "")
  }

  /// Large pictures shrink, small ones grow by a whole factor, so that their pixels show.
  private func fitted(_ image: Image) -> Image {
    let longer = max(image.height, image.width)
    if longer > Self.extent {
      let scale = Double(Self.extent) / Double(longer)
      return image.resized(
        height: max(1, Int(Double(image.height) * scale)),
        width: max(1, Int(Double(image.width) * scale)))
    }
    let factor = Self.extent / longer
    return image.resized(height: image.height * factor, width: image.width * factor, filter: .box)
  }

  private func text(_ inspection: DatasetInspection) -> String {
    let noun = inspection.targetKind.noun
    var lines = [
      "\(plural(inspection.imageCount, "picture")) \(inspection.targetKind == .classes ? "in" : "with") \(plural(inspection.classNames.count, noun.one, noun.many))"
    ]
    lines += inspection.numbers.map(\.line)
    if let least = inspection.counts.min(), let most = inspection.counts.max() {
      lines.append(
        "a \(noun.one) has \(least == most ? "\(least)" : "\(least) to \(most)") pictures")
    }
    let bad = inspection.badCount > 0 ? ", \(inspection.badCount) of them bad" : ""
    lines.append("looked at \(inspection.lookedAt)\(bad):")
    for (name, extent) in [("height", inspection.height), ("width", inspection.width)] {
      guard let extent else { continue }
      lines.append(
        extent.smallest == extent.largest
          ? "  \(name) \(extent.smallest)"
          : "  \(name) \(extent.smallest) to \(extent.largest), median \(extent.median)")
    }
    let channels = inspection.channels.sorted { $0.key < $1.key }.map { channels, count in
      "\(["grey", "", "color", "color and alpha"][channels - 1]) \(count)"
    }
    lines.append("  " + channels.joined(separator: ", "))
    lines.append("saved \(output)")
    return lines.joined(separator: "\n") + "\n"
  }
}
