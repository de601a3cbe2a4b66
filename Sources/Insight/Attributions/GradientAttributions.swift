public import ConvNetEngine
public import ConvNetInference
public import ConvNetLayers
public import ConvNetTensors

extension Model {
  /// The gradient of each class's score by the input: how fast the score changes with each pixel (K. Simonyan, A. Vedaldi,
  /// A. Zisserman, "Deep Inside Convolutional Networks", 2014, section 3).
  ///
  /// - Parameters:
  ///   - input: one prepared picture, in ``Model/dataFormat``.
  ///   - classes: of each there is a gradient; all are computed at once.
  ///   - rectifiers: ``DifferentiatedModel/RectifierRule/guided`` for guided backpropagation.
  /// - Returns: the gradients, [classes, channels, height, width], and the scores.
  /// - Throws: ``InsightError``, ``InferenceError``, ``GraphError`` and ``EngineError``.
  public func inputGradients(
    of input: Tensor, classes: [Int], rectifiers: DifferentiatedModel.RectifierRule = .derivative,
    compute: ComputeOptions = .init()
  ) throws -> (gradients: Tensor, scores: [Double]) {
    try requireClasses(classes)
    guard !classes.isEmpty else {
      throw InsightError.tooFew(what: "classes", count: 0, least: 1)
    }
    var network = try DifferentiatedModel(
      self, batch: classes.count, rectifiers: rectifiers, compute: compute)
    try network.run(
      batch(of: classes.map { _ in input }), weights: network.oneHot(classes: classes))
    return (try network.gradient(), try network.value().scores(of: classes))
  }

  /// Saliency: of the gradient at each pixel the channel with the largest magnitude, never below zero.
  ///
  /// - Parameters: as in ``inputGradients(of:classes:rectifiers:compute:)``.
  /// - Returns: an attribution a class, of the input's extents.
  public func saliency(
    of input: Tensor, classes: [Int], rectifiers: DifferentiatedModel.RectifierRule = .derivative,
    compute: ComputeOptions = .init()
  ) throws -> [Attribution] {
    _ = try pictureExtents()
    let (gradients, scores) = try inputGradients(
      of: input, classes: classes, rectifiers: rectifiers, compute: compute)
    return classes.indices.map { place in
      let plane = Plane.all(of: gradients, example: place).combined { first, second in
        max(abs(first), abs(second))
      }
      return Attribution(
        classIndex: classes[place], score: scores[place],
        plane: Plane(
          height: plane.height, width: plane.width, values: plane.values.map { abs($0) }),
        isSigned: false)
    }
  }

  /// Grad-CAM: the channels of a layer, each weighted by what the class's score gains with it, summed, and what is below zero
  /// left out:
  ///
  ///     L = max(0, sum over k of alpha[k] A[k]),    alpha[k] = mean over places of ds/dA[k]
  ///
  /// (R. Selvaraju et al., "Grad-CAM", 2017, equations 1 and 2), or with the weights of Grad-CAM++: see ``CAMWeighting``.
  ///
  /// - Parameters:
  ///   - input: one prepared picture, in ``Model/dataFormat``.
  ///   - layer: whose values are weighted, by name; `nil` for ``lastSpatialLayer``.
  /// - Returns: an attribution a class, of the layer's extents.
  /// - Throws: ``InferenceError/unknownValue(name:model:nearest:)`` for a layer that there is not, with the nearest names;
  ///   ``InsightError/notSpatial(layer:shape:last:)`` for one without height and width.
  public func gradCAM(
    of input: Tensor, classes: [Int], layer: String? = nil, weighting: CAMWeighting = .mean,
    compute: ComputeOptions = .init()
  ) throws -> [Attribution] {
    try requireClasses(classes)
    guard !classes.isEmpty else {
      throw InsightError.tooFew(what: "classes", count: 0, least: 1)
    }
    var network = try GradCAM(
      self, layer: layer, classes: classes.count, weighting: weighting, compute: compute)
    return try network.attributions(of: input, classes: classes)
  }

  /// Guided Grad-CAM: guided backpropagation, where Grad-CAM has the class; the product of the two, pixel by pixel (the same
  /// paper, section 3.2).
  ///
  /// - Returns: for each class the product, [channels, height, width] of the input, and the attribution that is of each pixel the
  ///   channel with the largest magnitude.
  public func guidedGradCAM(
    of input: Tensor, classes: [Int], layer: String? = nil, weighting: CAMWeighting = .mean,
    compute: ComputeOptions = .init()
  ) throws -> [(product: Tensor, attribution: Attribution)] {
    let extents = try pictureExtents()
    let maps = try gradCAM(
      of: input, classes: classes, layer: layer, weighting: weighting, compute: compute)
    let (gradients, _) = try inputGradients(
      of: input, classes: classes, rectifiers: .guided, compute: compute)
    return maps.enumerated().map { place, map in
      let plane = map.plane.resized(height: extents.height, width: extents.width)
      let planes = Plane.all(of: gradients, example: place)
      let products = planes.map { gradient in
        Plane(
          height: plane.height, width: plane.width,
          values: zip(gradient.values, plane.values).map { $0 * $1 })
      }
      return (
        Tensor(
          products.flatMap(\.values), shape: [extents.channels, extents.height, extents.width]),
        Attribution(
          classIndex: map.classIndex, score: map.score,
          plane: products.combined { abs($0) >= abs($1) ? $0 : $1 }, isSigned: true)
      )
    }
  }
}

/// How Grad-CAM weights a layer's channels.
public enum CAMWeighting: String, Hashable, Sendable, Codable, CaseIterable {
  /// By the mean of the gradient.
  case mean
  /// By the positive gradients, those of small objects as much as those of large ones:
  ///
  ///     alpha[k] = sum over places of a max(0, g),    a = g^2 / (2 g^2 + (sum over places of A) g^3)
  ///
  /// with g = ds/dA (A. Chattopadhay et al., "Grad-CAM++", 2018, equations 5 and 19, of a score through an exponential).
  case plusPlus

  func weight(of channel: Plane, slope: Plane) -> Double {
    switch self {
    case .mean: return slope.sum / Double(slope.values.count)
    case .plusPlus:
      let sum = channel.sum
      return slope.values.reduce(0) { total, slope in
        let g = Double(slope)
        guard g > 0 else { return total }
        let denominator = 2 * g * g + sum * g * g * g
        return total + (denominator != 0 ? g * g / denominator : 0) * g
      }
    }
  }
}

extension Tensor {
  /// Of a result [batch, classes], each example's score of its class: of maps of classes, their sum.
  func scores(of classes: [Int]) -> [Double] {
    let positions = shape.dimensions.dropFirst(2).reduce(1, *)
    let elements = elements
    return classes.enumerated().map { example, index in
      let start = (example * shape[1] + index) * positions
      return elements[start..<start + positions].reduce(0) { $0 + Double($1) }
    }
  }
}

extension [Plane] {
  /// One plane of all, place by place.
  func combined(_ combine: (Float, Float) -> Float) -> Plane {
    var result = self[0]
    for plane in dropFirst() {
      for index in result.values.indices {
        result.values[index] = combine(result.values[index], plane.values[index])
      }
    }
    return result
  }
}
