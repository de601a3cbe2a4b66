import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Twins on the command line") struct TwinCommandTests {
  /// A tensor, and weights of plain20 as PyTorch would write them and as we write them.
  private func write(to directory: borrowing TemporaryDirectory) throws -> Model {
    let entry = try #require(ModelRegistry["plain20"])
    let model = Model(entry.network, seed: 1)
    let weights = model.parameters.map { ($0, $1) }
    try WeightFile.write(weights, to: directory.file("foreign.pth"))
    try WeightFile.write(weights, to: directory.file("ours.pth"), network: "plain20")
    try model.save(to: directory.file("model.safetensors"))
    try Tensor.random([1, 3, 32, 32], seed: 2).writeNPY(to: directory.file("x.npy"))
    try Tensor([Int64(1)]).writeNPY(to: directory.file("labels.npy"))
    return model
  }

  @Test(
    "every command that takes weights refuses those of a twin, and takes them with --as-named",
    arguments: [
      ["run", "resnet20", "--input", "x.npy", "--output", "y.npy"],
      [
        "gradients", "resnet20", "--input", "x.npy", "--labels", "labels.npy", "--output", "g",
      ],
      ["summary", "resnet20"], ["convert", "ours.pth", "o.npz", "--model", "resnet20"],
    ])
  func refused(arguments: [String]) throws {
    let directory = try TemporaryDirectory()
    _ = try write(to: directory)
    let weights = arguments[0] == "convert" ? [] : ["--weights", "ours.pth"]
    let line = try Invocation(arguments + weights, in: directory.path).failure()
    #expect(
      line.hasPrefix(
        "ours.pth says that it is of plain20, not of resnet20, with 0 instead of 9 adds")
        && line.hasSuffix("name plain20, or say that resnet20 is meant; --as-named says so"))
    let run = try Invocation(arguments + weights + ["--as-named"], in: directory.path)
    #expect(run.status == 0 && run.errors.contains("taken as resnet20; plain20 has the same"))
  }

  @Test("what is converted still says whose it is")
  func converted() throws {
    let directory = try TemporaryDirectory()
    _ = try write(to: directory)
    var source = "model.safetensors"
    for target in ["a.pth", "b.npz", "c.safetensors"] {
      #expect(
        try convnet("convert", source, target, "--quiet", in: directory.path).status == 0)
      #expect(try WeightFile(directory.file(target)).network == "plain20")
      source = target
    }
  }

  @Test("a file of weights alone is run where its network is known, and told where it is not")
  func bareWeights() throws {
    let directory = try TemporaryDirectory()
    let model = try write(to: directory)
    let tail = ["--input", "x.npy", "--output", "y.npy"]
    let run = try Invocation(["run", "ours.pth"] + tail, in: directory.path)
    #expect(run.status == 0 && run.errors == "ours.pth: taken as plain20\n")
    let input = try Tensor(npy: directory.file("x.npy"))
    #expect(try Tensor(npy: directory.file("y.npy")) == model.run(input, order: .channelsFirst))
    let unknown = try Invocation(["run", "foreign.pth"] + tail, in: directory.path).failure()
    #expect(unknown.contains("holds tensors but no network"))
    let named = try Invocation(
      ["run", "plain20", "--weights", "foreign.pth"] + tail, in: directory.path)
    #expect(named.status == 0 && named.errors.contains("resnet20 has the same parameters, but"))
  }

  @Test("models lists aliases and twins; summary says what a twin does otherwise")
  func listing() throws {
    let run = try convnet("models", "--json")
    let rows = try #require(try run.json() as? [[String: Any]])
    let vgg = try #require(rows.first { $0["name"] as? String == "vgg-d" })
    #expect(vgg["aliases"] as? [String] == ["vgg16"] && vgg["twins"] == nil)
    let resnet = try #require(rows.first { $0["name"] as? String == "resnet50" })
    let twins = try #require(resnet["twins"] as? [[String: Any]])
    #expect(twins.map { $0["name"] as? String } == ["resnet50-v1.5"])
    let text = try convnet("models").output
    #expect(text.contains("vgg16 for vgg-d;"))
    #expect(text.contains("resnet50-v1.5 has the parameters of resnet50, and epsilon 1e-05"))
    let summary = try convnet("summary", "resnet20").output
    #expect(
      summary.contains("Note: resnet20 has the parameters of plain20, and 9 instead of 0 adds"))
  }
}
