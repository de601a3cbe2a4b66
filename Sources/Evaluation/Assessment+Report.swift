package import ConvNetDatasets
import ConvNetFiles
import ConvNetImages
package import ConvNetReports

/// What reports of evaluations and of trainings show alike.
extension Assessment {
  /// Classes whose confusions have room as a matrix.
  private static let matrixLimit = 40
  /// Pixels of a mistake's longer side, at most: sharp on screens of twice the density.
  private static let shownSide = 256.0
  /// A picture of fewer is shown with its pixels.
  private static let pixelSide = 64.0

  /// The most confident mistakes as pictures, read again; one that is gone meanwhile is left out.
  ///
  /// - Parameters:
  ///   - dataset: that was measured on, its classes numbered as here.
  ///   - limit: of so many.
  /// - Throws: ``ImageError`` where a picture cannot be encoded.
  package func pictures(
    of dataset: any Dataset, _ names: [String], limit: Int = .max
  ) throws -> [Gallery.Picture] {
    var pictures: [Gallery.Picture] = []
    for mistake in mistakes.prefix(limit) {
      guard let image = try? dataset.sample(at: mistake.sample).image else { continue }
      let side = Double(max(image.height, image.width))
      let scale = side > Self.shownSide ? Self.shownSide / side : 1
      let small = image.converted(toChannels: 3, background: .white).resized(
        height: max(1, Int(Double(image.height) * scale)),
        width: max(1, Int(Double(image.width) * scale)))
      let (truth, answer) = (names[mistake.label], names[mistake.predicted])
      pictures.append(
        Gallery.Picture(
          side < Self.pixelSide ? try small.encodedPNG() : try small.encodedJPEG(),
          caption:
            "\(truth), taken for \(answer): \(HumanReadable.percent(mistake.confidence)), \(FileSystem.line(dataset.sampleName(at: mistake.sample)))",
          properties: [truth, answer], showsPixels: side < Self.pixelSide))
    }
    return pictures
  }

  /// Precision, recall and F1 of every class.
  package func classTable(_ names: [String]) -> Table {
    var table = Table([
      .init("class"), .init("pictures", .right), .init("precision", .right),
      .init("recall", .right), .init("F1", .right),
    ])
    table.isSortable = true
    func text(_ share: Double) -> String {
      share.isNaN ? "" : HumanReadable.percent(share)
    }
    for (name, score) in zip(names, classScores) {
      table.append([
        name, "\(score.count)", text(score.precision), text(score.recall), text(score.f1),
      ])
    }
    return table
  }

  /// The classes that are taken for each other most often.
  package func confusionTable(_ names: [String], limit: Int) -> Table {
    var table = Table([
      .init("truth"), .init("taken for"), .init("pictures", .right), .init("share", .right),
    ])
    table.isSortable = true
    for confusion in worstConfusions(names, limit: limit) {
      table.append([
        confusion.label, confusion.predicted, "\(confusion.count)",
        HumanReadable.percent(confusion.share),
      ])
    }
    return table
  }

  /// Mistakes, classes and confusion, as far as there are any.
  package func sections(
    _ names: [String], mistakes pictures: [Gallery.Picture]
  ) -> [ReportPage.Section] {
    var sections: [ReportPage.Section] = []
    let wrong = samples - top1Count
    if !pictures.isEmpty {
      sections.append(
        .init(
          "Most confident mistakes",
          [
            .text(
              "Of \(plural(wrong, "picture")) that \(wrong == 1 ? "was" : "were") taken for something else, those of highest probability."
            ),
            .gallery(Gallery(["truth", "taken for"], pictures)),
          ]))
    }
    sections.append(.init("Classes", [.table(classTable(names))]))
    if names.count <= Self.matrixLimit {
      sections.append(
        .init("Confusion", [.figure(HeatMap(confusion: Array(confusion), classNames: names))]))
    }
    let confusions = confusionTable(names, limit: 200)
    if !confusions.rows.isEmpty {
      sections.append(.init("What was taken for what", [.table(confusions)]))
    }
    return sections
  }
}

/// As a sentence's end.
extension McNemarTest: CustomStringConvertible {
  /// For example `12 and 30 pictures that only one has right, p = 0.0079 (McNemar)`.
  public var description: String {
    let p = pValue < 0.0001 ? "p < 0.0001" : "p = \(HumanReadable.fixed(pValue, digits: 4))"
    return "\(onlyFirst) and \(onlySecond) pictures that only one has right, \(p) (McNemar)"
  }
}
