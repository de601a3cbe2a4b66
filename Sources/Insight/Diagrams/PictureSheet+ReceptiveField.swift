public import ConvNetImages
import ConvNetReports

extension PictureSheet {
  /// A field over a picture, in theory and as measured.
  ///
  /// - Parameter picture: of the input's extents, or of others with its proportions.
  public init(
    receptiveField field: ReceptiveField, measured: MeasuredReceptiveField, picture: Image,
    model: String
  ) {
    let factor = max(1, 300 / max(field.input[0], field.input[1]))
    let (height, width) = (field.input[0] * factor, field.input[1] * factor)
    let base =
      picture.height == field.input[0] && picture.width == field.input[1]
      ? picture.converted(toChannels: 3).magnified(height: height, width: width)
      : picture.converted(toChannels: 3).resized(height: height, width: width)
    let theory = Image.Color(red: 255, green: 176, blue: 40)
    let found = Image.Color(red: 60, green: 200, blue: 255)
    func outlined(
      _ image: Image, _ color: Image.Color, _ rows: ClosedRange<Int>, _ columns: ClosedRange<Int>
    ) -> Image {
      image.outlining(
        rows: rows.lowerBound * factor...(rows.upperBound + 1) * factor - 1,
        columns: columns.lowerBound * factor...(columns.upperBound + 1) * factor - 1, color)
    }
    let unit = measured.strength.largestMagnitude
    let heat = measured.strength.image(.heat, unit: unit).magnified(height: height, width: width)
    let inside = outlined(base, theory, field.visibleRows, field.visibleColumns)
    self.init(
      "Receptive field of \(field.layer)",
      subtitle:
        "\(model): position \(field.position[0]), \(field.position[1]) sees \(field.size[0])x\(field.size[1]) pixels, the next one \(field.strides[0]) further on",
      panels: [
        Panel(
          inside,
          "in theory: rows \(field.rows.lowerBound) to \(field.rows.upperBound), columns \(field.columns.lowerBound) to \(field.columns.upperBound)\n(orange: the part within the picture)"
        ),
        Panel(
          outlined(
            outlined(heat, theory, field.visibleRows, field.visibleColumns), found, measured.rows,
            measured.columns),
          "by gradients: \(measured.rows.count)x\(measured.columns.count) pixels (blue)\n95 % of the gradient within about \(measured.effectiveSide()) pixels"
        ),
      ], columns: 2, side: 300,
      legend: ColorLegend(
        .heat, title: "mean gradient, share of the largest", lowest: 0, highest: 1))
  }
}

extension Image {
  /// The picture as a network sees it, with a frame around what a position sees of it.
  package func outlined(_ field: ReceptiveField) -> Image {
    let factor = max(1, 112 / max(height, width))
    let (rows, columns) = (field.visibleRows, field.visibleColumns)
    return converted(toChannels: 3).magnified(height: height * factor, width: width * factor)
      .outlining(
        rows: rows.lowerBound * factor...(rows.upperBound + 1) * factor - 1,
        columns: columns.lowerBound * factor...(columns.upperBound + 1) * factor - 1,
        .init(red: 255, green: 176, blue: 40))
  }

  /// With a frame of two pixels just within some rows and columns.
  func outlining(rows: ClosedRange<Int>, columns: ClosedRange<Int>, _ color: Color) -> Image {
    var result = self
    for row in rows {
      for column in columns {
        let isFrame =
          row - rows.lowerBound < 2 || rows.upperBound - row < 2
          || column - columns.lowerBound < 2 || columns.upperBound - column < 2
        guard isFrame, 0..<height ~= row, 0..<width ~= column else { continue }
        result[row, column, 0] = color.red
        result[row, column, 1] = color.green
        result[row, column, 2] = color.blue
      }
    }
    return result
  }
}
