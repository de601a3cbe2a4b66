import ConvNetFiles
import ConvNetGraphs
import ConvNetImages
import ConvNetTensors
import Foundation

/// How the elements of a tensor are distributed: counts of equal intervals from the least to the greatest.
struct Histogram: Hashable, Sendable {
  static let intervalCount = 32

  private(set) var least = Float.infinity
  private(set) var greatest = -Float.infinity
  private(set) var count = 0
  private(set) var sum = 0.0
  private(set) var sumOfSquares = 0.0
  private(set) var counts = [Int](repeating: 0, count: intervalCount)

  /// Elements that are not finite are left out.
  init(_ elements: UnsafeBufferPointer<Float>) {
    for value in elements where value.isFinite {
      least = min(least, value)
      greatest = max(greatest, value)
      count += 1
      sum += Double(value)
      sumOfSquares += Double(value) * Double(value)
    }
    guard count > 0 else { return }
    let width = greatest - least
    let scale = width > 0 && width.isFinite ? Float(Self.intervalCount) / width : 0
    counts.withUnsafeMutableBufferPointer { counts in
      for value in elements where value.isFinite {
        counts[min(Self.intervalCount - 1, Int((value - least) * scale))] += 1
      }
    }
  }

  /// The greatest value of each interval.
  var limits: [Double] {
    let (least, width) = (Double(least), Double(greatest) - Double(least))
    return (1...Self.intervalCount).map { least + width * Double($0) / Double(Self.intervalCount) }
  }

  /// As TensorFlow's `HistogramProto` (`core/framework/summary.proto`).
  fileprivate var message: ProtocolBufferWriter {
    var message = ProtocolBufferWriter()
    message.append(Double(least), field: 1)
    message.append(Double(greatest), field: 2)
    message.append(Double(count), field: 3)
    message.append(sum, field: 4)
    message.append(sumOfSquares, field: 5)
    message.append(packed: limits, field: 6)
    message.append(packed: counts.map { Double($0) }, field: 7)
    return message
  }
}

extension EventFile {
  /// Kernels of which histograms are written: of a network with more, so many spread evenly, so that the file stays small.
  static let kernelLimit = 64

  /// The record of the weights and gradients of the kernels that are learned, after an epoch.
  static func histograms(of training: TrainingInProgress, step: Int, wallTime: Double) -> [UInt8]? {
    let names = training.kernelNames
    let stride = max(1, (names.count + kernelLimit - 1) / kernelLimit)
    var values: [ProtocolBufferWriter] = []
    for name in names.enumerated().filter({ $0.offset.isMultiple(of: stride) }).map(\.element) {
      training.withKernel(name) { kind, elements in
        let histogram = Histogram(elements)
        guard histogram.count > 0 else { return }
        var value = ProtocolBufferWriter()
        value.append("\(kind)/\(name)", field: 1)
        value.append(histogram.message, field: 5)
        values.append(value)
      }
    }
    return values.isEmpty ? nil : record(of: values, step: step, wallTime: wallTime)
  }

  /// Pictures of the first batch that are written.
  static let pictureLimit = 8

  /// The record of the first pictures of a batch as the network reads them, between their least and greatest values.
  ///
  /// - Parameters:
  ///   - inputs: [N, H, W, C], or [N, C, H, W] where channels come first.
  ///   - isReversed: whether the first of three channels is blue.
  static func pictures(
    _ inputs: Tensor, channelsFirst: Bool, isReversed: Bool, step: Int, wallTime: Double
  ) -> [UInt8]? {
    let extents = inputs.shape.dimensions
    guard extents.count == 4, inputs.elementType == .float32 else { return nil }
    let (height, width, channels) =
      channelsFirst ? (extents[2], extents[3], extents[1]) : (extents[1], extents[2], extents[3])
    guard channels == 1 || channels == 3 else { return nil }
    let size = height * width * channels
    let shown = min(extents[0], pictureLimit)
    let all = Array(inputs.elements.prefix(shown * size))
    guard let least = all.min(), let greatest = all.max(), least.isFinite, greatest.isFinite else {
      return nil
    }
    let scale = greatest > least ? 255 / (greatest - least) : 0
    var values: [ProtocolBufferWriter] = []
    for place in 0..<shown {
      let elements = all[place * size..<(place + 1) * size].map {
        UInt8(max(0, min(255, (($0 - least) * scale).rounded())))
      }
      let pixels = (0..<size).map { index in
        let (pixel, own) = (index / channels, index % channels)
        let channel = isReversed ? channels - 1 - own : own
        return elements[
          channelsFirst ? channel * height * width + pixel : pixel * channels + channel]
      }
      let picture = Image(height: height, width: width, channels: channels, pixels: pixels)
      guard let png = try? picture.encodedPNG() else { return nil }
      // TensorFlow's `Summary.Image`.
      var image = ProtocolBufferWriter()
      image.append(height, field: 1)
      image.append(width, field: 2)
      image.append(channels, field: 3)
      image.append(png, field: 4)
      var value = ProtocolBufferWriter()
      value.append("first batch/\(place + 1)", field: 1)
      value.append(image, field: 4)
      values.append(value)
    }
    return record(of: values, step: step, wallTime: wallTime)
  }
}
