import ConvNetImages
import ConvNetTensors
import Foundation
import Testing

@Suite("Augmentation") struct AugmentationTests {
  static let allSteps: Augmentation = [
    .shorterSide(from: 20, to: 40, square: true), .randomCrop(padding: 2, fill: .white),
    .randomResizedCrop(area: 0.2...0.9, aspect: 0.5...2), .horizontalReflection(probability: 0.25),
    .rotation(degrees: 30), .colorJitter(brightness: 0.1, contrast: 0.2, saturation: 0.3, hue: 0.4),
    .trivialAugment(),
    .colorShift(
      deviation: 0.2,
      components: PrincipalComponents(
        variances: [3, 2, 1], vectors: [[1, 0, 0], [0, 1, 0], [0, 0, 1]])),
    .erasing(probability: 0.3, fill: .noise), .mixup(alpha: 0.4), .cutMix(alpha: 0.5),
  ]

  @Test("It survives JSON")
  func coding() throws {
    for augmentation in Augmentation.presets.map(\.augmentation) + [Self.allSteps] {
      let data = try JSONEncoder().encode(augmentation)
      #expect(try JSONDecoder().decode(Augmentation.self, from: data) == augmentation)
      #expect(try Augmentation(json: String(decoding: data, as: UTF8.self)) == augmentation)
    }
  }

