import ConvNet

/// What a model file says of itself besides its numbers, for a network of the zoo that is given these numbers.
struct BroughtDescription {
  let path: String
  private let model: Model

  /// `nil` where the file holds weights alone.
  init?(_ path: String) throws {
    let file = try WeightFile(path)
    guard file.describesModel else { return nil }
    self.path = path
    model = try Model(file, isMapped: true)
  }

  var classNames: [String] { model.classNames }
  var augmentation: Augmentation? { model.augmentation.flatMap { $0.steps.isEmpty ? nil : $0 } }

  /// Gives a model the file's mean and deviation or mean picture, and what shines through transparent pixels.
  ///
  /// - Returns: what was kept or lost and is worth a word to a person.
  func lendPreparation(to model: inout Model) -> [String] {
    guard var kept = self.model.preprocessing, let own = model.preprocessing else { return [] }
    guard kept.channels == own.channels else {
      return kept.isPlain
        ? []
        : [
          "\(path) prepares pictures of \(plural(kept.channels, "channel")) (\(kept)); here they have "
            + "\(own.channels), and are \(own)"
        ]
    }
    kept.height = own.height
    kept.width = own.width
    kept.dataFormat = own.dataFormat
    var notes: [String] = []
    if let picture = kept.meanPicture, picture.height != own.height || picture.width != own.width {
      kept.meanPicture = nil
      notes.append(
        "the mean picture of \(path) is \(picture.height)x\(picture.width) and does not fit an input "
          + "of \(own.height)x\(own.width): nothing is subtracted; --normalize measures another")
    }
    model.preprocessing = kept
    if !kept.isPlain { notes.append("pictures are prepared as \(path) says: \(kept)") }
    return notes
  }

  /// Gives a model without names for its classes the file's, where there are as many.
  ///
  /// - Returns: what was lost and is worth a word to a person.
  func lendClassNames(to model: inout Model) -> [String] {
    guard !classNames.isEmpty, classNames != model.classNames else { return [] }
    guard classNames.count == model.classCount else {
      return [
        "\(path) names \(plural(classNames.count, "class", "classes")), the network has "
          + "\(model.classCount): the names are left out"
      ]
    }
    model.classNames = classNames
    return []
  }
}

extension Preprocessing {
  /// Whether values stay as they are, from 0 to 1.
  var isPlain: Bool { mean == nil && deviation == nil && meanPicture == nil }
}
