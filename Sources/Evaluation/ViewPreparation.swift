import ConvNetFiles
public import ConvNetImages
import ConvNetTensors

/// The views of one picture, as windows of what it was resized to: their numbers are made where a network wants them, in its
/// input.
package struct PreparedViews: Sendable {
  struct View: Sendable {
    var weight: Double
    /// Among ``pictures``.
    var picture: Int
    /// Of that picture.
    var window: PixelWindow

    /// Height and width.
    var size: [Int] { [window.height, window.width] }
  }

  var views: [View] = []
  /// The bytes of the picture in every size that a view shows, rows of pixels: what some view shows of it, and no more.
  package private(set) var pictures: [[UInt8]] = []

  /// - Returns: its place.
  fileprivate mutating func keep(_ pixels: [UInt8]) -> Int {
    pictures.append(pixels)
    return pictures.count - 1
  }

  /// Makes the numbers of a view.
  ///
  /// - Parameter converter: of the view's extents.
  func convert(
    _ view: View, by converter: PixelConverter, into target: UnsafeMutableBufferPointer<Float>
  ) {
    pictures[view.picture].withUnsafeBufferPointer {
      converter.convert($0, view.window, into: target)
    }
  }
}

/// Makes the views of pictures. A thread has one of its own.
package struct ViewPreparation {
  private var resizer = Resizer()

  package init() {}

  /// - Throws: ``ViewsError`` where a view does not fit the picture.
  package mutating func prepare(
    _ picture: Image, _ preprocessing: Preprocessing, _ protocolViews: Views
  ) throws -> PreparedViews {
    let image = picture.converted(
      toChannels: preprocessing.channels, background: preprocessing.background)
    let views = try protocolViews.views(
      ofHeight: image.height, width: image.width, input: preprocessing)
    let channels = preprocessing.channels
    var result = PreparedViews()
    resizer.filter = preprocessing.filter
    var first = 0
    while first < views.count {
      // Neighbours of one scale share the resized picture.
      var end = first + 1
      while end < views.count, views[end].height == views[first].height,
        views[end].width == views[first].width, views[end].isPrepared == views[first].isPrepared
      { end += 1 }
      let group = views[first..<end]
      let isPrepared = views[first].isPrepared
      let source: ResizedPart
      if isPrepared, preprocessing.keepsFittingPictures,
        image.height == preprocessing.height, image.width == preprocessing.width
      {
        source = ResizedPart(image)
      } else if isPrepared {
        source = ResizedPart(preprocessing.fitted(image))
      } else {
        source = try resize(image, for: group, channels)
      }
      var place: Int?
      // A view and its reflection are of one.
      var squashed: [ImageRegion: Int] = [:]
      for view in group {
        var window = PixelWindow(
          row: 0, column: 0, height: view.viewHeight, width: view.viewWidth, channels: channels,
          sourceWidth: source.width, isMirrored: view.isReflected)
        let region = view.uprightRegion
        if !isPrepared {
          window.row = region.row - source.row
          window.column = region.column - source.column
          if region.height != view.viewHeight || region.width != view.viewWidth {
            let part = ImageRegion(
              row: window.row, column: window.column, height: region.height, width: region.width)
            let picture =
              try squashed[region] ?? result.keep(squash(part, of: source, channels, to: view))
            squashed[region] = picture
            (window.row, window.column, window.sourceWidth) = (0, 0, view.viewWidth)
            result.views.append(.init(weight: view.weight, picture: picture, window: window))
            continue
          }
        }
        let picture = place ?? result.keep(source.pixels)
        place = picture
        result.views.append(.init(weight: view.weight, picture: picture, window: window))
      }
      first = end
    }
    return result
  }

  /// What the views of one scale look at, and where it lies in the resized picture.
  private struct ResizedPart {
    var pixels: [UInt8]
    var height: Int
    var width: Int
    var row = 0
    var column = 0

    init(_ image: Image) {
      pixels = image.pixels
      height = image.height
      width = image.width
    }

    init(_ pixels: [UInt8], _ extents: Extents, row: Int, column: Int) {
      self.pixels = pixels
      (height, width) = (extents.height, extents.width)
      (self.row, self.column) = (row, column)
    }
  }

  /// Resizes what the views of one scale look at, and no more.
  private mutating func resize(
    _ image: Image, for views: ArraySlice<View>, _ channels: Int
  ) throws -> ResizedPart {
    let (height, width) = (views[views.startIndex].height, views[views.startIndex].width)
    let regions = views.map(\.uprightRegion)
    let top = regions.map(\.row).min() ?? 0
    let left = regions.map(\.column).min() ?? 0
    let bottom = regions.map { $0.row + $0.height }.max() ?? height
    let right = regions.map { $0.column + $0.width }.max() ?? width
    let part = Extents(height: bottom - top, width: right - left)
    let pixels = part.height.multipliedReportingOverflow(by: part.width)
    guard !pixels.overflow, pixels.partialValue <= Views.pixelLimit else {
      throw ViewsError.tooLarge(height: part.height, width: part.width)
    }
    if height == image.height, width == image.width {
      let shown = image.cropped(
        to: ImageRegion(row: top, column: left, height: part.height, width: part.width))
      return ResizedPart(shown.pixels, part, row: top, column: left)
    }
    let rowScale = Double(image.height) / Double(height)
    let columnScale = Double(image.width) / Double(width)
    let job = ResizingJob(
      sourceHeight: image.height, sourceWidth: image.width, channels: channels,
      height: part.height, width: part.width,
      box: ImageBox(
        top: Double(top) * rowScale, left: Double(left) * columnScale,
        bottom: min(Double(image.height), Double(bottom) * rowScale),
        right: min(Double(image.width), Double(right) * columnScale)),
      whole: Extents(height: height, width: width))
    return ResizedPart(
      try resized(image.pixels, job, part, channels), part, row: top, column: left)
  }

  private mutating func squash(
    _ region: ImageRegion, of source: ResizedPart, _ channels: Int, to view: View
  ) throws -> [UInt8] {
    let job = ResizingJob(
      sourceHeight: source.height, sourceWidth: source.width, channels: channels,
      height: view.viewHeight, width: view.viewWidth, region: region)
    return try resized(
      source.pixels, job, Extents(height: view.viewHeight, width: view.viewWidth), channels)
  }

  private mutating func resized(
    _ source: [UInt8], _ job: ResizingJob, _ extents: Extents, _ channels: Int
  ) throws -> [UInt8] {
    let count = extents.height * extents.width * channels
    try Memory.require(count, for: "a resized picture")
    var target = [UInt8](repeating: 0, count: count)
    var span = target.mutableSpan
    resizer.resize(source.span, job, into: &span)
    return target
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
    let plain = try Preprocessing(
      height: input.height, width: input.width, channels: input.channels, fitting: input.fitting,
      filter: input.filter, background: input.background)
    var preparation = ViewPreparation()
    let prepared = try preparation.prepare(picture, plain, self)
    let views = try views(ofHeight: picture.height, width: picture.width, input: plain)
    return zip(views, prepared.views).map { view, shown in
      (view.name, prepared.image(of: shown))
    }
  }
}

extension PreparedViews {
  /// A view to be looked at.
  fileprivate func image(of view: View) -> Image {
    let window = view.window
    var pixels: [UInt8] = []
    pixels.reserveCapacity(window.height * window.width * window.channels)
    window.forEachRow { _, first in
      for column in 0..<window.width {
        let place = window.isMirrored ? window.width - 1 - column : column
        let start = first + place * window.channels
        pixels += pictures[view.picture][start..<start + window.channels]
      }
    }
    return Image(
      height: window.height, width: window.width, channels: window.channels, pixels: pixels)
  }
}