  @Test("What is left out of the JSON has its usual value, and a step may be its name")
  func defaults() throws {
    let text = #"["trivialAugment", {"randomCrop": {"padding": 4}}, "horizontalReflection", {}]"#
    #expect(throws: AugmentationError.self) { try Augmentation(json: text) }
    #expect(
      try Augmentation(json: text.replacing(", {}]", with: "]"))
        == [.trivialAugment(), .randomCrop(padding: 4), .horizontalReflection()])
    #expect(
      try Augmentation(json: #"[{"shorterSide": {"from": 300}}, "colorShift", "mixup"]"#)
        == [.shorterSide(from: 300, to: 512), .colorShift(), .mixup()])
    #expect(try Augmentation(json: "[]") == .none)
  }

  @Test(
    "What is wrong in the JSON is named",
    arguments: [
      (#"[{"randomCrp": {}}]"#, "did you mean randomCrop"),
      (
        #"[{"randomCrop": {"paddding": 4}}]"#, "has no field paddding; its fields are padding, fill"
      ),
      (#"["horizontalReflexion"]"#, "did you mean horizontalReflection"),
      (#"[{"randomCrop": {"padding": "four"}}]"#, "augmentation"),
      (#"[{"randomCrop": {}, "mixup": {}}]"#, "an object of one entry"),
      (#"{"randomCrop": {}}"#, "write a list such as"),
      ("[", "this is not JSON"),
      ("7", "augmentation"),
    ])
  func malformed(text: String, message: String) {
    let error = #expect(throws: AugmentationError.self) { try Augmentation(json: text) }
    #expect("\(error as Any)".contains(message), "\(error as Any)")
  }

  @Test(
    "Values out of range and steps out of order are refused by name",
    arguments: [
      ([.shorterSide(from: 0, to: 10)], "shorterSide: from is 0"),
      ([.shorterSide(from: 20, to: 10)], "shorterSide: to is 10"),
      ([.randomCrop(padding: -1)], "randomCrop: padding is -1"),
      ([.randomResizedCrop(RandomResizedCrop(minimumArea: 0))], "area is [0.0, 1.0]"),
      ([.randomResizedCrop(RandomResizedCrop(minimumAspect: 3))], "aspect is [3.0, 1.3"),
      ([.horizontalReflection(probability: 1.5)], "probability is 1.5"),
      ([.rotation(degrees: .nan)], "degrees is nan"),
      ([.colorJitter(hue: 0.6)], "hue is 0.6"),
      ([.colorJitter(contrast: -1)], "contrast is -1.0"),
      ([.colorShift(deviation: .infinity)], "deviation is inf"),
      (
        [.colorShift(components: PrincipalComponents(variances: [1], vectors: []))],
        "colorShift: components"
      ),
      ([.erasing(probability: -0.1)], "erasing: probability"),
      ([.mixup(alpha: 0)], "mixup: alpha is 0.0"),
      ([.cutMix(alpha: .nan)], "cutMix: alpha is nan"),
      ([.erasing(), .randomCrop()], "randomCrop: comes before erasing"),
      ([.mixup(), .colorShift()], "colorShift: comes before mixup"),
    ] as [(Augmentation, String)])
  func refusals(augmentation: Augmentation, message: String) throws {
    let preprocessing = try Preprocessing(height: 8, width: 8, channels: 3)
    let error = #expect(throws: AugmentationError.self) {
      try PicturePipeline(preprocessing, augmentation)
    }
    #expect("\(error as Any)".contains(message), "\(error as Any)")
  }

  @Test("A color shift is refused for grey pictures and without components")
  func shiftRefusals() throws {
    let grey = try Preprocessing(height: 8, width: 8, channels: 1)
    let components = PrincipalComponents(covariance: [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    var error = #expect(throws: AugmentationError.self) {
      try PicturePipeline(grey, [.colorShift(components: components)])
    }
    #expect(error?.problem == .channels(1))
    let color = try Preprocessing(height: 8, width: 8, channels: 3)
    error = #expect(throws: AugmentationError.self) {
      try PicturePipeline(color, [.colorShift()])
    }
    #expect(error?.problem == .noComponents)
    let augmentation: Augmentation = [.colorShift()]
    #expect(augmentation.needsPrincipalComponents)
    #expect(!augmentation.resolved(with: components).needsPrincipalComponents)
    _ = try PicturePipeline(color, augmentation.resolved(with: components))
  }

  @Test("Every preset can be done, and is known by its name")
  func presets() throws {
    let components = PrincipalComponents(covariance: [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    let preprocessing = try Preprocessing(height: 8, width: 8, channels: 3)
    for preset in Augmentation.presets {
      #expect(Augmentation(preset: preset.name) == preset.augmentation)
      _ = try PicturePipeline(preprocessing, preset.augmentation.resolved(with: components))
    }
    #expect(Set(Augmentation.presets.map(\.name)).count == Augmentation.presets.count)
    #expect(Augmentation(preset: "nonsense") == nil)
  }

  @Test("Principal components are the axes of the covariance, largest first")
  func components() {
    var random = RandomNumbers(RandomKey(seed: 4, purpose: .input))
    for _ in 0..<100 {
      let rows = (0..<3).map { _ in (0..<3).map { _ in Double(random.normal()) } }
      let covariance = (0..<3).map { i in
        (0..<3).map { j in (0..<3).reduce(0) { $0 + rows[$1][i] * rows[$1][j] } }
      }
      let components = PrincipalComponents(covariance: covariance)
      #expect(components.variances == components.variances.sorted(by: >))
      for i in 0..<3 {
        for j in 0..<3 {
          let dot = (0..<3).reduce(0) { $0 + components.vectors[i][$1] * components.vectors[j][$1] }
          #expect(abs(dot - (i == j ? 1 : 0)) < 1e-5)
          let value = (0..<3).reduce(0) {
            $0 + components.variances[$1] * components.vectors[$1][i] * components.vectors[$1][j]
          }
          #expect(abs(Double(value) - covariance[i][j]) < 1e-4)
        }
      }
    }
    // Three equal channels: one axis, and nothing across it.
    let grey = PrincipalComponents(covariance: [[1, 1, 1], [1, 1, 1], [1, 1, 1]])
    #expect(abs(grey.variances[0] - 3) < 1e-6 && grey.variances[1] < 1e-6)
    #expect(grey.vectors[0].allSatisfy { abs($0 - 0.577_350_26) < 1e-6 })
  }
}
