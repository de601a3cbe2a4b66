import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  static let resamplings: [String: Reader] = ["Resize": resize, "Upsample": upsample]

  /// One axis that is resized: which place of the input an output shows.
  private struct Axis {
    var input: Int
    var output: Int
    var scale: Double
    /// Of the input that is shown, where a part of it is.
    var region: ClosedRange<Double>?

    /// - Parameter mode: the file's word for how positions are compared.
    func place(_ position: Int, mode: String) -> Double? {
      let x = Double(position)
      let halfPixel = (x + 0.5) / scale - 0.5
      switch mode {
      case "half_pixel": return halfPixel
      case "half_pixel_symmetric":
        let adjustment = Double(output) / (scale * Double(input))
        return Double(input) / 2 * (1 - adjustment) + halfPixel
      case "pytorch_half_pixel": return output > 1 ? halfPixel : 0
      case "align_corners":
        // Of the exact product of extent and scale, which may be no whole number.
        let length = scale * Double(input)
        return length != 1 && output > 1 ? x * Double(input - 1) / (length - 1) : 0
      case "asymmetric": return x / scale
      case "tf_half_pixel_for_nn": return (x + 0.5) / scale
      case "tf_crop_and_resize":
        guard let region else { return nil }
        let last = Double(input - 1)
        return output > 1
          ? region.lowerBound * last
            + x * (region.upperBound - region.lowerBound) * last / Double(output - 1)
          : (region.lowerBound + region.upperBound) / 2 * last
      default: return nil
      }
    }
  }

  private struct Filter {
    var mode: String
    var rounding: String
    var coefficient: Double
    var isAntialiased: Bool
    var excludesOutside: Bool
    /// Outside the input, where that is not its edge.
    var extrapolation: Double?
  }

  /// The nearest element's index.
  private static func nearest(_ place: Double, _ rounding: String) -> Double? {
    switch rounding {
    case "round_prefer_floor": (place - 0.5).rounded(.up)
    case "round_prefer_ceil": (place + 0.5).rounded(.down)
    case "floor": place.rounded(.down)
    case "ceil": place.rounded(.up)
    default: nil
    }
  }

  /// How much an element at a distance weighs.
  private static func weight(_ distance: Double, _ filter: Filter) -> Double {
    let d = abs(distance)
    guard filter.mode == "cubic" else { return max(0, 1 - d) }
    // R. Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981, equation 15.
    let a = filter.coefficient
    if d <= 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
    if d < 2 { return ((d - 5) * d + 8) * d * a - 4 * a }
    return 0
  }

  /// The terms of each output along an axis.
  private static func terms(
    _ axis: Axis, _ filter: Filter, mode: String, _ call: ONNXCall
  ) throws -> [[(source: Int, weight: Double)]] {
    let shrinking = filter.isAntialiased ? min(axis.scale, 1) : 1
    let reach = (filter.mode == "cubic" ? 2 : 1) / shrinking
    let count = Double(axis.output) * (filter.mode == "nearest" ? 1 : 2 * reach)
    guard count <= Double(ONNXOperand.foldedCount) else {
      throw call.problem("\(axis.input) positions to \(axis.output) have too many weights")
    }
    // Before they are computed: several nodes may have as many.
    try call.importer.spend(Int(count))
    return try (0..<axis.output).map { position in
      guard let place = axis.place(position, mode: mode), place.isFinite else {
        throw call.problem("coordinate_transformation_mode \(mode) is not read")
      }
      if filter.extrapolation != nil, place < 0 || place > Double(axis.input - 1) { return [] }
      func inside(_ index: Int) -> Int { min(max(index, 0), axis.input - 1) }
      if filter.mode == "nearest" {
        guard let index = nearest(place, filter.rounding) else {
          throw call.problem("nearest_mode \(filter.rounding) is not read")
        }
        return [(inside(Int(clamping: index)), 1)]
      }
      let (first, last) = (
        Int(clamping: (place - reach).rounded(.up)), Int(clamping: (place + reach).rounded(.down))
      )
      var terms: [(source: Int, weight: Double)] = []
      for index in first...max(first, last) {
        guard !filter.excludesOutside || 0..<axis.input ~= index else { continue }
        let weight = weight((Double(index) - place) * shrinking, filter)
        guard weight != 0 else { continue }
        // What is outside is the element at the edge once more.
        if let last = terms.last, last.source == inside(index) {
          terms[terms.count - 1].weight += weight
        } else {
          terms.append((inside(index), weight))
        }
      }
      let sum = terms.reduce(0) { $0 + $1.weight }
      guard sum != 0 else { return [(inside(Int(clamping: place.rounded())), 1)] }
      return terms.map { ($0.source, $0.weight / sum) }
    }
  }

  private static func resize(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let isFirst = call.version < 11
    var filter = Filter(
      mode: try call.text("mode", or: "nearest"),
      rounding: try call.text("nearest_mode", or: isFirst ? "floor" : "round_prefer_floor"),
      coefficient: Double(try call.float("cubic_coeff_a", or: -0.75)),
      isAntialiased: try call.flag("antialias"), excludesOutside: try call.flag("exclude_outside"))
    let mode = try call.text(
      "coordinate_transformation_mode", or: isFirst ? "asymmetric" : "half_pixel")
    if mode == "tf_crop_and_resize" {
      filter.extrapolation = Double(try call.float("extrapolation_value", or: 0))
    }
    let axes =
      try call.integers("axes").map { axes in
        try axes.map { try call.axis($0, rank: input.rank) }
      } ?? Array(0..<input.rank)
    let scales = try call.constantNumbers(isFirst ? 1 : 2, "scales") ?? []
    let sizes = isFirst ? [] : try call.constantIntegers(3, "sizes") ?? []
    var region: [Double] = []
    if mode == "tf_crop_and_resize" {
      region = try call.constantNumbers(1, "region") ?? []
      guard region.count == 2 * axes.count else { throw call.problem("its region is \(region)") }
    }
    var plan = try resized(
      call, input, axes, scales: scales, sizes: sizes,
      policy: call.text("keep_aspect_ratio_policy", or: "stretch"))
    if !region.isEmpty {
      for (index, axis) in axes.enumerated() {
        let (start, end) = (region[index], region[axes.count + index])
        guard start <= end else { throw call.problem("its region is \(region)") }
        plan[axis]?.region = start...end
      }
    }
    return [try resampled(call, input, plan, filter, mode: mode)]
  }

  private static func upsample(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let scales =
      try call.version < 9
      ? (call.floats("scales") ?? []).map(Double.init) : call.constantNumbers(1, "scales") ?? []
    let filter = Filter(
      mode: try call.text("mode", or: "nearest"), rounding: "floor", coefficient: 0,
      isAntialiased: false, excludesOutside: false)
    let plan = try resized(
      call, input, Array(0..<input.rank), scales: scales, sizes: [], policy: "stretch")
    return [try resampled(call, input, plan, filter, mode: "asymmetric")]
  }

  /// The axes that change, by what the file says of them.
  private static func resized(
    _ call: ONNXCall, _ input: ONNXOperand, _ axes: [Int], scales: [Double], sizes: [Int],
    policy: String
  ) throws -> [Int: Axis] {
    var plan: [Int: Axis] = [:]
    func add(_ axis: Int, _ output: Int, _ scale: Double) throws {
      guard 1...ONNXOperand.foldedCount ~= output, scale > 0, scale.isFinite else {
        throw call.problem("\(output) positions of \(input.shape[axis]), a scale of \(scale)")
      }
      plan[axis] = Axis(input: input.shape[axis], output: output, scale: scale)
    }
    if sizes.isEmpty {
      guard scales.count == axes.count else { throw call.problem("its scales are \(scales)") }
      for (axis, scale) in zip(axes, scales) {
        try add(axis, Int(clamping: (Double(input.shape[axis]) * scale).rounded(.down)), scale)
      }
      return plan
    }
    guard sizes.count == axes.count else { throw call.problem("its sizes are \(sizes)") }
    let ratios = zip(axes, sizes).map { Double($1) / Double(input.shape[$0]) }
    let common: Double? =
      switch policy {
      case "not_larger": ratios.min()
      case "not_smaller": ratios.max()
      default: nil
      }
    for (index, axis) in axes.enumerated() {
      guard let common else {
        try add(axis, sizes[index], ratios[index])
        continue
      }
      let size = (common * Double(input.shape[axis]) + 0.5).rounded(.down)
      try add(axis, Int(clamping: size), common)
    }
    return plan
  }

  private static func resampled(
    _ call: ONNXCall, _ input: ONNXOperand, _ plan: [Int: Axis], _ filter: Filter, mode: String
  ) throws -> ONNXOperand {
    guard ["nearest", "linear", "cubic", "bilinear"].contains(filter.mode) else {
      throw call.problem("mode is \(filter.mode)")
    }
    var value = try call.value(input)
    var maps: [(axis: Int, map: Operation.AxisMap)] = []
    for (axis, change) in plan.sorted(by: { $0.key < $1.key }) {
      let terms = try terms(change, filter, mode: mode, call)
      let isSame =
        change.input == change.output
        && terms.enumerated().allSatisfy { $1.count == 1 && $1[0].source == $0 }
      guard !isSame else { continue }
      let count = max(1, terms.map(\.count).max() ?? 1)
      var map = Operation.AxisMap(
        axis: axis, extent: change.input, sources: [], termCount: count,
        fill: Float(filter.extrapolation ?? 0))
      for terms in terms {
        for index in 0..<count {
          map.sources.append(index < terms.count ? terms[index].source : -1)
          map.weights.append(index < terms.count ? Float(terms[index].weight) : 0)
        }
      }
      if map.weights.allSatisfy({ $0 == 1 }) { map.weights = [] }
      maps.append((axis, map))
    }
    if let upsampling = upsampling(maps, input, filter, plan, mode: mode) {
      return try call.result(call.append(upsampling, [value]))
    }
    for (axis, map) in maps { value = try call.append(map, [value], "axis \(axis)") }
    return try call.result(value)
  }

  /// The operation of ours, where it does the same: by whole factors along positions.
  private static func upsampling(
    _ maps: [(axis: Int, map: Operation.AxisMap)], _ input: ONNXOperand, _ filter: Filter,
    _ plan: [Int: Axis], mode: String
  ) -> Operation.Upsample? {
    guard !maps.isEmpty, 3...4 ~= input.rank, filter.extrapolation == nil,
      maps.allSatisfy({ $0.axis >= 2 })
    else { return nil }
    var factors = [Int](repeating: 1, count: input.rank - 2)
    for (axis, map) in maps {
      let count = map.sources.count / map.termCount
      guard count % map.extent == 0, count / map.extent <= windowLimit else { return nil }
      factors[axis - 2] = count / map.extent
      if filter.mode == "nearest" {
        guard map.sources.enumerated().allSatisfy({ $1 == $0 / factors[axis - 2] }) else {
          return nil
        }
      } else {
        guard filter.mode == "linear" || filter.mode == "bilinear", mode == "half_pixel",
          !filter.excludesOutside, plan[axis]?.scale == Double(factors[axis - 2])
        else { return nil }
      }
    }
    return Operation.Upsample(
      factors: factors, mode: filter.mode == "nearest" ? .nearest : .bilinear)
  }
}
