import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("visualize draws, and refuses what cannot be drawn") struct VisualizeTests {
  /// A small model, pictures of two classes in folders, and one beside them.
  private static func directory() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    let model = try Model(
      validating: Network("tiny", input: .image(height: 12, width: 12, channels: 3)) {
        Conv2D(4, kernel: 5).named("conv")
        ReLU().named("relu")
        MaxPool2D(2).named("pool")
        Flatten()
        Dense(5).named("hidden")
        Tanh()
        Dense(2).named("out")
      }, seed: 1, classNames: ["dark", "light"],
      preprocessing: Preprocessing(height: 12, width: 12, channels: 3))
    try model.save(to: directory.file("m.safetensors"))
    for number in 0..<24 {
      let isLight = number % 2 == 1
      var image = Image(
        height: 14, width: 12, color: .init(grey: UInt8((isLight ? 160 : 20) + 3 * number)))
      image[number % 14, number % 12, 0] = 255
      try directory.write(
        image.encodedPNG(), to: "data/\(isLight ? "light" : "dark")/\(number).png")
    }
    try directory.write(Image(height: 9, width: 9, color: .white).encodedPNG(), to: "a.png")
    return directory
  }

  private static let commands: [(String, [String])] = [
    ("grad-cam", ["m.safetensors", "a.png", "--top", "2", "--sanity-check"]),
    ("grad-cam", ["m.safetensors", "a.png", "--plus-plus", "--guided", "--class", "light"]),
    ("saliency", ["m.safetensors", "a.png", "--guided", "--class", "1"]),
    ("integrated-gradients", ["m.safetensors", "a.png", "--steps", "5", "--baseline", "white"]),
    ("occlusion", ["m.safetensors", "a.png", "--window", "4"]),
    ("activations", ["m.safetensors", "a.png", "--layer", "conv"]),
    ("arithmetic", ["--input", "5x4", "--kernel", "2", "--stride", "2", "--animated"]),
    ("convolve", ["--signal", "1,2,3", "--kernel", "1,-1", "--border", "full"]),
    ("convolve", ["--picture", "a.png", "--kernel", "emboss"]),
    ("normalization", []), ("shift", []), ("shift", ["--picture", "a.png", "--by", "2"]),
    ("receptive-field", ["m.safetensors", "--layer", "pool", "--position", "0,1"]),
    ("network", ["m.safetensors"]), ("filters", ["m.safetensors", "--gabor"]),
    ("nearest", ["m.safetensors", "--data", "data", "--layer", "conv", "--channel", "2"]),
    ("nearest", ["m.safetensors", "--data", "data", "--picture", "a.png", "--count", "3"]),
    ("maximize", ["m.safetensors", "--class", "light", "--steps", "4", "--data", "data"]),
    ("invert", ["m.safetensors", "a.png", "--steps", "4", "--beside", "data/dark/0.png"]),
    ("embedding", ["m.safetensors", "--data", "data", "--perplexity", "5", "--iterations", "20"]),
    ("embedding", ["m.safetensors", "--data", "data", "--method", "pca", "--thumbnails"]),
    (
      "landscape", ["m.safetensors", "--data", "data", "--points", "5", "--pictures", "10"]
    ),
    (
      "landscape",
      ["m.safetensors", "--data", "data", "--points", "5", "--dimensions", "1", "--quiet"]
    ),
  ]

  @Test("each command writes an SVG file without scripts, and prints JSON")
  func commands() throws {
    let directory = try Self.directory()
    for (number, (name, arguments)) in Self.commands.enumerated() {
      let output = "\(number).svg"
      let run = try Invocation(
        ["visualize", name] + arguments + ["--output", output, "--json"], in: directory.path)
      #expect(run.status == 0, "\(name) \(arguments): \(run.errors)")
      _ = try run.json()
      let svg = String(decoding: try fileBytes(directory.file(output)), as: UTF8.self)
      #expect(svg.hasPrefix("<?xml") && svg.contains("</svg>"), "\(name)")
      // Pictures are text too, of any letters.
      let text = svg.replacing(/href="[^"]*"/, with: "")
      #expect(!text.contains("<script") && !text.contains("nan"), "\(name)")
    }
  }

  @Test("pictures are written as PNG where the name ends so")
  func png() throws {
    let directory = try Self.directory()
    for (name, arguments) in Self.commands
    where ["grad-cam", "activations", "filters", "maximize", "nearest"].contains(name) {
      let run = try Invocation(
        ["visualize", name] + arguments + ["--output", "p.png"], in: directory.path)
      #expect(run.status == 0, "\(name): \(run.errors)")
      #expect(try Image(contentsOf: directory.file("p.png")).width > 60, "\(name)")
    }
  }

  @Test("values of a layer are a NumPy file, with a table of the pictures beside it")
  func features() throws {
    let directory = try Self.directory()
    let run = try Invocation(
      [
        "visualize", "features", "m.safetensors", "--data", "data", "--layer", "pool", "--mean",
        "--limit", "10", "--output", "f.npy",
      ], in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try Tensor(npy: directory.file("f.npy")).shape == [10, 4])
    let table = String(decoding: try fileBytes(directory.file("f.csv")), as: UTF8.self)
    #expect(table.split(separator: "\n").count == 11)
    #expect(table.contains("dark/0.png,dark"))
  }

  @Test("a landscape that was broken off goes on, and one that is there is not lost")
  func landscape() throws {
    let directory = try Self.directory()
    func run(_ more: [String]) throws -> Invocation {
      try Invocation(
        [
          "visualize", "landscape", "m.safetensors", "--data", "data", "--points", "3",
          "--output", "l.svg",
        ] + more, in: directory.path)
    }
    #expect(try run([]).status == 0)
    let whole = try fileBytes(directory.file("l.csv"))
    let refused = try run([])
    #expect(refused.status == 1 && refused.errors.contains("--resume"))
    let lines = String(decoding: whole, as: UTF8.self).split(separator: "\n").dropLast(4)
    try directory.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: "l.csv")
    #expect(try run(["--resume"]).status == 0)
    #expect(try fileBytes(directory.file("l.csv")) == whole)
    let other = try run(["--resume", "--reach", "2"])
    #expect(other.status == 1 && other.errors.contains("same setting"))
    let prepared = try run(["--resume", "--fit", "pad"])
    #expect(prepared.status == 1 && prepared.errors.contains("same setting"))
    // Other pictures of the same names.
    for number in stride(from: 0, to: 24, by: 2) {
      try directory.write(
        Image(height: 14, width: 12, color: .init(grey: UInt8(60 + number))).encodedPNG(),
        to: "data/dark/\(number).png")
    }
    let exchanged = try run(["--resume"])
    #expect(exchanged.status == 1 && exchanged.errors.contains("same setting"))
    #expect(try fileBytes(directory.file("l.csv")) == whole)
  }

  @Test(
    "what cannot be drawn is refused in a line that says what would do",
    arguments: [
      (["grad-cam", "m.safetensors", "a.png", "--layer", "rellu", "--output", "o.svg"], "relu"),
      (
        ["grad-cam", "m.safetensors", "a.png", "--layer", "hidden", "--output", "o.svg"],
        "the last layer that has is relu"
      ),
      (["grad-cam", "m.safetensors", "a.png", "--class", "lihgt", "--output", "o.svg"], "light"),
      (["grad-cam", "m.safetensors", "a.png", "--output", "o.jpg"], ".png or .svg"),
      (["grad-cam", "m.safetensors", "a.png", "--output", "none/o.svg"], "there is no folder"),
      (["grad-cam", "m.safetensors", "b.png", "--output", "o.svg"], "did you mean a.png"),
      (["saliency", "lenet5", "a.png", "--output", "o.svg"], "--weights"),
      (
        ["occlusion", "m.safetensors", "a.png", "--window", "13", "--output", "o.svg"],
        "from 1 to 12"
      ),
      (
        ["arithmetic", "--input", "3", "--kernel", "5", "--output", "o.svg"],
        "at most the padded input, 3"
      ),
      (
        ["arithmetic", "--input", "300", "--kernel", "3", "--output", "o.svg"],
        "take a smaller input"
      ),
      (
        [
          "arithmetic", "--kind", "transposed", "--input", "3", "--kernel", "3", "--padding",
          "same",
        ], "cut from the output"
      ),
      (["convolve", "--picture", "a.png", "--kernel", "sobl", "--output", "o.svg"], "sobel"),
      (
        ["convolve", "--signal", "1,2", "--kernel", "1,2,3", "--output", "o.svg"], "from 1 to the 2"
      ),
      (["network", "resnet18", "--expand", "layer1.9", "--output", "o.svg"], "layer1.0"),
      (
        ["network", "resnet18", "--expand", "layer9", "--output", "o.svg"], "layer1, layer2, layer3"
      ),
      (
        ["network", "resnet18", "--expand", "inception", "--output", "o.svg"], "one of layer1.0"
      ),
      (
        [
          "receptive-field", "m.safetensors", "--layer", "pool", "--position", "9,9", "--output",
          "o.svg",
        ], "from 0 to 3"
      ),
      (
        ["maximize", "m.safetensors", "--layer", "conv", "--channel", "4", "--output", "o.svg"],
        "from 0 to 3"
      ),
      (["embedding", "m.safetensors", "--data", "data", "--output", "o.svg"], "at most 7"),
      (
        ["features", "m.safetensors", "--data", "data", "--layer", "pol", "--output", "f.npy"],
        "pool"
      ),
      (["invert", "m.safetensors", "a.png", "--layer", "cnv", "--output", "o.svg"], "conv"),
    ])
  func refusals(arguments: [String], text: String) throws {
    let directory = try Self.directory()
    let errors = try Invocation(["visualize"] + arguments, in: directory.path).failure()
    #expect(errors.contains(text), "\(errors)")
    #expect(try !directory.contents().contains("o.svg"))
  }

  @Test(
    "wrong usage is told before anything is computed",
    arguments: [
      ["convolve", "--kernel", "1", "--output", "o.svg"],
      ["convolve", "--signal", "1,2,3", "--kernel", "gaussian", "--output", "o.svg"],
      ["shift", "--kernel", "box", "--output", "o.svg"],
      ["arithmetic", "--input", "x", "--kernel", "3"],
      ["nearest", "m.safetensors", "--data", "data", "--output", "o.svg"],
      ["maximize", "m.safetensors", "--output", "o.svg"],
      [
        "maximize", "m.safetensors", "--class", "0", "--steps", "9223372036854775807", "--output",
        "o.svg",
      ],
      ["invert", "m.safetensors", "a.png", "--steps", "9223372036854775807", "--output", "o.svg"],
      ["landscape", "m.safetensors", "--data", "data", "--points", "4", "--output", "o.svg"],
      ["grad-cam", "m.safetensors", "a.png", "--top", "2", "--class", "1", "--output", "o.svg"],
      ["integrated-gradients", "m.safetensors", "a.png", "--steps", "0", "--output", "o.svg"],
    ])
  func usage(arguments: [String]) throws {
    let directory = try Self.directory()
    #expect(try Invocation(["visualize"] + arguments, in: directory.path).status == 64)
  }

  @Test("kernels by name, and of rows, are of a picture, and a signal's says so")
  func signalKernels() throws {
    let directory = try Self.directory()
    for kernel in ["gaussian", "gausian", "0,1;1,0"] {
      let run = try Invocation(
        ["visualize", "convolve", "--signal", "1,2,3", "--kernel", kernel, "--output", "o.svg"],
        in: directory.path)
      #expect(run.status == 64 && run.errors.contains("are of a --picture"), "\(run.errors)")
    }
  }

  @Test("numbers of pictures through a kernel are plain, and a mean change is a ratio")
  func plainNumbers() throws {
    let directory = try Self.directory()
    var edge = Image(height: 12, width: 12, color: .black)
    for row in 0..<12 {
      for column in 6..<12 { for channel in 0..<3 { edge[row, column, channel] = 255 } }
    }
    try directory.write(edge.encodedPNG(), to: "edge.png")
    let filtered = try Invocation(
      [
        "visualize", "convolve", "--picture", "edge.png", "--kernel", "sobel-x", "--output",
        "e.svg",
      ], in: directory.path)
    #expect(filtered.output.contains("at most 2040, of brightness from 0 to 255"))
    let svg = String(decoding: try fileBytes(directory.file("e.svg")), as: UTF8.self)
    #expect(svg.contains(">1020<") && svg.contains(">-1020<"))
    let moved = try Invocation(
      [
        "visualize", "shift", "--picture", "edge.png", "--kernel", "sobel-x", "--by", "4",
        "--output", "s.svg",
      ], in: directory.path)
    #expect(moved.output.contains("mean change / mean magnitude: "), "\(moved.errors)")
    // The edge is at another place: all that was there is gone, and as much has come.
    #expect(moved.output.contains("2.00 after the convolution"))
  }

  @Test("the arithmetic takes pooling with gaps, and an output padding below the dilation")
  func wideArithmetic() throws {
    let pooled = try Invocation([
      "visualize", "arithmetic", "--kind", "max-pooling", "--input", "7", "--kernel", "3",
      "--stride", "2", "--dilation", "2", "--padding", "1",
    ])
    #expect(pooled.output == "output = ⌊(7 + 1 + 1 − (2 · (3 − 1) + 1)) / 2⌋ + 1 = 3\n")
    let transposed = try Invocation([
      "visualize", "arithmetic", "--kind", "transposed", "--input", "3", "--kernel", "3",
      "--dilation", "3", "--padding", "1", "--output-padding", "2",
    ])
    #expect(transposed.output.hasSuffix(" = 9\n"), "\(transposed.errors)")
  }
}
