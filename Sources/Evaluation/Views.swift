public import ConvNetFiles
public import ConvNetImages
import ConvNetTensors

/// What of a picture a network is shown, and how its answers become one: the protocol of a score, as a value.
///
/// ```swift
/// var views = Views("mine", scales: [.shorterSide(256), .shorterSide(288)], squares: .three, windows: [.corners, .center])
/// views.average = .logits
/// ```
///
/// In every part the picture is resized to each scale, squares are taken of it, windows of these, and all of
/// that once more of the
/// picture's reflection. Reflected is the picture, before anything is cut out of it, as in torchvision's `TenCrop`. The views
/// of a part count alike, and so do parts.
public struct Views: Hashable, Sendable, Codable {
  /// To what a picture is resized first.
  public enum Scale: Hashable, Sendable, Codable {
    /// The shorter side to so many pixels, in proportion.
    case shorterSide(Int)
    /// It keeps its size.
    case original
    /// As the model's file says, crop or padding included: one view, whatever the squares and windows.
    case prepared
  }

  /// What of the resized picture windows are taken of.
  public enum Squares: Int, Hashable, Sendable, Codable, CaseIterable {
    /// All of it.
    case none = 0
    /// The square in the middle.
    case center = 1
    /// The left, middle and right one; of a picture that is higher than wide the upper, middle and lower one.
    case three = 3
  }

  /// What a network is given.
  public enum Window: Hashable, Sendable, Codable {
    /// Four windows of the input's size, in the corners: upper left, upper right, lower left, lower right.
    case corners
    /// A window of the input's size in the middle.
    case center
    /// So many windows of the input's size a side, evenly spaced from edge to edge.
    case grid(Int)
    /// The whole, resized to the input's size.
    case whole
    /// The whole as it is: the network is applied to pictures of any size, fully connected layers as convolutions, and its class
    /// maps are averaged over their positions before softmax.
    case dense

    /// Windows of each square.
    var count: Int {
      switch self {
      case .corners: 4
      case .center, .whole, .dense: 1
      case .grid(let side): side * side
      }
    }
  }

  /// Views that count alike.
  public struct Part: Hashable, Sendable, Codable {
    /// Each gives as many views.
    public var scales: [Scale]
    /// What windows are taken of.
    public var squares: Squares
    /// In this order, of every square.
    public var windows: [Window]
    /// Whether all of it is taken of the reflected picture as well.
    public var reflects: Bool

    /// A part of these views.
    public init(
      scales: [Scale], squares: Squares = .none, windows: [Window], reflects: Bool = false
    ) {
      self.scales = scales
      self.squares = squares
      self.windows = windows
      self.reflects = reflects
    }

    /// Forward passes of a picture.
    public var count: Int {
      let perScale = max(1, squares.rawValue) * windows.reduce(0) { $0 + $1.count }
      return scales.reduce(0) { $0 + ($1 == .prepared ? 1 : perScale) } * (reflects ? 2 : 1)
    }
  }

  /// Of what the mean over views is.
  public enum Average: String, Hashable, Sendable, Codable, CaseIterable {
    /// Of the probabilities, after softmax.
    case probabilities
    /// Of the network's scores, before it.
    case logits
  }

  /// By which scores call it.
  public var name: String
  /// Their means are averaged.
  public var parts: [Part]
  /// Of what the mean is.
  public var average: Average

  /// A protocol of these parts.
  public init(_ name: String, _ parts: [Part], average: Average = .probabilities) {
    self.name = name
    self.parts = parts
    self.average = average
  }

  /// A protocol of one part.
  public init(
    _ name: String, scales: [Scale], squares: Squares = .none, windows: [Window],
    reflects: Bool = false, average: Average = .probabilities
  ) {
    self.init(
      name, [Part(scales: scales, squares: squares, windows: windows, reflects: reflects)],
      average: average)
  }

  /// Forward passes of a picture.
  public var count: Int { parts.reduce(0) { $0 + $1.count } }

  /// Whether a network must take pictures of any size.
  public var needsWholePictures: Bool { parts.contains { $0.windows.contains(.dense) } }

  /// Pixels that a resized picture may have where all of it is looked at: 2^25, of 256 rows 131,072 columns.
  public static let pixelLimit = 1 << 25
}

/// One view of a picture: which part of it, resized or not, a network is given.
public struct View: Hashable, Sendable {
  /// The extents that the picture is resized to.
  public var height: Int
  /// The width that the picture is resized to.
  public var width: Int
  /// What is cut out of the resized picture, or of its reflection.
  public var region: ImageRegion
  /// The height that the network is given: that of the region, or what the region is resized to.
  public var viewHeight: Int
  /// The width that the network is given.
  public var viewWidth: Int
  /// Whether the picture is reflected first.
  public var isReflected: Bool
  /// Whether the picture is prepared as the model's file says, and nothing else counts.
  public var isPrepared: Bool
  /// Its share in the mean over all views.
  public var weight: Double
  /// What it shows, in a few letters.
  public var name: String

