/// A picture on its way into a batch: the pixels as they were decoded, and which part of them is the
/// picture, at what size, mirrored or not.
///
/// Cropping, mirroring and resizing only note what is to be done. Pixels move when a step needs
/// them, or at the end: so a window of a resized picture costs no more than that window. All memory
/// is kept from picture to picture.
package struct Canvas: Sendable {
  /// Of the picture as it stands.
  package private(set) var height = 1
  package private(set) var width = 1
  package var channels: Int { source.channels }

  private var source = Image(height: 1, width: 1, color: .black)
  private var spare = Image(height: 1, width: 1, color: .black)
  private var resizer = Resizer(filter: .bilinear)
  /// How pixels weigh in the resizing that is still to be done, and to what extents it brings the
  /// whole of the region.
  private var filter = ResizingFilter.bilinear
  private var resizedExtents = Extents(height: 1, width: 1)
  /// The part of the source that the picture was cut out of; what lies outside does not count.
  private var region = ImageRegion(row: 0, column: 0, height: 1, width: 1)
  /// The part of the region that becomes the picture, in pixels of the region.
  private var box = ImageBox(top: 0, left: 0, bottom: 1, right: 1)
  private var isMirrored = false
  /// Whether anything was cropped or resized since the picture was loaded.
  private(set) var hasNewExtents = false

  package init() {}

  package var extents: Extents { Extents(height: height, width: width) }
  var count: Int { height * width * channels }

  /// Bytes of the picture as it stands.
  package var byteCount: Int { count }

  // MARK: Loading

  /// Takes the picture that `fill` writes; its memory is that of the one before.
  ///
  /// - Throws: what `fill` throws; the canvas then holds anything.
  package mutating func load<Failure: Error>(
    _ fill: (inout Image) throws(Failure) -> Void
  ) throws(Failure) {
    try fill(&source)
    hasNewExtents = false
    becomeWhole()
  }

  package mutating func load(_ image: Image) {
    load(height: image.height, width: image.width, channels: image.channels, image.pixels.span)
  }

  /// Copies pixels in order [H, W, C].
  package mutating func load(height: Int, width: Int, channels: Int, _ pixels: Span<UInt8>) {
    source.overwrite(height: height, width: width, channels: channels) { target in
      pixels.withUnsafeBufferPointer { pixels in
        target.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: pixels) }
      }
    }
    hasNewExtents = false
    becomeWhole()
  }

  /// The picture is all of the source.
  private mutating func becomeWhole() {
    (height, width) = (source.height, source.width)
    region = ImageRegion(row: 0, column: 0, height: height, width: width)
    isMirrored = false
    fillBox()
  }

  /// The picture is all of the region.
  private mutating func fillBox() {
    box = ImageBox(
      top: 0, left: 0, bottom: Double(region.height), right: Double(region.width))
  }

  // MARK: Noting what is to be done

  package mutating func mirror() { isMirrored.toggle() }

  package mutating func resize(to extents: Extents, filter: ResizingFilter = .bilinear) {
    hasNewExtents = true
    guard extents != self.extents else { return }
    // What was resized already must be before it can be again.
    resolveSize()
    self.filter = filter
    resizedExtents = extents
    (height, width) = (extents.height, extents.width)
  }

  /// Cuts out a window, which may reach beyond the picture: there it is `fill`.
  package mutating func crop(row: Int, column: Int, to window: Extents, fill: Image.Color) {
    hasNewExtents = true
    guard
      row >= 0, column >= 0, row + window.height <= height, column + window.width <= width
    else { return pad(row: row, column: column, to: window, fill: fill) }
    // A mirrored picture's columns count from the right.
    let column = isMirrored ? width - column - window.width : column
    if needsResampling {
      let (rowScale, columnScale) = (
        (box.bottom - box.top) / Double(height), (box.right - box.left) / Double(width)
      )
      let (top, left) = (
        box.top + Double(row) * rowScale, box.left + Double(column) * columnScale
      )
      box = ImageBox(
        top: top, left: left,
        bottom: min(Double(region.height), top + Double(window.height) * rowScale),
        right: min(Double(region.width), left + Double(window.width) * columnScale))
    } else {
      region = ImageRegion(
        row: region.row + row, column: region.column + column, height: window.height,
        width: window.width)
      fillBox()
    }
    (height, width) = (window.height, window.width)
  }

  private var needsResampling: Bool {
    height != region.height || width != region.width || box.top != 0 || box.left != 0
      || box.bottom != Double(height) || box.right != Double(width)
  }

  // MARK: Moving pixels

  /// Resizes, where that is still to be done. A window and a reflection may be left.
  package mutating func resolveSize() {
    guard needsResampling else { return }
    let job = ResizingJob(
      sourceHeight: source.height, sourceWidth: source.width, channels: channels, height: height,
      width: width, region: region, box: box, whole: resizedExtents)
    resizer.filter = filter
    Self.resample(source, job, &resizer, into: &spare)
    let wasMirrored = isMirrored
    swap(&source, &spare)
    becomeWhole()
    isMirrored = wasMirrored
  }

  private static func resample(
    _ source: Image, _ job: ResizingJob, _ resizer: inout Resizer, into target: inout Image
  ) {
    target.overwrite(height: job.height, width: job.width, channels: job.channels) {
      resizer.resize(source.pixels.span, job, into: &$0)
    }
  }

  /// Moves the pixels of the picture into their order, all of the source.
  package mutating func flatten() {
    resolveSize()
    guard isMirrored || region.height != source.height || region.width != source.width else {
      return
    }
    let window = window
    rewrite(extents) { source, target in
      let count = window.width * window.channels
      window.forEachRow { row, first in
        let line = row * count
        guard window.isMirrored else {
          for index in 0..<count { target[line &+ index] = source[first &+ index] }
          return
        }
        for column in 0..<window.width {
          let from = first &+ (window.width &- 1 &- column) &* window.channels
          let to = line &+ column &* window.channels
          for channel in 0..<window.channels { target[to &+ channel] = source[from &+ channel] }
        }
      }
    }
  }

  /// Which pixels of the source the picture shows.
  ///
  /// - Precondition: nothing is left to resize.
  package var window: PixelWindow {
    PixelWindow(
      row: region.row, column: region.column, height: height, width: width, channels: channels,
      sourceWidth: source.width, isMirrored: isMirrored)
  }

  /// Lends the source for reading.
  package func withPixels<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    source.pixels.withUnsafeBufferPointer(body)
  }

  /// Lends the pixels of the picture for writing, in their order.
  mutating func withMutablePixels<Result>(
    _ body: (UnsafeMutableBufferPointer<UInt8>) -> Result
  ) -> Result {
    flatten()
    return source.withMutablePixels { $0.withUnsafeMutableBufferPointer { body($0) } }
  }

  /// Writes the picture anew into the other buffer.
  ///
  /// - Parameters:
  ///   - extents: of what `body` writes.
  ///   - channels: of what `body` writes; `nil` for as many as the picture has.
  mutating func rewrite(
    _ extents: Extents, channels: Int? = nil,
    _ body: (UnsafeBufferPointer<UInt8>, UnsafeMutableBufferPointer<UInt8>) -> Void
  ) {
    Self.rewrite(source, &spare, extents, channels ?? self.channels, body)
    swap(&source, &spare)
    becomeWhole()
  }

  private static func rewrite(
    _ source: Image, _ target: inout Image, _ extents: Extents, _ channels: Int,
    _ body: (UnsafeBufferPointer<UInt8>, UnsafeMutableBufferPointer<UInt8>) -> Void
  ) {
    target.overwrite(height: extents.height, width: extents.width, channels: channels) { target in
      target.withUnsafeMutableBufferPointer { target in
        source.pixels.withUnsafeBufferPointer { body($0, target) }
      }
    }
  }

  private mutating func pad(row: Int, column: Int, to window: Extents, fill: Image.Color) {
    flatten()
    let (old, channels) = (extents, channels)
    let color = fill.components
    rewrite(window) { source, target in
      for line in 0..<window.height {
        for place in 0..<window.width {
          let to = (line * window.width + place) * channels
          let (y, x) = (line + row, place + column)
          let isInside = y >= 0 && y < old.height && x >= 0 && x < old.width
          let from = (y * old.width + x) * channels
          for channel in 0..<channels {
            target[to + channel] =
              isInside ? source[from + channel] : color.value(channel, of: channels)
          }
        }
      }
    }
  }

  /// Brings the picture to 1 or 3 channels, as ``Image/converted(toChannels:background:)`` does.
  package mutating func convert(toChannels channels: Int, background: Image.Color) {
    let old = self.channels
    guard channels != old else { return }
    flatten()
    rewrite(extents, channels: channels) { source, target in
      var span = target.mutableSpan
      Image.convert(
        source.span, channels: old, into: &span, channels: channels, background: background)
    }
  }

  /// The picture as it stands.
  package mutating func image() -> Image {
    flatten()
    return source
  }
}

