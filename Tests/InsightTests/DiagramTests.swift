import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetInsight
import ConvNetLayers
import ConvNetModels
import ConvNetReports
import ConvNetTensors
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite("Diagrams of the lecture") struct DiagramTests {
  private static func isSound(_ figure: any Figure) -> Bool {
    let svg = figure.svg
    // Pictures are text too, of any letters.
    let text = svg.replacing(/href="[^"]*"/, with: "")
    return XMLParser(data: Data(svg.utf8)).parse() && !text.contains("nan")
      && !text.contains("<script") && !figure.plainSVG.contains("var(--")
  }

  @Test(
    "convolution and cross-correlation are those of the lecture's functions, and numpy's where zeros are around"
  )
  func convolutionSteps() throws {
    let (signal, kernel): ([Double], [Double]) = ([1, 4, -2, 0.5, 3], [2, -1, 3])
    let valid = try ConvolutionSteps(signal: signal, kernel: kernel)
    #expect(
      valid.convolution.map(Float.init)
        == (try convolution(signal.map(Float.init), with: kernel.map(Float.init))))
    #expect(
      valid.crossCorrelation.map(Float.init)
        == (try crossCorrelation(signal.map(Float.init), with: kernel.map(Float.init))))
    // numpy.convolve and numpy.correlate, modes full and same
    let full = try ConvolutionSteps(signal: signal, kernel: kernel, border: .full)
    #expect(full.convolution == [2, 7, -5, 15, -0.5, -1.5, 9])
    #expect(full.crossCorrelation == [3, 11, -8, 11.5, 4.5, -2, 6])
    let same = try ConvolutionSteps(signal: signal, kernel: kernel, border: .same)
    #expect(same.convolution == [7, -5, 15, -0.5, -1.5])
    for steps in [valid, full, same] { #expect(Self.isSound(steps)) }
    #expect(throws: InsightError.self) { try ConvolutionSteps(signal: [1], kernel: [1, 2]) }
    #expect(throws: InsightError.self) { try ConvolutionSteps(signal: [1, .nan], kernel: [1]) }
  }

  @Test("a named kernel is what it says, and of a symmetric one convolution is cross-correlation")
  func pictureKernels() throws {
    var numbers = RandomNumbers(RandomKey(seed: 1, purpose: .input))
    let image = Image(
      height: 9, width: 11, channels: 1,
      pixels: (0..<99).map { _ in UInt8(numbers.integer(below: 256)) })
    for name in PictureKernel.names {
      let kernel = try PictureKernel(parsing: name)
      let filtered = kernel.filter(image)
      let isSymmetric = ["box", "gaussian", "laplace", "sharpen", "sobel"].contains(name)
      #expect((filtered.largestDifference < 0.01) == isSymmetric, "\(name)")
    }
    for name in ["box", "gaussian", "box3", "gaussian15"] {
      #expect(abs(try PictureKernel(parsing: name).planes[0].sum - 1) < 1e-5)
    }
    let own = try PictureKernel(parsing: "0,-1,0; -1,4,-1;0,-1,0")
    let laplace = try PictureKernel(parsing: "laplace")
    #expect(own.planes[0].values == laplace.planes[0].values.map { -$0 })
    // Beside a loop in the middle, where there is no edge.
    let kernel = try PictureKernel(parsing: "1,2,3;4,5,6;7,8,9").filter(image)
    var (turned, straight) = (0, 0)
    for m in 0..<3 {
      for n in 0..<3 {
        straight += (3 * m + n + 1) * Int(image[3 + m, 4 + n, 0])
        turned += (3 * m + n + 1) * Int(image[5 - m, 6 - n, 0])
      }
    }
    #expect(kernel.crossCorrelation[4, 5] == Float(straight))
    #expect(kernel.convolution[4, 5] == Float(turned))
    for text in ["sobell", "1,2;3", "", "1,x", "box99", "1,nan"] {
      #expect(throws: InsightError.self, "\(text)") { try PictureKernel(parsing: text) }
    }
    #expect(Self.isSound(PictureSheet(kernel, kernel: own, name: "<a>")))
  }

  @Test("each number of a batch belongs to one mean, and the means are as many as are said")
  func normalization() throws {
    let figure = try NormalizationFigure(examples: 4, channels: 6, side: 3, groups: 3)
    for kind in figure.kinds {
      let places = (0..<4).flatMap { example in (0..<6).map { (example: example, channel: $0) } }
      let sets = Set(
        places.map { place in
          places.indices.filter { kind.shares(place, places[$0], channels: 6) }
        })
      #expect(sets.count == kind.statistics(examples: 4, channels: 6), "\(kind)")
      #expect(sets.reduce(0) { $0 + $1.count } == places.count, "\(kind)")
    }
    #expect(Self.isSound(figure))
    #expect(throws: InsightError.self) { try NormalizationFigure(channels: 6, groups: 4) }
    #expect(throws: InsightError.self) { try NormalizationFigure(examples: 0) }
  }

  @Test("convolution moves along with its input, pooling changes less")
  func shift() throws {
    let figure = try ShiftFigure(
      signal: [0, 2, 1, 2, 9, 1, 2, 7, 2, 1, 0, 0], kernel: [-1, 2, -1], window: 3, shift: 1)
    #expect(figure.moved.equal == figure.moved.of && figure.moved.of == 11)
    #expect(figure.changed == (10, 12, 4))
    let stages = figure.stages(shift: 0)
    #expect(stages.convolved == [-2, 3, -2, -6, 15, -9, -4, 10, -4, 0, -1, 0])
    #expect(stages.pooled == [3, 3, 3, 15, 15, 15, 10, 10, 10, 0, 0, 0])
    #expect(Self.isSound(figure))
    #expect(throws: InsightError.self) {
      try ShiftFigure(signal: [1, 2, 3], kernel: [1], shift: 3)
    }

    let image = Image(
      height: 40, width: 60, channels: 1,
      pixels: (0..<2400).map { UInt8(truncatingIfNeeded: ($0 % 60) * ($0 / 60) * 3) })
    let study = try PictureShift(
      image, kernel: PictureKernel(parsing: "gaussian"), window: 5, shift: 3)
    #expect(study.moved == 1)
    #expect(study.changed.input > 0)
    #expect(Self.isSound(PictureSheet(study, name: "a.png")))
  }

  // MARK: Networks

  private static func model(_ name: String) throws -> Model {
    let entry = try #require(ModelRegistry[name])
    return try Model(describing: entry.build(entry.defaults))
  }

  @Test(
    "receptive fields are the published ones (A. Araujo, W. Norris, J. Sim, \"Computing Receptive Fields of Convolutional Neural Networks\", 2019, table)",
    arguments: [
      ("vgg16", nil as String?, 196, 16), ("resnet50", "layer4", 483, 32),
      ("resnet101", "layer4", 1027, 32), ("resnet152", "layer4", 1507, 32),
      ("lenet5", "conv1", 5, 1), ("lenet5", "pool1", 6, 2), ("lenet5", "conv2", 14, 2),
    ])
  func published(name: String, layer: String?, size: Int, stride: Int) throws {
    let field = try Self.model(name).receptiveField(of: layer)
    #expect(field.size == [size, size])
    #expect(field.strides == [stride, stride])
  }

  @Test(
    "a normalization over channels and a scale of channels see no other position",
    arguments: [
      // The stem; a block of a window of 7 positions; three of them; two positions as one.
      ("features.0", 4, 4), ("features.1.0", 4 + 6 * 4, 4), ("features.1", 4 + 18 * 4, 4),
      ("features.2", 4 + 19 * 4, 8),
    ])
  func normalizedChannels(layer: String, size: Int, stride: Int) throws {
    let field = try Self.model("convnext-tiny").receptiveField(of: layer)
    #expect(field.size == [size, size])
    #expect(field.strides == [stride, stride])
  }

  /// As networks of other frameworks have it: a normalization over channels in another order of axes, a shuffle of channels,
  /// and sums that stand at several positions.
  private static func imported() throws -> Model {
    var graph = Graph(name: "imported")
    let image = graph.addInput("x", ValueType([1, 2, 13, 11]))
    let kernel = graph.addParameter("w", [4, 2, 3, 3], .kernel)
    let convolution = try graph.append(
      Operation.Convolution(strides: [1, 1], padding: .symmetric(1), hasBias: false), to: image,
      kernel, name: "first")
    let turned = try graph.append(
      Operation.Transpose(permutation: [0, 2, 3, 1]), to: convolution, name: "turned")
    let mean = try graph.append(Operation.Reduction(.mean, axes: [3]), to: turned, name: "mean")
    let centered = try graph.append(
      Operation.Elementwise(.subtract), to: turned, mean, name: "centered")
    let scale = graph.addParameter("scale", [1, 1, 1, 4], .scale)
    let scaled = try graph.append(
      Operation.Elementwise(.multiply), to: centered, scale, name: "scaled")
    let normalized = try graph.append(
      Operation.Transpose(permutation: [0, 3, 1, 2]), to: scaled, name: "normalized")
    let groups = try graph.append(
      Operation.Reshape(shape: [2, 2, 13, 11]), to: normalized, name: "groups")
    let swapped = try graph.append(
      Operation.Transpose(permutation: [0, 2, 1, 3, 4]), to: groups, name: "swapped")
    let shuffled = try graph.append(
      Operation.Reshape(shape: [4, 13, 11]), to: swapped, name: "shuffled")
    let sum = try graph.append(Operation.Reduction(.sum, axes: [1]), to: convolution, name: "sum")
    let product = try graph.append(
      Operation.Elementwise(.multiply), to: shuffled, sum, name: "product")
    let secondKernel = graph.addParameter("v", [3, 4, 3, 3], .kernel)
    let second = try graph.append(
      Operation.Convolution(strides: [2, 1], padding: .symmetric(1), hasBias: false), to: product,
      secondKernel, name: "second")
    let overall = try graph.append(
      Operation.Reduction(.mean, axes: [2, 3]), to: second, name: "overall")
    let gated = try graph.append(
      Operation.Elementwise(.multiply), to: second, overall, name: "gated")
    graph.addOutput("y", gated)
    var numbers = RandomNumbers(RandomKey(seed: 2, purpose: .initialization))
    var parameters: [String: Tensor] = [:]
    for id in graph.parameters {
      let shape = graph[id].shape
      parameters[graph[id].name] = Tensor(
        (0..<shape.count).map { _ in numbers.normal() }, shape: shape)
    }
    return try Model(graph: graph, parameters: parameters)
  }

  @Test(
    "what works position by position keeps the field, in whatever order the axes lie",
    arguments: [
      ("first", 3, 1), ("normalized", 3, 1), ("shuffled", 3, 1), ("product", 3, 1),
      ("second", 5, 2),
    ])
  func eachPosition(layer: String, size: Int, rows: Int) throws {
    let model = try Self.imported()
    let field = try model.receptiveField(of: layer)
    #expect(field.size == [size, size])
    #expect(field.strides == [rows, 1])
    let measured = try model.measured(field, rounds: 1)
    #expect(measured.rows == field.visibleRows && measured.columns == field.visibleColumns)
  }

  @Test("a mean over all positions sees all of them, and so does what it is multiplied with")
  func allPositions() throws {
    let field = try Self.imported().receptiveField(of: "gated")
    #expect(field.visibleRows == 0...12 && field.visibleColumns == 0...10)
  }

  @Test("a border that mirrors shows positions within, and squares around a position widen a field")
  func borders() throws {
    var graph = Graph(name: "borders")
    let image = graph.addInput("x", ValueType([1, 2, 9, 9]))
    let sides = Padding.Sides(before: 2, after: 2)
    let padded = try graph.append(
      Operation.Pad(sides: [sides, sides], mode: .reflect), to: image, name: "padded")
    let normalized = try graph.append(
      Operation.LocalResponseNormalization(size: 3, region: .withinChannel), to: padded,
      name: "normalized")
    graph.addOutput("y", normalized)
    let model = Model(describing: graph)
    // Position 0 shows the third one, position 1 the second.
    #expect(try model.receptiveField(of: "padded", at: [0, 1]).rows == 2...2)
    #expect(try model.receptiveField(of: "padded", at: [0, 1]).columns == 1...1)
    #expect(try model.receptiveField(of: "normalized", at: [6, 6]).size == [3, 3])
  }

  @Test("gradients are found in all of the field of the theory, and nowhere else")
  func measured() throws {
    let network = Network("field", input: .image(height: 23, width: 21, channels: 2)) {
      Conv2D(4, kernel: 3, padding: .symmetric(1)).named("first")
      Tanh()
      AveragePool2D(2).named("pooled")
      Residual { Conv2D(4, kernel: 3, padding: .symmetric(1)) }.named("block")
      Concatenate(
        LayerSequence { Conv2D(3, kernel: 1) },
        LayerSequence { Conv2D(3, kernel: 5, padding: .same) }
      ).named("joined")
      Conv2D(2, kernel: [1, 3], strides: [1, 2]).named("wide")
      GlobalPool.average
      Dense(2)
    }
    let model = try Model(validating: network, seed: 3)
    for layer in ["first", "pooled", "block", "joined", "wide"] {
      for position in [nil, [0, 0], [2, 3]] {
        let field = try model.receptiveField(of: layer, at: position)
        let measured = try model.measured(field, rounds: 2)
        #expect(measured.rows == field.visibleRows, "\(layer) \(field)")
        #expect(measured.columns == field.visibleColumns, "\(layer) \(field)")
        #expect(
          abs(measured.share(rows: field.visibleRows, columns: field.visibleColumns) - 1) < 1e-9)
      }
    }
    #expect(throws: InsightError.self) { try model.receptiveField(of: "wide", at: [0, 99]) }
    #expect(throws: InferenceError.self) { try model.receptiveField(of: "widde") }
  }

  @Test("where maxima hand one number on, gradients lie within the field and reach most of it")
  func measuredMaxima() throws {
    let entry = try #require(ModelRegistry["vgg11"])
    var options = entry.defaults
    (options.height, options.width, options.classes) = (64, 64, 2)
    let model = try Model(validating: entry.build(options), seed: 1)
    let field = try model.receptiveField(of: "features.8")
    let measured = try model.measured(field, rounds: 2)
    #expect(field.visibleRows.lowerBound <= measured.rows.lowerBound)
    #expect(field.visibleRows.upperBound >= measured.rows.upperBound)
    #expect(measured.rows.count > field.visibleRows.count * 3 / 4)
    #expect(measured.effectiveSide() <= field.size[0])
    #expect(
      Self.isSound(
        PictureSheet(
          receptiveField: field, measured: measured,
          picture: Image(height: 30, width: 30, color: .white), model: "vgg11")))
  }

  @Test("a network is drawn with a block as one box; expanded, layer by layer")
  func network() throws {
    let model = try Self.model("resnet18")
    let whole = try NetworkDrawing(of: model)
    #expect(whole.boxes.count { $0.kind == .block } == 8)
    #expect(whole.blocks.count == 8 && whole.blocks[0] == "layer1.0")
    // Image, convolution, pooling, blocks, pooling, dense, logits, one after the other.
    #expect(whole.boxes.count == 14 && whole.arrows.count == 13)
    #expect(whole.boxes[0].output == [3, 224, 224] && whole.boxes[1].output == [64, 112, 112])
    #expect(whole.boxes[3].lines == ["3x3 64 ×2"])
    let one = try NetworkDrawing(of: model, expanding: ["layer2.0"])
    #expect(one.boxes.count { $0.kind == .block } == 7)
    // Two convolutions, the projection, and the sum.
    #expect(one.boxes.count == 14 - 1 + 4)
    let all = try NetworkDrawing(of: model, expandsAll: true)
    #expect(all.boxes.count { $0.kind == .block } == 0)
    #expect(all.boxes.count { $0.kind == .convolution } == 20)
    #expect(all.boxes.count { $0.kind == .join } == 8)
    #expect(
      throws: InferenceError.unknownValue(
        name: "layer9.0", model: "resnet18", nearest: ["layer1.0", "layer2.0", "layer3.0"])
    ) {
      try NetworkDrawing(of: model, expanding: ["layer9.0"])
    }
    for drawing in [whole, one, all] { #expect(Self.isSound(try NetworkFigure(drawing))) }
  }

  @Test("a layer around several blocks stands for them, and an unknown block is told with names")
  func expandedNames() throws {
    let model = try Self.model("resnet18")
    let stage = try NetworkDrawing(of: model, expanding: ["layer2"])
    #expect(stage == (try NetworkDrawing(of: model, expanding: ["layer2.0", "layer2.1"])))
    #expect(
      throws: InferenceError.unknownValue(
        name: "layer9", model: "resnet18", nearest: ["layer1", "layer2", "layer3"])
    ) {
      try NetworkDrawing(of: model, expanding: ["layer9"])
    }
    let unknown = #expect(throws: InsightError.self) {
      try NetworkDrawing(of: model, expanding: ["inception"])
    }
    #expect(unknown?.description.contains("one of layer1.0, layer1.1, ") == true)
    #expect(throws: InsightError.noLayer(model: "lenet5", kind: "block to expand")) {
      try NetworkDrawing(of: Self.model("lenet5"), expanding: ["conv1"])
    }
  }

  @Test("blocks with a sum have a shortcut, dashed where the size changes; others have none")
  func shortcuts() throws {
    let residual = try NetworkDrawing(of: Self.model("resnet34"))
    #expect(residual.boxes.count(where: \.hasShortcut) == 16)
    let svg = try NetworkFigure(residual).svg
    #expect(svg.components(separatedBy: "the shortcut of ").count == 16 + 1)
    #expect(svg.components(separatedBy: "class=\"base dash\"").count == 3 + 1)
    for name in ["plain34", "googlenet"] {
      let drawing = try NetworkDrawing(of: Self.model(name))
      #expect(drawing.boxes.allSatisfy { !$0.hasShortcut })
      let plain = try NetworkFigure(drawing).svg
      #expect(!plain.contains("shortcut"))
    }
  }

  /// Points along the arrows of a drawing.
  private static func arrows(_ svg: String) -> [(x: Double, y: Double)] {
    var points: [(x: Double, y: Double)] = []
    for path in svg.matches(of: /<path d="([^"]*)m-3\.5 -6[^"]*"/) {
      var place = (x: 0.0, y: 0.0)
      for step in path.1.matches(of: /([MVC])([-\d. ]+)/) {
        let numbers = step.2.split(separator: " ").compactMap { Double(String($0)) }
        let start = place
        switch (step.1, numbers.count) {
        case ("M", 2): place = (numbers[0], numbers[1])
        case ("V", 1):
          place.y = numbers[0]
          let end = place.y
          points += (0...40).map { index -> (x: Double, y: Double) in
            (start.x, start.y + (end - start.y) * Double(index) / 40)
          }
        case ("C", 6):
          place = (numbers[4], numbers[5])
          let end = place
          points += (0...40).map { index -> (x: Double, y: Double) in
            let t = Double(index) / 40
            func mixed(_ a: Double, _ b: Double, _ c: Double, _ d: Double) -> Double {
              let s = 1 - t
              return a * s * s * s + 3 * b * s * s * t + 3 * c * s * t * t + d * t * t * t
            }
            return (
              mixed(start.x, numbers[0], numbers[2], end.x),
              mixed(start.y, numbers[1], numbers[3], end.y)
            )
          }
        default: Issue.record("an arrow has the step \(step.0)")
        }
      }
    }
    return points
  }

  @Test(
    "no arrow goes through the size of what one carries",
    arguments: [("resnet18", "layer2.0"), ("googlenet", "inception3a"), ("resnet34", "layer3")])
  func sizesAreLegible(name: String, block: String) throws {
    let drawing = try NetworkDrawing(of: Self.model(name), expanding: [block])
    let svg = try NetworkFigure(drawing).svg
    let points = Self.arrows(svg)
    #expect(points.count > 40 * drawing.arrows.count)
    let sizes = svg.matches(
      of: /<text x="([\d.]+)" y="([\d.]+)" class="small soft">(\d+(?:×\d+)*)</)
    #expect(sizes.count == drawing.boxes.count - 1)
    for size in sizes {
      let (x, y) = (try #require(Double(size.1)), try #require(Double(size.2)))
      let width = 6 * Double(size.3.count)
      let struck = points.contains { x...x + width ~= $0.x && y - 8...y + 2 ~= $0.y }
      #expect(!struck, "\(size.3) at \(x), \(y)")
    }
  }

  @Test("every network of the zoo can be drawn, whole and expanded", arguments: ModelRegistry.names)
  func zoo(name: String) throws {
    let model = try Self.model(name)
    for expandsAll in [false, true] {
      let drawing = try NetworkDrawing(of: model, expandsAll: expandsAll)
      // All boxes but the input are reached, and arrows go forward.
      #expect(Set(drawing.arrows.map(\.target)) == Set(1..<drawing.boxes.count))
      #expect(drawing.arrows.allSatisfy { $0.source < $0.target })
      #expect(Self.isSound(try NetworkFigure(drawing)))
    }
    #expect(try NetworkDrawing(of: model).boxes.count <= 60)
  }

  @Test("files are written as their names end, and others are refused")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("convnet-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let sheet = PictureSheet(
      "t", panels: [.init(Image(height: 4, width: 4, color: .white), "a <b>")],
      legend: ColorLegend(.heat, title: "x", lowest: 0, highest: 1))
    try sheet.writeFile(to: "\(folder)/a.PNG")
    #expect(try Image(contentsOf: "\(folder)/a.PNG").height > 4)
    try sheet.writeFile(to: "\(folder)/a.svg")
    #expect(Self.isSound(sheet))
    #expect(throws: InsightError.format(path: "\(folder)/a.jpg", known: [".png", ".svg"])) {
      try sheet.writeFile(to: "\(folder)/a.jpg")
    }
  }
}