  /// The same part in columns of the picture that is not reflected.
  package var uprightRegion: ImageRegion {
    guard isReflected else { return region }
    var region = region
    region.column = width - region.column - region.width
    return region
  }
}

extension Views {
  /// The views of a picture, in order: parts, scales, reflection, squares, windows.
  ///
  /// - Parameters:
  ///   - height: of the picture.
  ///   - width: of the picture.
  ///   - input: of the network, to which windows are cut.
  /// - Throws: ``ViewsError`` where a window is larger than what it is cut out of, or the resized picture too large.
  public func views(
    ofHeight height: Int, width: Int, input: Preprocessing
  ) throws(ViewsError) -> [View] {
    try validate()
    var result: [View] = []
    for part in parts {
      let weight = 1 / (Double(parts.count) * Double(part.count))
      for scale in part.scales {
        let size = Self.extents(of: Extents(height: height, width: width), scale)
        for isReflected in part.reflects ? [false, true] : [false] {
          var view = View(
            height: size.height, width: size.width,
            region: .all(height: size.height, width: size.width), viewHeight: input.height,
            viewWidth: input.width, isReflected: isReflected, isPrepared: scale == .prepared,
            weight: weight, name: "")
          let words =
            (scale.description.isEmpty ? [] : [scale.description])
            + (isReflected ? ["reflected"] : [])
          if scale == .prepared {
            view.name = (["prepared"] + words).joined(separator: " ")
            result.append(view)
            continue
          }
          for (name, square) in part.squares.regions(of: size) {
            for window in part.windows {
              for (place, region) in try window.regions(
                of: square, input: input, protocolName: self.name)
              {
                view.region = region
                view.name = (words + [name, place].filter { !$0.isEmpty }).joined(separator: " ")
                if window == .dense {
                  view.viewHeight = region.height
                  view.viewWidth = region.width
                  let pixels = region.height.multipliedReportingOverflow(by: region.width)
                  guard !pixels.overflow, pixels.partialValue <= Self.pixelLimit else {
                    throw .tooLarge(height: region.height, width: region.width)
                  }
                } else {
                  view.viewHeight = input.height
                  view.viewWidth = input.width
                }
                result.append(view)
              }
            }
          }
        }
      }
    }
    return result
  }

  private static func extents(of picture: Extents, _ scale: Scale) -> Extents {
    switch scale {
    case .shorterSide(let side): PictureFitting.extents(of: picture, shorterSide: side)
    case .original, .prepared: picture
    }
  }

  /// - Throws: ``ViewsError`` where there is no view, or a number is out of its range.
  public func validate() throws(ViewsError) {
    guard !parts.isEmpty, parts.allSatisfy({ $0.count > 0 }) else { throw .none(name) }
    for part in parts {
      for case .shorterSide(let side) in part.scales where !(1...1 << 14 ~= side) {
        throw .scale(side)
      }
      for case .grid(let side) in part.windows where !(1...32 ~= side) { throw .grid(side) }
    }
    guard count <= 1 << 12 else { throw .tooMany(count) }
  }
}

extension Views.Squares {
  /// What is taken of a picture of these extents, with names.
  fileprivate func regions(of size: Extents) -> [(name: String, region: ImageRegion)] {
    let side = min(size.height, size.width)
    let isWide = size.width >= size.height
    func square(_ offset: Int) -> ImageRegion {
      ImageRegion(
        row: isWide ? 0 : offset, column: isWide ? offset : 0, height: side, width: side)
    }
    let rest = max(size.height, size.width) - side
    let middle = square(PictureFitting.centerOffset(of: side, in: side + rest))
    return switch self {
    case .none: [("", .all(height: size.height, width: size.width))]
    case .center: [("", middle)]
    case .three:
      [
        (isWide ? "left" : "upper", square(0)), ("middle", middle),
        (isWide ? "right" : "lower", square(rest)),
      ]
    }
  }
}

