import ConvNetFiles
public import ConvNetImages
public import ConvNetLayers

/// What a model file says besides its numbers, for another network that is given these numbers.
public struct BroughtDescription: Sendable {
  /// The file.
  public let path: String
  /// One a class; empty where the file names none.
  public let classNames: [String]
  /// What its outputs tell, and how numbers are made of them.
  public let targetKind: TargetKind
  /// Of numbers; `nil` where outputs are these.
  public let targetScaling: TargetScaling?
  /// How the numbers want pictures prepared.
  public let preprocessing: Preprocessing?
  /// What was done at random to the pictures of its training; `nil` where nothing was, or it is not known.
  public let augmentation: Augmentation?

  /// - Returns: `nil` where the file holds weights alone.
  /// - Throws: as ``Model/init(_:isMapped:operations:)``.
  public init?(_ file: WeightFile) throws {
    guard file.describesModel else { return nil }
    let model = try Model(file, isMapped: true)
    path = file.path
    classNames = model.classNames
    targetKind = model.targetKind
    targetScaling = model.targetScaling
    preprocessing = model.preprocessing
    augmentation = model.augmentation.flatMap { $0.steps.isEmpty ? nil : $0 }
  }

  /// What became of something that the file says.
  public enum Note: Hashable, Sendable {
    /// The model prepares pictures as the file says.
    case prepared(path: String, Preprocessing)
    /// Pictures have other channels here, and are prepared as they were.
    case otherChannels(path: String, Preprocessing, here: Preprocessing)
    /// The mean picture has other extents than the input: nothing is subtracted.
    case unfitMeanPicture(path: String, MeanPicture, input: Preprocessing)
    /// There are other classes here: the file's names are left out.
    case otherClasses(path: String, count: Int, here: Int)
  }

  /// Gives a model all that the file says of how pictures are prepared, but their extents.
  ///
  /// - Returns: what was kept or lost.
  public func lendPreparation(to model: inout Model) -> [Note] {
    guard var kept = preprocessing, let own = model.preprocessing else { return [] }
    guard kept.channels == own.channels else {
      return kept.isUsual ? [] : [.otherChannels(path: path, kept, here: own)]
    }
    let picture = kept.meanPicture
    guard let resized = try? kept.resized(height: own.height, width: own.width) else { return [] }
    kept = resized
    kept.dataFormat = own.dataFormat
    var notes: [Note] = []
    if let picture, kept.meanPicture == nil {
      notes.append(.unfitMeanPicture(path: path, picture, input: own))
    }
    model.preprocessing = kept
    if !kept.isUsual { notes.append(.prepared(path: path, kept)) }
    return notes
  }

  /// Gives a model the file's names for its classes, where there are as many.
  ///
  /// - Returns: what was lost.
  public func lendClassNames(to model: inout Model) -> [Note] {
    guard !classNames.isEmpty, classNames != model.classNames else { return [] }
    guard classNames.count == model.classCount else {
      return [.otherClasses(path: path, count: classNames.count, here: model.classCount)]
    }
    model.classNames = classNames
    model.targetKind = targetKind
    model.targetScaling = targetScaling
    return []
  }
}

extension BroughtDescription.Note: CustomStringConvertible {
  public var description: String {
    switch self {
    case .prepared(let path, let kept):
      "pictures are prepared as \(path) says: \(kept)"
    case .otherChannels(let path, let kept, let own):
      "\(path) prepares pictures of \(plural(kept.channels, "channel")) (\(kept)); here they have "
        + "\(own.channels), and are \(own)"
    case .unfitMeanPicture(let path, let picture, let input):
      "the mean picture of \(path) is \(picture.height)x\(picture.width) and does not fit an input "
        + "of \(input.height)x\(input.width): nothing is subtracted"
    case .otherClasses(let path, let count, let own):
      "\(path) names \(plural(count, "class", "classes")), the network has \(own): the names are left "
        + "out"
    }
  }
}
