public import ConvNetFiles
public import ConvNetImages

/// How the values of pictures become numbers around zero: the choices that trainings have.
public enum Normalization: String, Hashable, Sendable, Codable, CaseIterable {
  /// Values stay as they are, from 0 to 1.
  case none
  /// The mean and deviation of each channel that networks published for ImageNet have, in color.
  case imagenet
  /// The data's own mean and deviation of each channel.
  case colors
  /// The data's own mean picture, and the deviation of each channel.
  case picture

  /// A preprocessing with mean and deviation in the place of those that it has, measured where they are the data's own.
  ///
  /// - Parameters:
  ///   - dataset: to train on; read where it is measured.
  ///   - options: how it is read.
  ///   - threads: that read, where the options do not say.
  /// - Throws: ``NormalizationError`` where ImageNet's colors are asked for and there are none; what measuring throws, as
  ///   ``DatasetStatistics``.
  public func applied(
    to preprocessing: Preprocessing, on dataset: any Dataset,
    options: LoadingOptions = LoadingOptions(), threads: Int = Threads.available
  ) throws -> Preprocessing {
    var preprocessing = preprocessing
    preprocessing.mean = nil
    preprocessing.deviation = nil
    preprocessing.meanPicture = nil
    switch self {
    case .none: break
    case .imagenet:
      guard preprocessing.channels == Preprocessing.Preset.imageNetMean.count else {
        throw NormalizationError(channels: preprocessing.channels)
      }
      preprocessing.mean = Preprocessing.Preset.imageNetMean
      preprocessing.deviation = Preprocessing.Preset.imageNetDeviation
    case .colors, .picture:
      try options.validate()
      let statistics = try DatasetStatistics(
        of: dataset, preprocessing: preprocessing, workers: options.workers ?? threads,
        badSamples: options.badSamples)
      // A picture of one color has no deviation, and numbers near it would explode.
      preprocessing.deviation = statistics.deviation.map { max($0, 1 / 255) }
      if self == .colors {
        preprocessing.mean = statistics.mean
      } else {
        preprocessing.meanPicture = statistics.meanPicture
      }
    }
    return preprocessing
  }
}

/// ImageNet's mean and deviation were asked for, for pictures without colors.
public struct NormalizationError: ReadableError, Hashable, Sendable {
  /// Of the network's input.
  public var channels: Int
  public var description: String {
    "normalization imagenet is for color pictures, the network's input has "
      + "\(plural(channels, "channel")); use colors, which measures the data's own"
  }
}
