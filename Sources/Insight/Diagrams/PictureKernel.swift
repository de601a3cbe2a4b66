import ConvNetFiles
public import ConvNetImages
import ConvNetReports
import Foundation

/// A small plane of weights that filters pictures, by name or by its numbers.
public struct PictureKernel: Hashable, Sendable {
  /// What it is called.
  public var name: String
  /// One kernel, or two across each other of whose results the length is taken.
  public var planes: [Plane]

  /// The rows and columns that a kernel may have.
  public static let limit = 31

  /// Kernels by name.
  public static let names = [
    "box", "gaussian", "sobel", "sobel-x", "sobel-y", "laplace", "sharpen", "emboss",
  ]

  /// A kernel by name (`box`, `gaussian` and the others of ``names``, the first two also with their side, `box9`), or of numbers
  /// with commas, rows with semicolons between them.
  ///
  /// - Throws: ``InsightError/setting(name:value:requirement:)``.
  public init(parsing text: String) throws(InsightError) {
    let sobel: [Float] = [-1, 0, 1, -2, 0, 2, -1, 0, 1]
    let turned: [Float] = [-1, -2, -1, 0, 0, 0, 1, 2, 1]
    func square(_ values: [Float]) -> Plane {
      let side = Int(Double(values.count).squareRoot().rounded())
      return Plane(height: side, width: side, values: values)
    }
    name = text
    let word = String(text.prefix { $0.isLetter || $0 == "-" })
    let side = Int(text.dropFirst(word.count))
    switch (word, side) {
    case ("box", _):
      let side = try Self.require(side ?? 5, text)
      planes = [square([Float](repeating: 1 / Float(side * side), count: side * side))]
    case ("gaussian", _):
      let side = try Self.require(side ?? 9, text)
      // Three deviations reach the edge.
      let deviation = max(0.5, Double(side) / 6)
      let line = (0..<side).map { place in
        let x = Double(place) - Double(side - 1) / 2
        return exp(-x * x / (2 * deviation * deviation))
      }
      let sum = line.reduce(0, +)
      planes = [square(line.flatMap { a in line.map { b in Float(a * b / (sum * sum)) } })]
    case ("sobel", nil): planes = [square(sobel), square(turned)]
    case ("sobel-x", nil): planes = [square(sobel)]
    case ("sobel-y", nil): planes = [square(turned)]
    case ("laplace", nil): planes = [square([0, 1, 0, 1, -4, 1, 0, 1, 0])]
    case ("sharpen", nil): planes = [square([0, -1, 0, -1, 5, -1, 0, -1, 0])]
    case ("emboss", nil): planes = [square([-2, -1, 0, -1, 1, 1, 0, 1, 2])]
    default:
      let rows = text.split(separator: ";", omittingEmptySubsequences: false).map { row in
        row.split(separator: ",", omittingEmptySubsequences: false)
          .map { Float(String($0.drop { $0 == " " })) }
      }
      let numbers = rows.joined().compactMap { $0 }
      let count = rows.map(\.count).max() ?? 0
      guard rows.allSatisfy({ $0.count == count }), numbers.count == rows.count * count,
        numbers.allSatisfy(\.isFinite)
      else {
        let nearest = nearestNames(to: text, among: Self.names)
        throw .setting(
          name: "the kernel", value: text,
          requirement: nearest.isEmpty
            ? "a name (\(Self.names.joined(separator: ", "))) or rows of as many numbers: 0,-1,0;-1,4,-1;0,-1,0"
            : "a name or numbers; did you mean \(nearest.joined(separator: " or "))?")
      }
      _ = try Self.require(max(rows.count, count), text)
      planes = [Plane(height: rows.count, width: count, values: numbers)]
    }
  }

  private static func require(_ side: Int, _ text: String) throws(InsightError) -> Int {
    guard 1...limit ~= side else {
      throw .setting(
        name: "the kernel", value: text, requirement: "of 1 to \(limit) rows and columns")
    }
    return side
  }

  /// A picture's brightness through the kernel, turned (convolution) and as it is (cross-correlation). Around the picture its
  /// edge pixels go on.
  public func filter(_ image: Image) -> FilteredPicture {
    let grey = image.converted(toChannels: 1)
    let plane = Plane(height: grey.height, width: grey.width, values: grey.pixels.map(Float.init))
    return FilteredPicture(
      picture: grey, convolution: result(plane, isTurned: true),
      crossCorrelation: result(plane, isTurned: false))
  }

