import CImages

/// Resizes one picture after another. It keeps the weights of recent sizes and its scratch memory,
/// so that nothing is allocated once it has seen pictures as large.
///
/// Each new pixel is a weighted mean over the window that the filter spans on the old grid, along
/// the rows and along the columns, in fixed point and rounded to eight bits after each. This is the
/// method of Pillow's `Image.resize`, and gives what version 13 of it gives, bit for bit. Rows are
/// resized first, except where a picture loses more than twice as many rows as columns. (Before
/// version 13 that exception did not exist; the results differ by a level or two where bicubic and
/// Lanczos overshoot.)
///
/// ```swift
/// var resizer = Resizer(filter: .bicubic)
/// var small = Image(height: 1, width: 1, color: .black)
/// for image in images { resizer.resize(image, height: 224, width: 224, into: &small) }
/// ```
public struct Resizer: Sendable {
  /// How pixels around a point weigh.
  public var filter: ResizingFilter
  private var axes: [ResizingAxis] = []
  /// When each was last used.
  private var uses: [Int] = []
  private var useCount = 0
  private var scratch: [UInt8] = []
  /// Colors times alpha, of a picture that has alpha.
  private var premultiplied: [UInt8] = []

  /// Tables that are kept: a table has a few kilobytes.
  private static let axisLimit = 16

  /// A resizer without tables yet: each pair of extents makes one, and the last few are kept.
  public init(filter: ResizingFilter = .bilinear) { self.filter = filter }

  /// Resizes a picture, or a part of it.
  ///
  /// - Parameters:
  ///   - image: of any channels; colors are weighed by their alpha.
  ///   - height: of the result, at least 1.
  ///   - width: of the result, at least 1.
  ///   - region: the part of the picture that is looked at, as if it had been cut out before; `nil`
  ///     for all.
  ///   - box: the part of the region that fills the result. Pixels of the region outside the box
  ///     weigh in near its edges. `nil` for all. Pillow's argument `box`.
  ///   - result: is overwritten, its memory used again.
  /// - Precondition: the extents are positive, the region lies in the picture, the box in the region.
  public mutating func resize(
    _ image: Image, height: Int, width: Int, region: ImageRegion? = nil, box: ImageBox? = nil,
    into result: inout Image
  ) {
    let job = ResizingJob(
      sourceHeight: image.height, sourceWidth: image.width, channels: image.channels,
      height: height, width: width, region: region, box: box)
    result.overwrite(height: height, width: width, channels: image.channels) { target in
      guard image.channels == 4 else {
        resize(image.pixels.span, job, into: &target)
        return
      }
      resizeWithAlpha(image, job, into: &target)
    }
  }

  private mutating func resizeWithAlpha(
    _ image: Image, _ job: ResizingJob, into target: inout MutableSpan<UInt8>
  ) {
    var colors: [UInt8] = []
    swap(&colors, &premultiplied)
    colors.resize(to: image.pixels.count)
    colors.withUnsafeMutableBufferPointer { colors in
      _ = colors.update(from: image.pixels)
      ci_premultiply(colors.baseAddress, colors.count / 4)
    }
    resize(colors.span, job, into: &target)
    swap(&colors, &premultiplied)
    target.withUnsafeMutableBufferPointer { ci_unpremultiply($0.baseAddress, $0.count / 4) }
  }

  /// Resizes values in order [H, W, C], every channel by itself.
  ///
  /// - Precondition: `pixels` are the job's picture, and `target` has room for its result.
  package mutating func resize(
    _ pixels: Span<UInt8>, _ job: ResizingJob, into target: inout MutableSpan<UInt8>
  ) {
    precondition(pixels.count == job.sourceCount && target.count == job.targetCount)
    let vertical = job.verticalKey(filter).map { axis(for: $0) }
    let horizontal = job.horizontalKey(filter).map { axis(for: $0) }
    // Taken out, so that it can be written while the tables are read.
    var scratch: [UInt8] = []
    swap(&scratch, &self.scratch)
    defer { swap(&scratch, &self.scratch) }
    pixels.withUnsafeBufferPointer { pixels in
      target.withUnsafeMutableBufferPointer { target in
        Self.withAxis(vertical) { vertical in
          Self.withAxis(horizontal) { horizontal in
            var work = ci_resizing(
              source: pixels.baseAddress.map { $0 + job.sourceOffset },
              height: job.region.height, width: job.region.width, channels: job.channels,
              stride: job.sourceWidth * job.channels, vertical: vertical, horizontal: horizontal,
              vertical_first: job.isVerticalFirst ? 1 : 0, target: target.baseAddress)
            let needed = ci_resizing_scratch(&work)
            if scratch.count < needed { scratch.resize(to: needed) }
            scratch.withUnsafeMutableBufferPointer { ci_resize(&work, $0.baseAddress) }
          }
        }
      }
    }
  }

  /// The table for a key, from the kept ones or made in the place of the one that was not used for
  /// longest.
  private mutating func axis(for key: ResizingAxis.Key) -> ResizingAxis {
    useCount += 1
    if let index = axes.firstIndex(where: { $0.key == key }) {
      uses[index] = useCount
      return axes[index]
    }
    var index = axes.count
    if index < Self.axisLimit {
      axes.append(ResizingAxis())
      uses.append(useCount)
    } else {
      index = uses.indices.min { uses[$0] < uses[$1] } ?? 0
      uses[index] = useCount
    }
    axes[index].prepare(key)
    return axes[index]
  }

  private static func withAxis(
    _ axis: ResizingAxis?, _ body: (UnsafePointer<ci_axis>?) -> Void
  ) {
    guard let axis else { return body(nil) }
    axis.starts.withUnsafeBufferPointer { starts in
      axis.weights.withUnsafeBufferPointer { weights in
        var lent = ci_axis(
          count: starts.count, taps: axis.taps, starts: starts.baseAddress,
          weights: weights.baseAddress)
        body(&lent)
      }
    }
  }
}
