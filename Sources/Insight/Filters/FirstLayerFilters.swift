import ConvNetFiles
import ConvNetGraphs
public import ConvNetImages
import ConvNetInference
public import ConvNetLayers
public import ConvNetReports
public import ConvNetTensors
import Foundation

/// The kernels of a convolution that reads pictures, one an output channel, and the Gabor functions nearest to them.
public struct FirstLayerFilters: Sendable {
  /// One kernel.
  public struct Filter: Hashable, Sendable {
    /// The output channel.
    public var index: Int
    /// One plane an input channel.
    public var channels: [Plane]
    /// The direction in the input's channels along which the kernel varies most: the plane of it, by which it is compared with a
    /// Gabor function.
    public var principal: Plane
    /// The share of the kernel's energy in that plane, from 0 to 1.
    public var principalShare: Double
    /// `nil` where the kernel is too small for one, or all the same.
    public var fit: GaborFit?
  }

  /// What the kernels are of.
  public var name: String
  /// In the order of the channels.
  public var filters: [Filter]

  /// The kernels of a tensor [output channels, input channels, height, width].
  ///
  /// - Parameter progress: told of the kernels that are fitted.
  /// - Throws: ``InsightError/noLayer(model:kind:)`` where the tensor has other axes.
  public init(
    _ kernels: Tensor, name: String, fitting: Bool = true,
    progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws {
    guard kernels.shape.rank == 4, kernels.elementType == .float32, kernels.count > 0 else {
      throw InsightError.noLayer(
        model: "\(name), of shape \(kernels.shape),",
        kind: "kernels: they have output channels, input channels, height and width")
    }
    self.name = name
    filters = []
    for index in 0..<kernels.shape[0] {
      let channels = Plane.all(of: kernels, example: index)
      let (principal, share) = Self.principal(channels)
      filters.append(
        Filter(
          index: index, channels: channels, principal: principal, principalShare: share,
          fit: fitting ? GaborFit(to: principal) : nil))
      try progress(index + 1, kernels.shape[0])
    }
  }

  /// Of the first convolution of a network that reads its input, or of one by the name of its layer.
  ///
  /// - Throws: ``InferenceError/unknownValue(name:model:nearest:)``, ``InsightError/noLayer(model:kind:)``,
  ///   ``InsightError/noKernels(layer:model:convolutions:)`` for a layer that is no convolution.
  public init(
    of model: Model, layer: String? = nil, fitting: Bool = true,
    progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws {
    let convolutions = model.graph.operations.filter {
      $0.attributes is ConvNetGraphs.Operation.Convolution
    }
    let inputs = Set(model.graph.inputs)
    let chosen: ConvNetGraphs.Operation
    if let layer {
      guard let found = convolutions.first(where: { $0.name == layer }) else {
        let isThere =
          model.graph.operations.contains { $0.name == layer }
          || model.graph.value(named: layer) != nil
        if isThere {
          throw InsightError.noKernels(
            layer: layer, model: model.graph.name, convolutions: convolutions.map(\.name))
        }
        throw InferenceError.unknownValue(
          name: layer, model: model.graph.name,
          nearest: nearestNames(to: layer, among: convolutions.map(\.name)))
      }
      chosen = found
    } else {
      guard
        let found = convolutions.first(where: { inputs.contains($0.inputs[0]) })
          ?? convolutions.first
      else {
        throw InsightError.noLayer(model: model.graph.name, kind: "convolution")
      }
      chosen = found
    }
    let name = model.graph[chosen.inputs[1]].name
    guard let kernels = model.parameters[name] else {
      throw InsightError.noLayer(model: model.graph.name, kind: "numbers for \(name)")
    }
    try self.init(
      kernels, name: "\(chosen.name) of \(model.graph.name)", fitting: fitting, progress: progress)
  }

  /// The first principal component of the channels' planes over each other, by the power method.
  private static func principal(_ channels: [Plane]) -> (Plane, Double) {
    guard channels.count > 1 else { return (channels[0], 1) }
    let count = channels.count
    var products = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
    for i in 0..<count {
      for j in 0...i {
        let sum = zip(channels[i].values, channels[j].values)
          .reduce(0) { $0 + Double($1.0) * Double($1.1) }
        (products[i][j], products[j][i]) = (sum, sum)
      }
    }
    var direction = [Double](repeating: 1, count: count)
    for _ in 0..<200 {
      let next = products.map { row in zip(row, direction).reduce(0) { $0 + $1.0 * $1.1 } }
      let length = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard length > 0 else { break }
      direction = next.map { $0 / length }
    }
    let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
    direction = direction.map { $0 / length }
    // Positive numbers are brighter.
    if direction.reduce(0, +) < 0 { direction = direction.map { -$0 } }
    let values = channels[0].values.indices.map { place in
      Float(zip(direction, channels).reduce(0) { $0 + $1.0 * Double($1.1.values[place]) })
    }
    let energy = (0..<count).reduce(0) { $0 + products[$1][$1] }
    let own = values.reduce(0) { $0 + Double($1) * Double($1) }
    return (
      Plane(height: channels[0].height, width: channels[0].width, values: values),
      energy > 0 ? min(1, own / energy) : 1
    )
  }

  /// Whether the kernels have more numbers than a Gabor function has parameters.
  public var areLargeEnough: Bool {
    filters.first.map { $0.principal.values.count > GaborFit.parameterCount } ?? false
  }

  /// In waves a pixel: a function below it is a bell, whose wave no kernel is large enough to show.
  private static let leastFrequency = 0.01

  /// Those that are a Gabor function for the most part: of more than 0.01 waves a pixel.
  ///
  /// - Parameter least: the share of the variance that the function explains at least.
  public func gaborLike(least: Double = 0.7) -> [Filter] {
    explained(least: least).filter { $0.fit?.function.frequency ?? 0 > Self.leastFrequency }
  }

  /// Those that are a bell without a wave for the most part: explained as well, by functions of fewer waves.
  ///
  /// - Parameter least: the share of the variance that the function explains at least.
  public func bells(least: Double = 0.7) -> [Filter] {
    explained(least: least).filter { $0.fit?.function.frequency ?? 0 <= Self.leastFrequency }
  }

  private func explained(least: Double) -> [Filter] {
    filters.filter { $0.fit.map { $0.explained >= least } ?? false }
  }
}

// MARK: - Pictures

extension FirstLayerFilters.Filter {
  /// The kernel as a picture: its colors where it has three channels, else the principal plane; grey is zero.
  public var image: Image {
    if channels.count == 3 {
      let unit = channels.map(\.largestMagnitude).max() ?? 0
      let pixels = channels[0].values.indices.flatMap { place in
        channels.map { Self.level($0.values[place], unit) }
      }
      return Image(
        height: channels[0].height, width: channels[0].width, channels: 3, pixels: pixels)
    }
    return Self.grey(principal)
  }

  static func grey(_ plane: Plane) -> Image {
    let unit = plane.largestMagnitude
    return Image(
      height: plane.height, width: plane.width, channels: 1,
      pixels: plane.values.map { level($0, unit) })
  }

  private static func level(_ value: Float, _ unit: Float) -> UInt8 {
    guard unit > 0, value.isFinite else { return 128 }
    return UInt8(max(0, min(255, (127.5 + 127.5 * value / unit).rounded())))
  }
}

extension FirstLayerFilters {
  /// The kernels side by side, and, where they are fitted, beside each the Gabor function.
  ///
  /// - Parameter limit: kernels to show at most, the first.
  public func sheet(limit: Int = 96) -> PictureSheet {
    let shown = filters.prefix(limit)
    let isFitted = shown.contains { $0.fit != nil }
    let kernel = filters[0].principal
    let panels = shown.map { filter -> PictureSheet.Panel in
      guard isFitted else { return .init(filter.image, "\(filter.index)") }
      let images =
        [filter.image.converted(toChannels: 3)]
        + (filter.channels.count == 1
          ? [] : [Filter.grey(filter.principal).converted(toChannels: 3)])
        + [
          filter.fit.map { fit in
            Filter.grey(fit.function.plane(height: kernel.height, width: kernel.width))
              .converted(toChannels: 3)
          } ?? Image(height: kernel.height, width: kernel.width, color: .init(grey: 128))
        ]
      let text = filter.fit.map { fit in
        let degrees = Int((fit.function.orientation * 180 / .pi).rounded()) % 180
        return "\(filter.index): \(HumanReadable.percent(fit.explained, digits: 0)), \(degrees)°"
      }
      return .init(Self.row(images), text ?? "\(filter.index)")
    }
    let count = filters.count
    return PictureSheet(
      "Kernels of \(name)",
      subtitle:
        "\(shown.count) of \(count) kernels of \(kernel.height)x\(kernel.width); grey is zero"
        + (isFitted
          ? "\neach beside "
            + (filters[0].channels.count > 1 ? "its principal plane and " : "")
            + "the Gabor function nearest to it: share of the variance explained, direction of the wave"
          : ""),
      panels: panels, columns: isFitted ? 6 : 12, side: isFitted ? 150 : 60)
  }

  /// Pictures of one height side by side, a pixel apart.
  private static func row(_ images: [Image]) -> Image {
    let width = images.reduce(0) { $0 + $1.width } + images.count - 1
    var result = Image(height: images[0].height, width: width, color: .white)
    var left = 0
    for image in images {
      result.draw(image, row: 0, column: left)
      left += image.width + 1
    }
    return result
  }

  /// What the kernels that are Gabor functions have in common. How many waves lie in the bell along and across each: where cells
  /// of the visual cortex were measured, they lie near a line
  /// from zero, and few have both numbers large (D. Ringach, "Spatial structure and symmetry of simple-cell receptive fields in
  /// macaque primary visual cortex", 2002, figure 4).
  public func statistics(least: Double = 0.7) -> GaborStatistics {
    GaborStatistics(
      name: name, total: filters.count, fits: gaborLike(least: least).compactMap(\.fit),
      least: least, areLargeEnough: areLargeEnough, bellCount: bells(least: least).count)
  }

  /// A row for each kernel: parameters of the function, and how well it fits.
  public var csv: String {
    let head =
      "filter,explained,principal_share,orientation_degrees,frequency_cycles_per_pixel,phase_degrees,along_wave_pixels,across_wave_pixels,aspect,bandwidth_octaves,x,y,amplitude,offset\n"
    func text(_ value: Double?) -> String { value.map { String(format: "%.6g", $0) } ?? "" }
    return head
      + filters.map { filter in
        let function = filter.fit?.function
        let cells: [Double?] = [
          filter.fit?.explained, filter.principalShare, function.map { $0.orientation * 180 / .pi },
          function?.frequency, function.map { $0.phase * 180 / .pi }, function?.alongWave,
          function?.acrossWave, function?.aspect, function?.bandwidth, function?.x, function?.y,
          function?.amplitude, function?.offset,
        ]
        return "\(filter.index)," + cells.map(text).joined(separator: ",") + "\n"
      }.joined()
  }
}

/// What the kernels that are Gabor functions have in common: directions, bandwidths, shapes.
public struct GaborStatistics: Figure {
  /// What the kernels are of.
  public let name: String
  /// Kernels in all.
  public let total: Int
  /// Of those that are Gabor functions.
  public let fits: [GaborFit]
  /// The share of the variance that made them so.
  public let least: Double

  /// Whether the kernels had more numbers than the function has parameters, so that it could be fitted.
  public let areLargeEnough: Bool
  /// Kernels of which the function explains as much, and has no wave.
  public let bellCount: Int

  /// Statistics of these fits.
  public init(
    name: String, total: Int, fits: [GaborFit], least: Double, areLargeEnough: Bool = true,
    bellCount: Int = 0
  ) {
    (self.name, self.total, self.fits, self.least) = (name, total, fits, least)
    (self.areLargeEnough, self.bellCount) = (areLargeEnough, bellCount)
  }

  /// How many waves go in each direction: eight of 22.5 degrees, the first around 0.
  public var orientationCounts: [Int] {
    var counts = [Int](repeating: 0, count: 8)
    for fit in fits {
      counts[Int((fit.function.orientation / .pi * 8).rounded()) % 8] += 1
    }
    return counts
  }

  /// How many bandwidths lie in each half octave from 0 to 3, then how many are wider, and how many bands reach to a frequency of
  /// zero.
  public var bandwidthCounts: [Int] {
    var counts = [Int](repeating: 0, count: 8)
    for fit in fits { counts[fit.function.bandwidth.map { min(6, Int($0 * 2)) } ?? 7] += 1 }
    return counts
  }

  /// The middle of the bandwidths, in octaves; those that reach to zero count as infinite. `nil` where half or more do.
  public var medianBandwidth: Double? {
    let widths = fits.map { $0.function.bandwidth ?? .infinity }.sorted()
    guard !widths.isEmpty, widths[widths.count / 2].isFinite else { return nil }
    return widths[widths.count / 2]
  }

  /// The middle of the bells' aspects.
  public var medianAspect: Double? {
    let aspects = fits.map(\.function.aspect).sorted()
    return aspects.isEmpty ? nil : aspects[aspects.count / 2]
  }

  public var title: String {
    fits.isEmpty
      ? "none of \(total) kernels of \(name) is a Gabor function"
      : "\(fits.count) of \(total) kernels of \(name) are Gabor functions"
  }

  private static let side = 250.0
  public var size: (width: Double, height: Double) { (1000, 404) }

  public var drawing: String {
    var parts = [
      label(title, x: 0, y: 14, "head"),
      label(summary, x: 0, y: 34, "soft"),
    ]
    parts += orientations(x: 0, y: 70)
    parts += bandwidths(x: 332, y: 70)
    parts += shapes(x: 692, y: 70)
    return parts.joined(separator: "\n")
  }

  /// What makes a kernel one of them, how many miss it for want of a wave, and the middles of bandwidths and aspects.
  public var summary: String {
    guard areLargeEnough else {
      return "kernels have no more numbers than a Gabor function has parameters, so none is fitted"
    }
    var parts = ["explaining at least \(HumanReadable.percent(least, digits: 0)) of their variance"]
    if bellCount > 0 { parts.append("kernels that are bells without a wave: \(bellCount)") }
    if let medianAspect {
      let bandwidth =
        medianBandwidth.map { "median bandwidth \(HumanReadable.quantity($0)) octaves" }
        ?? "bands that mostly reach to a frequency of zero"
      parts.append("\(bandwidth), median aspect \(HumanReadable.quantity(medianAspect))")
    }
    return parts.joined(separator: "; ")
  }

  private func orientations(x: Double, y: Double) -> [String] {
    histogram(
      orientationCounts,
      labels: (0..<8).map { coordinate(Double($0) * 22.5) + "°" },
      title: "kernels by the direction of their wave",
      note: "0°: across, light and dark left and right", x: x, y: y)
  }

  private func bandwidths(x: Double, y: Double) -> [String] {
    histogram(
      bandwidthCounts,
      labels: ["<0.5", "<1", "<1.5", "<2", "<2.5", "<3", "more", "to 0"],
      title: "kernels by their bandwidth in octaves",
      note: "at half height; to 0: a band that reaches to zero", x: x, y: y)
  }

  /// A bar for each count.
  private func histogram(
    _ counts: [Int], labels: [String], title: String, note: String, x: Double, y: Double
  ) -> [String] {
    var parts = [label(title, x: x, y: y - 12, "")]
    let most = Double(max(1, counts.max() ?? 1))
    let (left, bottom, width) = (x + 28, y + Self.side, 34.0)
    let right = left + width * Double(counts.count)
    let ticks = Ticks(
      for: [0, most], on: Axis("kernels", isInteger: true), count: 4)
    for (position, text) in zip(ticks.positions, ticks.labels) {
      let height = bottom - Self.side * ticks.fraction(of: position)
      parts.append(
        rule(from: (left, height), to: (right, height), position == 0 ? "base" : "grid"))
      parts.append(label(text, x: left - 6, y: height + 4, "soft end"))
    }
    for (index, (count, text)) in zip(counts, labels).enumerated() {
      let height = Self.side * ticks.fraction(of: Double(count))
      let place = left + width * Double(index)
      parts.append(
        element(
          "rect",
          [
            "x": coordinate(place + 3), "y": coordinate(bottom - height),
            "width": coordinate(width - 6), "height": coordinate(height), "class": "f0",
          ], element("title", [:], escaped("\(count) of \(fits.count)"))))
      parts.append(label(text, x: place + width / 2, y: bottom + 16, "soft mid small"))
    }
    parts.append(label(note, x: left, y: bottom + 36, "soft small"))
    return parts
  }

  private func shapes(x: Double, y: Double) -> [String] {
    var parts = [label("waves within the bell, along and across", x: x, y: y - 12, "")]
    let points = fits.map { fit in
      (
        along: fit.function.alongWave * fit.function.frequency,
        across: fit.function.acrossWave * fit.function.frequency
      )
    }
    let limit = min(3, max(1, points.map { max($0.along, $0.across) }.max() ?? 1))
    let (left, bottom) = (x + 34, y + Self.side)
    let ticks = Ticks(for: [0, limit], on: Axis("waves"), count: 4)
    func place(_ value: Double) -> Double { Self.side * min(1, ticks.fraction(of: value)) }
    for (position, text) in zip(ticks.positions, ticks.labels) {
      parts.append(
        rule(
          from: (left, bottom - place(position)), to: (left + Self.side, bottom - place(position)),
          position == 0 ? "base" : "grid"))
      parts.append(label(text, x: left - 6, y: bottom - place(position) + 4, "soft end"))
      parts.append(label(text, x: left + place(position), y: bottom + 16, "soft mid"))
    }
    parts.append(
      rule(from: (left, bottom), to: (left + Self.side, bottom - Self.side), "grid dash"))
    for point in points {
      parts.append(
        element(
          "circle",
          [
            "cx": coordinate(left + place(point.along)),
            "cy": coordinate(bottom - place(point.across)), "r": "3.5", "class": "halo f1",
          ],
          element(
            "title", [:],
            escaped(
              "\(HumanReadable.quantity(point.along)) along, \(HumanReadable.quantity(point.across)) across"
            ))))
    }
    parts.append(
      label(
        "deviation along the wave x frequency →", x: left + Self.side, y: bottom + 36,
        "soft small end"))
    parts.append(
      element(
        "text",
        [
          "transform":
            "translate(\(coordinate(x + 2)) \(coordinate(bottom))) rotate(-90)",
          "class": "soft small",
        ], escaped("deviation across it x frequency →")))
    return parts
  }
}