extension Views.Window {
  /// - Parameter square: what it is taken of.
  fileprivate func regions(
    of square: ImageRegion, input: Preprocessing, protocolName: String
  ) throws(ViewsError) -> [(name: String, region: ImageRegion)] {
    switch self {
    case .whole: return [("whole", square)]
    case .dense: return [("all", square)]
    case .corners, .center, .grid: break
    }
    let (rows, columns) = (square.height - input.height, square.width - input.width)
    guard rows >= 0, columns >= 0 else {
      throw .windowTooLarge(
        protocolName, window: [input.height, input.width], whole: [square.height, square.width])
    }
    func window(_ row: Int, _ column: Int) -> ImageRegion {
      ImageRegion(
        row: square.row + row, column: square.column + column, height: input.height,
        width: input.width)
    }
    switch self {
    case .corners:
      return [
        ("upper left", window(0, 0)), ("upper right", window(0, columns)),
        ("lower left", window(rows, 0)), ("lower right", window(rows, columns)),
      ]
    case .grid(let side):
      func place(_ index: Int, _ rest: Int) -> Int {
        side == 1
          ? PictureFitting.centerOffset(of: 0, in: rest)
          : Int((Double(rest * index) / Double(side - 1)).rounded(.toNearestOrEven))
      }
      return (0..<side).flatMap { row in
        (0..<side).map { column in
          ("\(row + 1),\(column + 1)", window(place(row, rows), place(column, columns)))
        }
      }
    default:
      return [
        (
          "center",
          window(
            PictureFitting.centerOffset(of: input.height, in: square.height),
            PictureFitting.centerOffset(of: input.width, in: square.width))
        )
      ]
    }
  }
}

extension Views.Scale: CustomStringConvertible {
  /// Nothing where the picture keeps its size.
  public var description: String {
    if case .shorterSide(let side) = self { "\(side)" } else { "" }
  }
}

extension Views: CustomStringConvertible {
  /// One line for the protocol of a score: scales, squares, windows, reflections, number and mean.
  public var description: String {
    if parts == [Part(scales: [.prepared], windows: [.whole])] { return "one view" }
    let text = parts.map { part in
      var words: [String] = []
      let sides = part.scales.map(\.description).filter { !$0.isEmpty }
      if !sides.isEmpty {
        words.append("shorter side \(sides.joined(separator: ", "))")
      }
      if part.scales.contains(.prepared) {
        words.append("as the model prepares pictures")
      } else {
        if part.squares != .none {
          words.append(part.squares == .center ? "central square" : "three squares")
        }
        words += part.windows.map { window in
          switch window {
          case .corners: "corners"
          case .center: "center"
          case .grid(let side): "\(side)x\(side) grid"
          case .whole: "whole, squashed"
          case .dense: "whole, dense, class map averaged before softmax"
          }
        }
      }
      if part.reflects { words.append("reflections") }
      return words.joined(separator: ", ")
    }
    return "\(name): \(text.joined(separator: "; and ")); \(plural(count, "view")) a picture"
      + (count > 1 ? ", \(average.rawValue) averaged" : "")
  }
}

/// Why a protocol does not fit a network or a picture.
public enum ViewsError: Error, Hashable, Sendable {
  /// There is no protocol of that name. The nearest that are.
  case unknown(String, nearest: [String])
  /// A protocol without views.
  case none(String)
  /// More than 4,096 views a picture.
  case tooMany(Int)
  /// A shorter side that is not from 1 to 16,384.
  case scale(Int)
  /// A grid that is not from 1 to 32 windows a side.
  case grid(Int)
  /// A window is larger than what it is cut out of: heights and widths.
  case windowTooLarge(String, window: [Int], whole: [Int])
  /// A resized picture of more than ``Views/pixelLimit`` pixels.
  case tooLarge(height: Int, width: Int)
  /// A network is not applied to a picture of this size, which is too small for it.
  case tooSmall(model: String, height: Int, width: Int)
  /// A mean picture fits one size only.
  case meanPicture(model: String)
}

extension ViewsError: ReadableError {
  public var description: String {
    switch self {
    case .unknown(let name, let nearest):
      "unknown protocol \(name); "
        + (nearest.isEmpty
          ? "there are \(Views.names.joined(separator: ", "))"
          : "did you mean \(nearest.joined(separator: " or "))?")
    case .none(let name): "\(name) shows no view of a picture; give it a scale and a window"
    case .tooMany(let count): "\(count) views of a picture are more than 4096; take fewer"
    case .scale(let side): "a shorter side of \(side) pixels is not from 1 to 16384"
    case .grid(let side): "a grid of \(side) windows a side is not from 1 to 32"
    case .windowTooLarge(let name, let window, let whole):
      "\(name) cuts \(window[0])x\(window[1]), the network's input, out of \(whole[0])x\(whole[1]); take a larger scale"
    case .tooLarge(let height, let width):
      "resized it has \(height)x\(width) pixels, more than the \(Views.pixelLimit) that a view may have; take a smaller scale, or "
        + "crops"
    case .tooSmall(let model, let height, let width):
      "\(model) cannot be applied to \(height)x\(width) pixels, which are too few; take a larger scale"
    case .meanPicture(let model):
      "\(model) has a mean picture subtracted, which has one size, and the protocol shows pictures of any; use crops"
    }
  }
}
