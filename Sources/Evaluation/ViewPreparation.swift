import ConvNetFiles
public import ConvNetImages
import ConvNetTensors

/// The numbers of the views of one picture, for networks that prepare pictures alike.
struct PreparedViews: Sendable {
  struct View: Sendable {
    var height: Int
    var width: Int
    var weight: Double
    /// Where its numbers begin.
    var start: Int
  }

  var views: [View] = []
  var numbers: [Float] = []
}

/// Makes the views of pictures. A thread has one of its own.
struct ViewPreparation {
  private var resizer = Resizer()
  /// The last that was used: its tables are made once.
  private var known: (preprocessing: Preprocessing, converter: PixelConverter)?
  private var resized: [UInt8] = []
  private var part: [UInt8] = []

  /// - Throws: ``ViewsError`` where a view does not fit the picture.
  mutating func prepare(
    _ picture: Image, _ preprocessing: Preprocessing, _ protocolViews: Views
  ) throws -> PreparedViews {
    let image = picture.converted(
      toChannels: preprocessing.channels, background: preprocessing.background)
    let views = try protocolViews.views(
      ofHeight: image.height, width: image.width, input: preprocessing)
    let channels = preprocessing.channels
    let count = views.reduce(0) { $0 + $1.viewHeight * $1.viewWidth * channels }
    try Memory.require(
      count * MemoryLayout<Float>.size, for: "\(views.count) views of a picture")
    var result = PreparedViews()
    result.numbers = [Float](repeating: 0, count: count)
    resizer.filter = preprocessing.filter
    let converter = converter(for: preprocessing)
    var start = 0
    var first = 0
    while first < views.count {
      // Neighbours of one scale share the resized picture.
      var end = first + 1
      while end < views.count, views[end].height == views[first].height,
        views[end].width == views[first].width, views[end].isPrepared == views[first].isPrepared
      { end += 1 }
      let group = views[first..<end]
      let isPrepared = views[first].isPrepared
      let source: (height: Int, width: Int, row: Int, column: Int)
      if isPrepared, preprocessing.keepsFittingPictures,
        image.height == preprocessing.height, image.width == preprocessing.width
      {
        resized = image.pixels
        source = (image.height, image.width, 0, 0)
      } else if isPrepared {
        let fitted = preprocessing.fitted(image)
        resized = fitted.pixels
        source = (fitted.height, fitted.width, 0, 0)
      } else {
        source = try resize(image, for: group, channels)
      }
      for view in group {
        let elements = view.viewHeight * view.viewWidth * channels
        var window = PixelWindow(
          row: 0, column: 0, height: view.viewHeight, width: view.viewWidth, channels: channels,
          sourceWidth: source.width, isMirrored: view.isReflected)
        var pixels = resized
        let region = view.uprightRegion
        if !isPrepared {
          window.row = region.row - source.row
          window.column = region.column - source.column
          if region.height != view.viewHeight || region.width != view.viewWidth {
            squash(
              ImageRegion(
                row: window.row, column: window.column, height: region.height,
                width: region.width), of: source.height, source.width, channels, to: view)
            (window.row, window.column, window.sourceWidth) = (0, 0, view.viewWidth)
            pixels = part
          }
        }
        let isOwn =
          view.viewHeight == preprocessing.height && view.viewWidth == preprocessing.width
        let fitting = isOwn ? converter : Self.converter(preprocessing, for: view)
        pixels.withUnsafeBufferPointer { pixels in
          result.numbers.withUnsafeMutableBufferPointer { numbers in
            fitting.convert(
              pixels, window,
              into: UnsafeMutableBufferPointer(rebasing: numbers[start..<start + elements]))
          }
        }
        result.views.append(
          .init(
            height: view.viewHeight, width: view.viewWidth, weight: view.weight, start: start))
        start += elements
      }
      first = end
    }
    return result
  }

  private mutating func converter(for preprocessing: Preprocessing) -> PixelConverter {
    if let known, known.preprocessing == preprocessing { return known.converter }
    let converter = PixelConverter(preprocessing)
    known = (preprocessing, converter)
    return converter
  }