  func result(_ plane: Plane, isTurned: Bool) -> Plane {
    let parts = planes.map { $0.correlated(with: plane, isTurned: isTurned) }
    guard parts.count == 2 else { return parts[0] }
    return Plane(
      height: plane.height, width: plane.width,
      values: zip(parts[0].values, parts[1].values).map { ($0 * $0 + $1 * $1).squareRoot() })
  }
}

extension Plane {
  /// The sum over the kernel's places of weight times the picture beneath, of the picture's extents.
  fileprivate func correlated(with picture: Plane, isTurned: Bool) -> Plane {
    let weights = isTurned ? values.reversed() : values
    let (above, left) =
      isTurned ? (height - 1 - height / 2, width - 1 - width / 2) : (height / 2, width / 2)
    // The picture with its edges gone on to both sides, so that each weight has a whole row beneath it.
    let stride = picture.width + width - 1
    let lines = (0..<picture.height).flatMap { row in
      (0..<stride).map { picture[row, max(0, min(picture.width - 1, $0 - left))] }
    }
    var result = [Float](repeating: 0, count: picture.values.count)
    lines.withUnsafeBufferPointer { lines in
      result.withUnsafeMutableBufferPointer { result in
        for row in 0..<picture.height {
          for m in 0..<height {
            let line = max(0, min(picture.height - 1, row + m - above)) * stride
            for n in 0..<width {
              let weight = weights[m * width + n]
              for column in 0..<picture.width {
                result[row * picture.width + column] += weight * lines[line + n + column]
              }
            }
          }
        }
      }
    }
    return Plane(height: picture.height, width: picture.width, values: result)
  }
}

/// A picture and what a kernel makes of its brightness, from 0 to 255.
public struct FilteredPicture: Hashable, Sendable {
  /// The picture, grey.
  public var picture: Image
  /// Through the turned kernel.
  public var convolution: Plane
  /// Through the kernel as it is.
  public var crossCorrelation: Plane

  /// The largest difference of the two.
  public var largestDifference: Double {
    zip(convolution.values, crossCorrelation.values)
      .reduce(0) { max($0, Double(abs($1.0 - $1.1))) }
  }
}

extension PictureSheet {
  /// A picture beside what a kernel makes of it.
  public init(_ filtered: FilteredPicture, kernel: PictureKernel, name: String) {
    let planes = [filtered.convolution, filtered.crossCorrelation]
    let isSigned = planes.contains { $0.bounds.lowest < -0.5 }
    let unit = planes.map(\.largestMagnitude).max() ?? 0
    let scale: ColorScale = isSigned ? .signed : .grey
    let differ = filtered.largestDifference
    self.init(
      "\(kernel.name) over a picture",
      subtitle:
        "\(name): kernel \(kernel.planes.map { "\($0.height)x\($0.width)" }.joined(separator: " and "))"
        + (kernel.planes.count > 1 ? ", the length of both results" : "")
        + (differ < 1e-3
          ? "; symmetric, so that turning it changes nothing"
          : "; turning it changes up to \(HumanReadable.plain(differ))"),
      panels: [
        Panel(filtered.picture, "the picture"),
        Panel(filtered.convolution.image(scale, unit: unit), "convolution"),
        Panel(filtered.crossCorrelation.image(scale, unit: unit), "cross-correlation"),
      ], columns: 3, side: 256,
      legend: ColorLegend(
        scale, title: "brightness", lowest: isSigned ? Double(-unit) : 0, highest: Double(unit)))
  }
}

/// A picture and the same moved to the right, through a kernel and max pooling.
public struct PictureShift: Hashable, Sendable {
  /// What a picture becomes.
  public struct Stages: Hashable, Sendable {
    /// The picture's brightness.
    public var input: Plane
    /// Through the kernel.
    public var convolved: Plane
    /// The largest in each window, whose stride is one.
    public var pooled: Plane
  }

  /// The kernel's name.
  public var kernel: String
  /// Pixels of a side of the pooling's window.
  public var window: Int
  /// Pixels that the picture moved by.
  public var shift: Int
  /// Before.
  public var before: Stages
  /// Moved.
  public var after: Stages