extension Image.Color {
  /// The values of a pixel without an array.
  struct Components {
    var red: UInt8
    var green: UInt8
    var blue: UInt8
    var grey: UInt8

    /// - Parameter channels: 1, 3 or 4, of which the last is opaque.
    func value(_ channel: Int, of channels: Int) -> UInt8 {
      switch (channels, channel) {
      case (1, _): grey
      case (_, 0): red
      case (_, 1): green
      case (_, 2): blue
      default: 255
      }
    }
  }

  var components: Components {
    Components(red: red, green: green, blue: blue, grey: luminance)
  }
}

/// The pixels that a canvas shows of its source.
package struct PixelWindow: Hashable, Sendable {
  package var row: Int
  package var column: Int
  package var height: Int
  package var width: Int
  package var channels: Int
  package var sourceWidth: Int
  package var isMirrored: Bool

  package init(
    row: Int, column: Int, height: Int, width: Int, channels: Int, sourceWidth: Int,
    isMirrored: Bool
  ) {
    self.row = row
    self.column = column
    self.height = height
    self.width = width
    self.channels = channels
    self.sourceWidth = sourceWidth
    self.isMirrored = isMirrored
  }

  /// Calls `body` with each row of the window and where it begins in the source.
  package func forEachRow(_ body: (_ row: Int, _ first: Int) -> Void) {
    for line in 0..<height {
      body(line, ((row + line) * sourceWidth + column) * channels)
    }
  }
}
