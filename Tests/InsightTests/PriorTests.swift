import ConvNetEngine
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetInsight
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("The deep image prior") struct PriorTests {
  /// Waves in three colors, which a network takes up fast.
  private static func picture(_ height: Int, _ width: Int, channels: Int = 3) -> Image {
    var image = Image(height: height, width: width, color: .black, channels: channels)
    for row in 0..<height {
      for column in 0..<width {
        for channel in 0..<channels {
          let phase = Double(row) * 0.19 + Double(column) * 0.11 * Double(channel + 1)
          image[row, column, channel] = UInt8(128 + 90 * sin(phase))
        }
      }
    }
    return image
  }

  private static func noisy(_ image: Image, deviation: Float) -> Image {
    var (image, numbers) = (
      image, RandomNumbers(RandomKey(seed: 11, purpose: .augmentation))
    )
    image.withMutablePixels { pixels in
      for index in pixels.indices {
        let value = Float(pixels[index]) + deviation * numbers.normal()
        pixels[index] = UInt8(min(max(value, 0), 255))
      }
    }
    return image
  }

  private static func settings(
    _ channels: Int = 16, scales: Int = 2, across: Int = 4, iterations: Int = 4,
    input: PriorSettings.Input = .noise, averaging: Float = 0.99,
    stopping: OverfittingRule? = nil, seed: UInt64 = 1
  ) -> PriorSettings {
    PriorSettings(
      network: PriorNetwork(
        down: [Int](repeating: channels, count: scales),
        skip: [Int](repeating: across, count: scales),
        inputChannels: input == .meshGrid ? 2 : 8),
      input: input, averaging: averaging, iterations: iterations, stopping: stopping, seed: seed)
  }

  private static let compute = ComputeOptions(threads: 1)

  private static func fit(
    _ problem: PriorProblem, _ settings: PriorSettings, guide: Image? = nil,
    resuming checkpoint: PriorCheckpoint? = nil
  ) throws -> DeepImagePrior {
    let prior = try DeepImagePrior(
      problem, settings: settings, guide: guide, resuming: checkpoint, compute: compute)
    try prior.run()
    return prior
  }

  // The authors' notebook counts 2217831, of which 2580 are biases that normalizations follow.
  @Test("the network has as many parameters as the authors print, but for biases without effect")
  func parameterCount() throws {
    let step = try PriorStep(
      .denoising(Image(height: 64, width: 64, color: .white)), PriorSettings(), height: 64,
      width: 64)
    let graph = step.graph
    var count = 0
    for gradient in step.gradients {
      let id = try #require(graph.parameters.first { graph[$0].name == gradient.parameter })
      var extents = graph[id].shape.dimensions
      // Channels of zeros fill up a block.
      if extents.count == 4, extents[1] == 144 { extents[1] = 132 }
      count += extents.reduce(1, *)
    }
    #expect(count == 2_217_831 - 5 * (128 * 4 + 4))
  }

  @Test("losses of the first steps, and the pictures, are PyTorch's")
  func steps() throws {
    let fixture = try Safetensors(contentsOf: fixturePath("prior.safetensors"))
    for name in ["joined", "plain"] {
      let known = try fixture.tensor(named: "\(name)/known").elements.map { $0 > 0 }
      let settings = PriorSettings(
        network: PriorNetwork(
          down: name == "joined" ? [16, 32] : [6, 5], up: name == "joined" ? [16, 16] : [7, 4],
          skip: name == "joined" ? [4, 4] : [3, 0],
          upsampling: name == "joined" ? .bilinear : .nearest, inputChannels: 3),
        input: .picture, perturbation: 0, averaging: 0.5, iterations: 4)
      let problem = try PriorProblem.inpainting(
        Image(fixture.tensor(named: "\(name)/observed")), known: known)
      let guide = Image(try fixture.tensor(named: "\(name)/guide"))
      // The state before the first step, with the fixture's parameters.
      let begun = try DeepImagePrior(
        problem, settings: settings, guide: guide, compute: Self.compute)
      let directory = try TemporaryDirectory()
      try begun.checkpoint.write(to: directory.file("state"))
      var state = try Safetensors(contentsOf: directory.file("state"))
      for (key, tensor) in state.tensors where key.hasPrefix("parameter/") {
        guard let own = fixture.tensors["\(name)/\(key)"] else {
          #expect(key.contains("running"), "\(key) is not in the fixture")
          continue
        }
        var (values, filled) = (own.elements, tensor.elements)
        if own.shape != tensor.shape {
          // Idle channels lie behind the others.
          let (all, given) = (tensor.shape[1], own.shape[1])
          let taps = tensor.shape[2] * tensor.shape[3]
          for output in 0..<tensor.shape[0] {
            for index in 0..<given * taps {
              filled[output * all * taps + index] = values[output * given * taps + index]
            }
          }
          values = filled
        }
        state.tensors[key] = Tensor(values, shape: tensor.shape)
      }
      try state.write(to: directory.file("state"))
      let prior = try DeepImagePrior(
        problem, settings: settings, guide: guide,
        resuming: PriorCheckpoint(contentsOf: directory.file("state")), compute: Self.compute)
      let losses = try fixture.tensor(named: "\(name)/losses").elements
      for expected in losses {
        let loss = try prior.step()
        #expect(abs(loss / Double(expected) - 1) < 2e-4, "\(name)")
      }
      let expected = Image(try fixture.tensor(named: "\(name)/average"))
      let likeness = try PictureSimilarity(prior.networkResult, expected)
      #expect(likeness.peakSignalToNoise > 50, "\(name)")
    }
  }

  @Test(
    "a picture of any extents is found again better than it was given",
    arguments: [(64, 64, 3), (33, 50, 1), (5, 7, 3)])
  func denoising(height: Int, width: Int, channels: Int) throws {
    let truth = Self.picture(height, width, channels: channels)
    let observed = Self.noisy(truth, deviation: 40)
    let prior = try Self.fit(
      .denoising(observed), Self.settings(16, iterations: 150, averaging: 0.9))
    #expect(prior.iteration == 150 && prior.loss.isFinite)
    #expect(prior.result.height == height && prior.result.width == width)
    #expect(prior.result.channels == channels)
    guard height > 10 else { return }
    let before = try PictureSimilarity(observed, truth)
    let after = try PictureSimilarity(prior.result, truth)
    #expect(after.peakSignalToNoise > before.peakSignalToNoise + 3)
    let reference = PriorReference(truth, channels: channels)
    // The average itself, before it is rounded.
    #expect(
      try abs(prior.peakSignalToNoise(of: reference) - after.peakSignalToNoise) < 0.1)
  }

  @Test("missing pixels are filled in, and known ones are kept")
  func inpainting() throws {
    let truth = Self.picture(40, 40)
    var (observed, known) = (truth, [Bool](repeating: true, count: 1600))
    for row in 10..<16 {
      for column in 8..<30 {
        known[row * 40 + column] = false
        for channel in 0..<3 { observed[row, column, channel] = 0 }
      }
    }
    let problem = try PriorProblem.inpainting(observed, known: known)
    let prior = try Self.fit(
      problem, Self.settings(16, iterations: 200, input: .meshGrid, averaging: 0.9))
    for (index, isKnown) in known.enumerated() where isKnown {
      #expect(prior.result.pixels[3 * index] == truth.pixels[3 * index])
    }
    let before = try PictureSimilarity(problem.baseline, truth).peakSignalToNoise
    let after = try PictureSimilarity(prior.result, truth).peakSignalToNoise
    let alone = try PictureSimilarity(prior.networkResult, truth).peakSignalToNoise
    #expect(after > before + 10 && alone < after)
  }

  @Test("another seed fills a hole with something else, the same with the same")
  func diversity() throws {
    let problem = try PriorProblem.restoration(of: Self.picture(24, 24), hiding: 0.8, seed: 3)
    #expect(abs(Double(try #require(problem.known).count { !$0 }) / 576 - 0.8) < 0.06)
    let results = try [1, 2, 1].map {
      try Self.fit(problem, Self.settings(8, iterations: 20, seed: $0)).result
    }
    #expect(results[0] != results[1] && results[0] == results[2])
  }

  @Test("a larger picture is one of which the operator makes the small one", arguments: [2, 4])
  func superResolution(factor: Int) throws {
    let small = Self.picture(12, 16)
    let prior = try Self.fit(
      .superResolution(small, factor: factor),
      Self.settings(16, iterations: 150, averaging: 0.5))
    #expect(prior.result.height == 12 * factor && prior.result.width == 16 * factor)
    let again = prior.result.resized(height: 12, width: 16, filter: .lanczos)
    #expect(try PictureSimilarity(again, small).peakSignalToNoise > 25)
  }

  @Test(
    "the operator of super-resolution is Lanczos's filter as pictures are resized",
    arguments: [2, 3, 4, 8])
  func lanczos(factor: Int) throws {
    let image = Self.noisy(Self.picture(12 * factor, 9 * factor), deviation: 30)
    var graph = Graph(name: "reduction")
    let x = graph.addInput("x", ValueType([1, 3, image.height, image.width]))
    let (y, inputs) = try LanczosReduction(factor: factor).append(to: &graph, picture: x)
    graph.addOutput("y", y)
    var executable = try Executable(
      graph, parameters: [:], options: .init(inputFormat: .channelsFirst, threads: 1))
    let planes = Tensor(
      (0..<3).flatMap { channel in
        (0..<image.height * image.width).map { Float(image.pixels[3 * $0 + channel]) / 255 }
      }, shape: [1, 3, image.height, image.width])
    let result = try #require(
      executable.run(inputs.merging(["x": planes]) { $1 })["y"]
    ).elements
    let expected = image.resized(height: 12, width: 9, filter: .lanczos)
    // At the border resizing weighs what is within the picture, the operator repeats its edge.
    for row in 3..<9 {
      for column in 3..<6 {
        for channel in 0..<3 {
          let value = min(max(result[(channel * 12 + row) * 9 + column], 0), 1) * 255
          #expect(abs(value - Float(expected[row, column, channel])) < 1.01)
        }
      }
    }
  }

  @Test("a fit that goes on gives the same bytes as one that was not broken off")
  func resuming() throws {
    let observed = Self.noisy(Self.picture(20, 24), deviation: 20)
    let rule = OverfittingRule(window: 3, patience: 100)
    func settings(_ iterations: Int) -> PriorSettings {
      Self.settings(8, iterations: iterations, stopping: rule)
    }
    let whole = try Self.fit(.denoising(observed), settings(9))
    let half = try Self.fit(.denoising(observed), settings(4))
    let directory = try TemporaryDirectory()
    try half.checkpoint.write(to: directory.file("state"))
    let kept = try PriorCheckpoint(contentsOf: directory.file("state"))
    #expect(kept.loss == half.loss)
    let rest = try Self.fit(.denoising(observed), settings(9), resuming: kept)
    #expect(rest.result == whole.result && rest.loss == whole.loss)
    #expect(rest.variance == whole.variance)
    try rest.checkpoint.write(to: directory.file("rest"))
    try whole.checkpoint.write(to: directory.file("whole"))
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: directory.file("rest")))
        == Data(contentsOf: URL(fileURLWithPath: directory.file("whole"))))
    // As earlier versions wrote it.
    var older = try Safetensors(contentsOf: directory.file("state"))
    older.metadata["convnet.prior"]?.replace(/"loss":[^,]*,/, with: "")
    try older.write(to: directory.file("older"))
    let read = try PriorCheckpoint(contentsOf: directory.file("older"))
    #expect(read.loss == nil && read.iteration == 4)
    #expect(
      try Self.fit(.denoising(observed), settings(9), resuming: read).result == whole.result)
  }

  @Test("a state keeps pictures of the way for who shows it, and goes on without looking at them")
  func keptPictures() throws {
    let observed = Self.picture(12, 10)
    let settings = Self.settings(8, iterations: 2)
    let prior = try Self.fit(.denoising(observed), settings)
    var kept = prior.checkpoint
    #expect(kept.pictures.isEmpty)
    kept.pictures = [1: observed, 20: prior.result]
    let directory = try TemporaryDirectory()
    try kept.write(to: directory.file("state"))
    let read = try PriorCheckpoint(contentsOf: directory.file("state"))
    #expect(read.pictures == kept.pictures)
    var further = settings
    further.iterations = 3
    let whole = try Self.fit(.denoising(observed), further)
    #expect(try Self.fit(.denoising(observed), further, resuming: read).result == whole.result)
    var bad = try Safetensors(contentsOf: directory.file("state"))
    bad.tensors["picture/20"] = Tensor([1, 2] as [UInt8])
    try bad.write(to: directory.file("bad"))
    #expect(throws: InsightError.otherFit(what: "a state that is damaged")) {
      try PriorCheckpoint(contentsOf: directory.file("bad"))
    }
  }

  @Test("a state of another picture, of other settings, or damaged is refused")
  func otherStates() throws {
    let (first, second) = (Self.picture(16, 16), Self.picture(16, 17))
    let rule = OverfittingRule(window: 3, patience: 9)
    let settings = Self.settings(8, iterations: 4, stopping: rule)
    let kept = try Self.fit(.denoising(first), settings).checkpoint
    func refusal(_ problem: PriorProblem, _ settings: PriorSettings, _ kept: PriorCheckpoint)
      -> String
    {
      do {
        _ = try DeepImagePrior(problem, settings: settings, resuming: kept, compute: Self.compute)
        return ""
      } catch { return "\(error)" }
    }
    #expect(refusal(.denoising(second), settings, kept).contains("another picture"))
    #expect(
      try refusal(
        .inpainting(first, known: [Bool](repeating: true, count: 256)), settings, kept
      ).contains("another mask"))
    #expect(
      try refusal(.superResolution(first, factor: 2), settings, kept).contains("another picture"))
    var other = settings
    other.learningRate = 0.5
    #expect(refusal(.denoising(first), other, kept).contains("a learning rate of 0.01"))
    // How long to go on may change.
    other = settings
    other.iterations = 40
    other.stopping = OverfittingRule(window: 3, patience: 3)
    #expect(refusal(.denoising(first), other, kept).isEmpty)

    let directory = try TemporaryDirectory()
    try kept.write(to: directory.file("state"))
    let good = try Safetensors(contentsOf: directory.file("state"))
    let changes: [(String, Tensor?)] = [
      ("average", Tensor([1 as Float])),
      ("outputs", Tensor([1, 2, 3] as [UInt16])), ("outputs", Tensor([1 as Float])),
      ("parameter/last.bias", nil), ("parameter/last.bias", Tensor(zeros: [2])),
      ("slot/mean/last.bias", nil), ("slot/squares/last.bias", Tensor(zeros: [4])),
    ]
    for (name, tensor) in changes {
      var bad = good
      try #require(bad.tensors[name] != nil, "\(name)")
      bad.tensors[name] = tensor
      try bad.write(to: directory.file("bad"))
      var message = ""
      do {
        message = refusal(
          .denoising(first), settings, try PriorCheckpoint(contentsOf: directory.file("bad")))
      } catch { message = "\(error)" }
      #expect(message.contains("state"), "\(name): \(message)")
    }
  }

  @Test(
    "a fit stops when so many steps have brought no smaller variance of its outputs")
  func stopping() throws {
    let observed = Self.noisy(Self.picture(32, 32), deviation: 60)
    let settings = Self.settings(
      16, iterations: 400, averaging: 0.8, stopping: OverfittingRule(window: 8, patience: 30))
    var averages: [Image] = []
    var variances: [Double?] = []
    let prior = try DeepImagePrior(.denoising(observed), settings: settings, compute: Self.compute)
    try prior.run { prior in
      averages.append(prior.result)
      variances.append(prior.variance)
    }
    #expect(variances.firstIndex { $0 != nil } == 7)
    try #require(prior.isOverfitting)
    let least = try #require(variances.compactMap { $0 }.min())
    let place = try #require(variances.firstIndex { $0 == least })
    #expect(prior.leastVarianceIteration == place + 1 && prior.iteration == place + 31)
    #expect(prior.result == averages.last)
  }

  @Test("what cannot be fitted is refused with what would do")
  func refusals() throws {
    let image = Self.picture(10, 12)
    #expect(throws: InsightError.extents(what: "the mask", actual: [12, 9], expected: [12, 10])) {
      try PriorProblem.inpainting(image, mask: Image(height: 9, width: 12, color: .white))
    }
    #expect(throws: InsightError.self) {
      try PriorProblem.inpainting(image, mask: Image(height: 10, width: 12, color: .black))
    }
    #expect(throws: InsightError.self) { try PriorProblem.superResolution(image, factor: 1) }
    let share = #expect(throws: InsightError.self) {
      try PriorProblem.restoration(of: image, hiding: 1, seed: 0)
    }
    #expect(share?.description.contains("must be above 0 and below 1") == true)
    // One pixel is hidden or not, as the seed says; there is no mask that could be blamed.
    for seed: UInt64 in 0..<4 {
      let error = #expect(throws: InsightError.self) {
        try PriorProblem.restoration(
          of: Image(height: 1, width: 1, color: .white), hiding: 0.5, seed: seed)
      }
      #expect(error?.description.contains("take a larger picture") == true)
    }
    let large = InsightError.tooLarge(
      height: 40_000, width: 30_000, byteCount: 648_106_617_408, fits: [300, 400])
    #expect(
      large.description
        == "a picture of 30000x40000 needs 648 GB of memory, which cannot be had; one of 300x400 fits"
    )
    for change: (inout PriorSettings) -> Void in [
      { $0.learningRate = 0 }, { $0.averaging = 1 }, { $0.perturbation = -1 },
      { $0.iterations = 0 }, { $0.network.down = [] }, { $0.network.skip = [1] },
      { $0.network.upKernel = 4 }, { $0.input = .meshGrid }, { $0.input = .picture },
      { $0.stopping = OverfittingRule(window: 1) },
    ] {
      var settings = Self.settings()
      change(&settings)
      #expect(throws: InsightError.self) {
        try DeepImagePrior(.denoising(image), settings: settings, compute: Self.compute)
      }
    }
    var settings = PriorSettings.flash
    settings.network = PriorNetwork(down: [8], inputChannels: 3)
    #expect(throws: InsightError.self) {
      try DeepImagePrior(
        .denoising(image), settings: settings, guide: Self.picture(10, 11), compute: Self.compute)
    }
  }

  @Test("kernels of five reflect as far as the coarsest scale reaches", arguments: [1, 3, 5, 7])
  func kernels(kernel: Int) throws {
    let settings = PriorSettings(
      network: PriorNetwork(
        down: [4, 4], skip: [0, 3], downKernel: kernel, upKernel: kernel, inputChannels: 4),
      iterations: 2)
    #expect(try Self.fit(.denoising(Self.picture(3, 5)), settings).loss.isFinite)
  }
}