  /// A picture through both.
  ///
  /// - Throws: ``InsightError`` where window or shift do not fit the picture.
  public init(_ image: Image, kernel: PictureKernel, window: Int = 3, shift: Int)
    throws(InsightError)
  {
    guard 0..<image.width ~= shift else {
      throw .setting(
        name: "the shift", value: "\(shift)", requirement: "from 0 to \(image.width - 1)")
    }
    guard 1...min(image.height, image.width) ~= window else {
      throw .setting(
        name: "the window", value: "\(window)",
        requirement: "from 1 to \(min(image.height, image.width))")
    }
    let grey = image.converted(toChannels: 1)
    let plane = Plane(height: grey.height, width: grey.width, values: grey.pixels.map(Float.init))
    var moved = plane
    for row in 0..<plane.height {
      for column in 0..<plane.width { moved[row, column] = plane[row, max(0, column - shift)] }
    }
    func stages(_ input: Plane) -> Stages {
      let convolved = kernel.result(input, isTurned: false)
      return Stages(input: input, convolved: convolved, pooled: convolved.maximum(window: window))
    }
    (self.kernel, self.window, self.shift) = (kernel.name, window, shift)
    (before, after) = (stages(plane), stages(moved))
  }

  /// The mean change of each stage through its mean magnitude: a ratio, above 1 where what is there moves away from where it was.
  public var changed: (input: Double, convolved: Double, pooled: Double) {
    func share(_ first: Plane, _ second: Plane) -> Double {
      let change = zip(first.values, second.values).reduce(0.0) { $0 + Double(abs($1.0 - $1.1)) }
      let size = first.values.reduce(0.0) { $0 + Double(abs($1)) }
      return size > 0 ? change / size : 0
    }
    return (
      share(before.input, after.input), share(before.convolved, after.convolved),
      share(before.pooled, after.pooled)
    )
  }

  /// The share of the convolution's results that are those from before, `shift` further on, where the edge is not in sight.
  public var moved: Double {
    let plane = before.convolved
    let margin = PictureKernel.limit / 2
    var (equal, count) = (0, 0)
    for row in 0..<plane.height {
      for column in 0..<plane.width - shift
      where column >= min(margin, plane.width / 4)
        && column + shift < plane.width - min(margin, plane.width / 4)
      {
        count += 1
        if plane[row, column] == after.convolved[row, column + shift] { equal += 1 }
      }
    }
    return count > 0 ? Double(equal) / Double(count) : 1
  }
}

extension Plane {
  /// The largest in each window around a place.
  fileprivate func maximum(window: Int) -> Plane {
    var result = self
    for row in 0..<height {
      for column in 0..<width {
        var largest = -Float.infinity
        for y in max(0, row - window / 2)..<min(height, row - window / 2 + window) {
          for x in max(0, column - window / 2)..<min(width, column - window / 2 + window) {
            largest = max(largest, self[y, x])
          }
        }
        result[row, column] = largest
      }
    }
    return result
  }
}

extension PictureSheet {
  /// A picture's stages before and after it moved.
  public init(_ study: PictureShift, name: String) {
    let results = [
      study.before.convolved, study.after.convolved, study.before.pooled, study.after.pooled,
    ]
    let unit = results.map(\.largestMagnitude).max() ?? 0
    let isSigned = results.contains { $0.bounds.lowest < -0.5 }
    let scale: ColorScale = isSigned ? .signed : .grey
    let changed = study.changed
    let rows = [("before", study.before), ("moved by \(study.shift)", study.after)]
    self.init(
      "A picture moved by \(study.shift) pixels through \(study.kernel) and max pooling",
      subtitle:
        "\(name): mean change / mean magnitude \(HumanReadable.fixed(changed.input, digits: 2)) of the input, \(HumanReadable.fixed(changed.convolved, digits: 2)) after the kernel, \(HumanReadable.fixed(changed.pooled, digits: 2)) after pooling\n\(HumanReadable.percent(study.moved)) of the kernel's results are those from before, \(study.shift) further on",
      panels: rows.flatMap { text, stages in
        [
          Panel(stages.input.image(.grey, unit: 255), "picture, \(text)"),
          Panel(stages.convolved.image(scale, unit: unit), "through \(study.kernel)"),
          Panel(
            stages.pooled.image(scale, unit: unit), "max pooling \(study.window)x\(study.window)"),
        ]
      }, columns: 3, side: 224,
      legend: ColorLegend(
        scale, title: "result", lowest: isSigned ? Double(-unit) : 0, highest: Double(unit)))
  }
}
