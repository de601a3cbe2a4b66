package import ConvNetTensors

/// The colors of all pixels shifted along the principal components of the data's colors, which
/// resembles another intensity and color of the light:
///
///     (red, green, blue) / 255 + sum over k of a[k] variance[k] component[k]
///
/// with a[k] normal of mean zero and deviation `deviation`, drawn once a picture (A. Krizhevsky et
/// al., 2012, section 4.1: deviation 0.1). Components and variances are those of colors from 0 to
/// 1. Nothing is rounded or cut off: the sum is what normalization is applied to.
public struct ColorShift: AugmentationStep {
  static let name = "colorShift"
  static var phase: Augmentation.Step.Phase { .conversion }

  /// The deviation of the factors a, from 0 to 10.
  public var deviation: Float
  /// `nil` for those of the training data, which training computes and stores.
  public var components: PrincipalComponents?

  /// A shift along the components given, or along those of the training data.
  public init(deviation: Float = 0.1, components: PrincipalComponents? = nil) {
    self.deviation = deviation
    self.components = components
  }

  init() { self.init(deviation: 0.1) }

  private enum CodingKeys: CodingKey, CaseIterable { case deviation, components }

  public init(from decoder: any Decoder) throws {
    let fields = try StepFields<CodingKeys>(decoder, of: Self.name)
    deviation = try fields.value(.deviation, usually: 0.1)
    components = try fields.value(.components, of: PrincipalComponents.self)
  }

  func validate() throws(AugmentationError) {
    try require(0...10 ~= deviation, "deviation", deviation, "from 0 to 10")
    if let components {
      try require(components.isValid, "components", components, "three, of three finite numbers")
    }
  }

  /// What is added to the values from 0 to 1 of a picture.
  package func shift(_ components: PrincipalComponents, random: inout RandomNumbers) -> SIMD3<Float>
  {
    var sum = SIMD3<Float>.zero
    for (variance, vector) in zip(components.variances, components.vectors) {
      let weight = deviation * random.normal() * variance
      sum += weight * SIMD3(vector[0], vector[1], vector[2])
    }
    return sum
  }

  public var description: String { "color shift of deviation \(deviation)" }
}

/// The principal axes of a data set's colors: eigenvalues and eigenvectors of the covariance
/// matrix of red, green and blue over all pixels, values from 0 to 1, largest first.
public struct PrincipalComponents: Hashable, Sendable, Codable {
  /// The variance of each component, largest first, of colors from 0 to 1.
  public var variances: [Float]
  /// `vectors[k]` is the unit vector of `variances[k]`; its first element that is not zero is
  /// positive.
  public var vectors: [[Float]]

  /// Components that were computed elsewhere: three variances, three vectors of three numbers.
  public init(variances: [Float], vectors: [[Float]]) {
    self.variances = variances
    self.vectors = vectors
  }

  var isValid: Bool {
    variances.count == 3 && vectors.count == 3
      && variances.allSatisfy { $0.isFinite && $0 >= 0 }
      && vectors.allSatisfy { $0.count == 3 && $0.allSatisfy(\.isFinite) }
  }

  /// Of a symmetric matrix of three by three, by Jacobi's rotations.
  package init(covariance: [[Double]]) {
    var matrix = covariance
    var axes: [[Double]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    // Each sweep at least squares the smallness of what is left; rotations stop by themselves.
    for _ in 0..<20 {
      for (p, q) in [(0, 1), (0, 2), (1, 2)] where matrix[p][q] != 0 {
        let theta = (matrix[q][q] - matrix[p][p]) / (2 * matrix[p][q])
        let tangent =
          (theta < 0 ? -1 : 1) / (theta.magnitude + (theta * theta + 1).squareRoot())
        let cosine = 1 / (tangent * tangent + 1).squareRoot()
        let sine = tangent * cosine
        for row in 0..<3 {
          let (a, b) = (matrix[row][p], matrix[row][q])
          matrix[row][p] = cosine * a - sine * b
          matrix[row][q] = sine * a + cosine * b
        }
        for column in 0..<3 {
          let (a, b) = (matrix[p][column], matrix[q][column])
          matrix[p][column] = cosine * a - sine * b
          matrix[q][column] = sine * a + cosine * b
          let (c, d) = (axes[p][column], axes[q][column])
          axes[p][column] = cosine * c - sine * d
          axes[q][column] = sine * c + cosine * d
        }
      }
    }
    let order = [0, 1, 2].sorted { matrix[$0][$0] > matrix[$1][$1] }
    variances = order.map { Float(max(0, matrix[$0][$0])) }
    vectors = order.map { axis in
      let sign: Double = (axes[axis].first { $0.magnitude > 1e-12 } ?? 1) < 0 ? -1 : 1
      return axes[axis].map { Float(sign * $0) }
    }
  }
}

extension Augmentation.Step {
  /// Colors shifted along the data's principal components; see ``ColorShift``.
  public static func colorShift(
    deviation: Float = 0.1, components: PrincipalComponents? = nil
  ) -> Self {
    .colorShift(ColorShift(deviation: deviation, components: components))
  }
}
