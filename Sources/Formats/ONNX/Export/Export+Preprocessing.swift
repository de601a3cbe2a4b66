import ConvNetImages
import ConvNetTensors

extension ONNXExporter {
  /// Appends what makes the network's numbers of pixels from 0 to 255, red first:
  ///
  ///     x = scale pixel + shift, scale = 1 / (255 deviation), shift = -mean / deviation
  ///
  /// and says what the result is called.
  mutating func normalized(_ pixels: String, by preprocessing: Preprocessing) -> String {
    let channels = preprocessing.channels
    let deviation = preprocessing.deviation ?? [Float](repeating: 1, count: channels)
    let means: (shape: Shape, values: [Float])
    if let picture = preprocessing.meanPicture {
      let planes = (0..<channels).flatMap { channel in
        stride(from: channel, to: picture.values.count, by: channels).map { picture.values[$0] }
      }
      means = ([1, channels, picture.height, picture.width], planes)
    } else {
      let mean = preprocessing.mean ?? [Float](repeating: 0, count: channels)
      means = ([1, channels, 1, 1], mean)
    }
    let count = means.values.count / channels
    let shifts = means.values.enumerated().map { -$1 / deviation[$0 / count] }
    let scales = deviation.map { 1 / (255 * $0) }
    let factor = constant(Tensor(scales, shape: [1, channels, 1, 1]), "preprocessing/scale")
    let numbers = step(
      "Cast", [pixels], "preprocessing/numbers",
      [ONNXAttribute("to", ONNXElementType.float32.rawValue)])
    var result = step("Mul", [numbers, factor], "preprocessing/scaled")
    if shifts.contains(where: { $0 != 0 }) {
      let shift = constant(Tensor(shifts, shape: means.shape), "preprocessing/shift")
      result = step("Add", [result, shift], "preprocessing/normalized")
    }
    if preprocessing.channelOrder == .bgr {
      let order = constant(Tensor([2, 1, 0] as [Int64]), "preprocessing/order")
      result = step(
        "Gather", [result, order], "preprocessing/bgr", [ONNXAttribute("axis", 1)])
    }
    return result
  }
}

extension Preprocessing {
  /// What is left to be done where a file's graph makes numbers of pixels: the geometry, and pixels as they are, from 0 to 255.
  var withoutNumbers: Preprocessing {
    var rest = self
    (rest.mean, rest.meanPicture, rest.channelOrder) = (nil, nil, .rgb)
    rest.deviation = [Float](repeating: 1 / 255, count: channels)
    return rest
  }
}
