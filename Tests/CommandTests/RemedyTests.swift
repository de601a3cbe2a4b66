import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("What the command adds to errors of the library") struct RemedyTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    /// What the library says, and how the command goes on.
    var library: String
    var remedy: String
    var testDescription: String { remedy }

    init(_ arguments: String, _ library: String, _ remedy: String) {
      self.arguments = arguments.split(separator: " ").map(String.init)
      (self.library, self.remedy) = (library, remedy)
    }
  }

  static let cases = [
    Case(
      "train --model lenet5 --data mnist --data-root nowhere --output o",
      "nowhere/train-images-idx3-ubyte.gz does not exist; name the folder that holds the four files of MNIST as its root",
      "--data-root names the folder"),
    Case(
      "train --model lenet5 --data cifar10 --data-root nowhere --output o",
      "does not exist; fetch https://", "--data-root names the folder"),
    Case(
      "evaluate model.safetensors --data alone",
      "alone/val does not exist; put the pictures to evaluate on into it, or hold out a share of the others",
      "--split chooses the share"),
    Case(
      "evaluate model.safetensors --data both --split 0.5",
      "has a part to test on; hold out no share", "leave out --split"),
    Case(
      "train --model lenet5 --data alone/train --output o --split 1",
      "with a share of 1.0 held out nothing is left to train; take more pictures or another share, or train on all of them",
      "--split chooses the share, and with --split 0 a training takes all of them"),
    Case(
      "predict checkpoint both/val/a/0.png",
      "checkpoint: is the checkpoint of a training, to go on from",
      "`convnet train --resume` goes on from it"),
    Case(
      "predict tensors.safetensors both/val/a/0.png",
      "tensors.safetensors: holds tensors but no network",
      "name a network of `convnet models`, and this file with --weights, or with --init to train it further"
    ),
    Case(
      "predict lenet5 --weights half.safetensors both/val/a/0.png",
      "choose another network or file, or the network with another number of classes",
      "--classes builds it for another number"),
    Case(
      "train --model lenet5 --data both --input 28x28 --output o --batch-size 8 --init half.safetensors",
      "half.safetensors has little of lenet5", "--partly begins with that"),
  ]

  private static func write(to directory: borrowing TemporaryDirectory) throws {
    for folder in ["alone/train", "both/train", "both/val"] {
      try writeClasses(["a": 10, "b": 90], to: directory.file(folder), count: 2)
    }
    let entry = try #require(ModelRegistry["lenet5"])
    let model = Model(entry.network)
    try model.save(to: directory.file("model.safetensors"))
    let tensors = Safetensors(tensors: ["w": Tensor(zeros: [1])])
    try tensors.write(to: directory.file("tensors.safetensors"))
    var checkpoint = tensors
    checkpoint.metadata["convnet.checkpoint"] = "{}"
    try checkpoint.write(to: directory.file("checkpoint"))
    // One parameter of ten, which is of no other network.
    try Safetensors(tensors: model.parameters.filter { $0.key == "dense2.bias" })
      .write(to: directory.file("half.safetensors"))
  }

  @Test("the option that mends it stands behind what the library says", arguments: cases)
  func remedies(_ example: Case) throws {
    let directory = try TemporaryDirectory()
    try Self.write(to: directory)
    let line = try Invocation(example.arguments, in: directory.path).failure()
    #expect(line.contains(example.library) && line.hasSuffix("; \(example.remedy)"), "\(line)")
  }
}
