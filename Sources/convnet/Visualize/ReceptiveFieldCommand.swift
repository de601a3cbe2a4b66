import ArgumentParser
import ConvNet

struct ReceptiveFieldCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "receptive-field",
    abstract: "Draw what a position of a layer sees of a picture, in theory and by gradients.",
    discussion: """
      EXAMPLES
        convnet visualize receptive-field resnet18 --layer layer2 --output field.svg
        convnet visualize receptive-field model.safetensors --picture cat.jpg \\
          --position 3,3 --output field.png
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @OptionGroup var layer: LayerOption
  @Option(
    help: ArgumentHelp("Row and column of the layer. Default: the middle.", valueName: "row,column")
  )
  var position: String?
  @Option(help: ArgumentHelp("A picture to draw it over.", valueName: "file")) var picture: String?
  @Option(help: "Batches of eight random inputs whose gradients are taken.") var batches = 4
  @OptionGroup var result: PictureOutput
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var layer: String
    var position: [Int]
    /// First and last row and column, in theory.
    var rows: [Int]
    var columns: [Int]
    var size: [Int]
    var stride: [Int]
    /// As found.
    var measuredRows: [Int]
    var measuredColumns: [Int]
    var effectiveSide: Int
    var saved: String
  }

  func validate() throws { try requirePositive(batches, "--batches") }

  func run() throws {
    try result.require(apartFrom: [NamedFile.model(file), NamedFile("--picture", picture)])
    var place: [Int]?
    if let position {
      let numbers = position.split(separator: ",").map { Int($0) ?? -1 }
      guard numbers.count == 2, numbers.allSatisfy({ $0 >= 0 }) else {
        throw ValidationError("--position is \(position), must be row,column: 3,3")
      }
      place = numbers
    }
    let model = try network.model(
      from: ModelSource(file, isMapped: true), seed: shared.seed)
    let field = try model.receptiveField(of: layer.layer, at: place)
    let measured = try model.measured(
      field, rounds: batches, seed: shared.seed, compute: compute.options(shared))
    let image =
      try picture.map {
        try model.preprocessing?.fitted(Image(contentsOf: $0)) ?? Image(contentsOf: $0)
      } ?? Image(height: field.input[0], width: field.input[1], color: .init(grey: 230))
    try result.write(
      PictureSheet(
        receptiveField: field, measured: measured, picture: image, model: model.graph.name))
    let row = Result(
      layer: field.layer, position: field.position,
      rows: [field.rows.lowerBound, field.rows.upperBound],
      columns: [field.columns.lowerBound, field.columns.upperBound], size: field.size,
      stride: field.strides, measuredRows: [measured.rows.lowerBound, measured.rows.upperBound],
      measuredColumns: [measured.columns.lowerBound, measured.columns.upperBound],
      effectiveSide: measured.effectiveSide(), saved: result.output)
    if shared.json { return try printJSON(row) }
    try print(
      "\(row.layer) at \(row.position[0]), \(row.position[1]) sees \(row.size[0])x\(row.size[1]) pixels: rows \(row.rows[0]) to \(row.rows[1]), columns \(row.columns[0]) to \(row.columns[1]); the next position \(row.stride[0]) further on"
    )
    try print(
      "by gradients: rows \(row.measuredRows[0]) to \(row.measuredRows[1]), columns \(row.measuredColumns[0]) to \(row.measuredColumns[1]); 95 % of them within about \(row.effectiveSide) pixels"
    )
    try print("saved \(result.output)")
  }
}