  private static func converter(_ preprocessing: Preprocessing, for view: View) -> PixelConverter {
    var other = preprocessing
    other.meanPicture = nil
    other.fitting = .squash
    other.height = view.viewHeight
    other.width = view.viewWidth
    return PixelConverter(other)
  }

  /// Resizes what the views of one scale look at, and no more.
  ///
  /// - Returns: the extents of that, and where it lies in the resized picture.
  private mutating func resize(
    _ image: Image, for views: ArraySlice<View>, _ channels: Int
  ) throws -> (height: Int, width: Int, row: Int, column: Int) {
    let (height, width) = (views[views.startIndex].height, views[views.startIndex].width)
    let regions = views.map(\.uprightRegion)
    let top = regions.map(\.row).min() ?? 0
    let left = regions.map(\.column).min() ?? 0
    let bottom = regions.map { $0.row + $0.height }.max() ?? height
    let right = regions.map { $0.column + $0.width }.max() ?? width
    if height == image.height, width == image.width {
      resized = image.pixels
      return (height, width, 0, 0)
    }
    let pixels = (bottom - top).multipliedReportingOverflow(by: right - left)
    guard !pixels.overflow, pixels.partialValue <= Views.pixelLimit else {
      throw ViewsError.tooLarge(height: bottom - top, width: right - left)
    }
    let rowScale = Double(image.height) / Double(height)
    let columnScale = Double(image.width) / Double(width)
    let job = ResizingJob(
      sourceHeight: image.height, sourceWidth: image.width, channels: channels,
      height: bottom - top, width: right - left,
      box: ImageBox(
        top: Double(top) * rowScale, left: Double(left) * columnScale,
        bottom: min(Double(image.height), Double(bottom) * rowScale),
        right: min(Double(image.width), Double(right) * columnScale)),
      whole: Extents(height: height, width: width))
    let count = pixels.partialValue * channels
    if resized.count != count { resized = [UInt8](repeating: 0, count: count) }
    Self.resize(image.pixels, job, &resizer, into: &resized)
    return (bottom - top, right - left, top, left)
  }

  private mutating func squash(
    _ region: ImageRegion, of height: Int, _ width: Int, _ channels: Int, to view: View
  ) {
    let count = view.viewHeight * view.viewWidth * channels
    if part.count != count { part = [UInt8](repeating: 0, count: count) }
    let job = ResizingJob(
      sourceHeight: height, sourceWidth: width, channels: channels, height: view.viewHeight,
      width: view.viewWidth, region: region)
    Self.resize(resized, job, &resizer, into: &part)
  }

  private static func resize(
    _ source: [UInt8], _ job: ResizingJob, _ resizer: inout Resizer, into target: inout [UInt8]
  ) {
    var span = target.mutableSpan
    resizer.resize(source.span, job, into: &span)
  }
}

extension Views {
  /// All that a score depends on: how pictures are prepared, and what of them is shown.
  public func description(of preprocessing: Preprocessing) -> String {
    parts.contains { $0.scales.contains(.prepared) }
      ? "\(preprocessing), \(self)" : "\(self); \(preprocessing.descriptionOfNumbers)"
  }

  /// The pictures that a network would be given, with what each shows: for people to look at.
  ///
  /// - Throws: ``ViewsError`` where a view does not fit the picture.
  public func pictures(
    of picture: Image, input: Preprocessing
  ) throws -> [(name: String, image: Image)] {
    var plain = try Preprocessing(
      height: input.height, width: input.width, channels: input.channels, fitting: input.fitting,
      filter: input.filter, background: input.background)
    plain.dataFormat = .channelsLast
    var preparation = ViewPreparation()
    let prepared = try preparation.prepare(picture, plain, self)
    let views = try views(ofHeight: picture.height, width: picture.width, input: plain)
    return zip(views, prepared.views).map { view, numbers in
      let count = numbers.height * numbers.width * plain.channels
      return (
        view.name,
        Image(
          height: numbers.height, width: numbers.width, channels: plain.channels,
          pixels: prepared.numbers[numbers.start..<numbers.start + count].map {
            UInt8(($0 * 255).rounded())
          })
      )
    }
  }
}
