import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Failures") struct FailureTests {
  @Test(
    "usage errors exit with 64 and write nothing to standard output",
    arguments: [
      ["nonsense"], ["summary"], ["summary", "lenet5", "--batch", "0"],
      ["summary", "lenet5", "--batch", "many"], ["summary", "lenet5", "--mode", "sleep"],
      ["summary", "lenet5", "--input", "28"], ["summary", "lenet5", "--input", "0x28"],
      ["summary", "lenet5", "--classes", "0"], ["summary", "lenet5", "--threads", "0"],
      ["summary", "lenet5", "--threads", "100000000"], ["explain", "lenet5", "--batch=-3"],
      ["benchmark", "lenet5", "--seconds", "nan"], ["benchmark", "lenet5", "--batch", "0"],
      ["train", "--model", "lenet5"], ["predict", "file"], ["predict", "file", "x", "--top", "0"],
      ["evaluate", "file", "--data", "mnist", "--batch-size", "0"],
      ["train", "--model", "lenet5", "--data", "x", "--output", "y", "--learning-rate", "fast"],
      ["dataset", "export", "mnist", "--output", "x", "--count=-1"],
      ["train", "--output", "x"], ["train", "--output", "x", "--overwrite", "--data", "y"],
      ["train", "--output", "x", "--resume", "--overwrite"],
      ["benchmark", "lenet5", "--mode", "training", "--dense-weights", "int8"],
      ["benchmark", "lenet5", "--requests", "0"],
      ["benchmark", "lenet5", "--threads", "2", "--requests", "3"],
      ["benchmark", "lenet5", "--threads", "2", "--requests", "2", "--mode", "training"],
      ["benchmark", "lenet5", "--threads", "2", "--requests", "2", "--profile"],
      ["explain", "lenet5", "--mode", "training", "--dense-weights", "bfloat16"],
      ["benchmark", "lenet5", "--dense-weights", "int4"],
      ["train", "--model", "lenet5", "--data", "x", "--output", "y", "--dense-weights", "int8"],
      ["convert", "in"], ["convert", "in", "out.npz", "--element-type", "int8"],
      ["convert", "in", "out.npz", "--mean", "0.5"],
      ["convert", "in", "out.npz", "--classes", "3"],
      ["convert", "in", "out.npz", "--model", "lenet5", "--mean", "a,b"],
    ])
  func usage(arguments: [String]) throws {
    let run = try Invocation(arguments)
    #expect(run.status == 64)
    #expect(run.output.isEmpty && !run.errors.isEmpty)
  }

  @Test(
    "a value below zero is told as that, not as missing",
    arguments: [
      (["summary", "lenet5", "--batch", "-3"], "--batch is -3"),
      (["summary", "lenet5", "--threads", "-1"], "--threads is -1"),
      (["predict", "file", "x", "--top", "-1"], "--top is -1"),
      (
        ["train", "--model", "m", "--data", "d", "--output", "o", "--split", "-0.5"],
        "--split is -0.5"
      ),
    ])
  func negative(arguments: [String], says: String) throws {
    let run = try Invocation(arguments)
    #expect(run.status == 64)
    #expect(run.errors.contains(says), "\(run.errors)")
  }

  @Test("several processes that were started together are not several trainings in one folder")
  func startedTogether() throws {
    let directory = try TemporaryDirectory()
    for setting in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] {
      let run = try Invocation(
        ["train", "--model", "lenet5", "--data", "fashion-mnist", "--output", "run"],
        in: directory.path, settings: [setting: "3"])
      #expect(
        try run.failure()
          == "3 processes were started together, and this command is built for one; build it with MPI: `make mpi`"
      )
    }
    #expect(try directory.contents().isEmpty)
  }

  @Test("behind two dashes, and before an equals sign, nothing is joined")
  func notJoined() throws {
    let run = try convnet("summary", "--", "-1")
    #expect(run.errors.contains("unknown model or file -1"))
    #expect(try convnet("summary", "lenet5", "--batch=2", "-3").status == 64)
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var says: [String]
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: String, says: String...) {
      self.arguments = arguments.split(separator: " ").map(String.init)
      self.says = says
    }
  }

  static let refusals = [
    Refusal(
      "summary lenet", says: "unknown model or file lenet", "did you mean lenet5", "convnet models"
    ),
    Refusal("summary transformer", says: "unknown model or file transformer", "convnet models"),
    Refusal(
      "benchmark lenet5 --trace absent/trace.json", says: "cannot write to absent/trace.json",
      "--trace"),
    Refusal("explain lenet5 --after fusion", says: "unknown pass fusion", "activation-fusion"),
    Refusal(
      "summary lenet5 --input 3x3", says: "conv2: a window of 5x5 does not fit", "1x1",
      "larger input"),
    Refusal(
      "summary lenet5 --classes 9223372036854775807", says: "dense3.weight", "at most 1073741824"),
    Refusal("summary lenet5 --input 60000x60000", says: "flatten1: has shape 1x3599040064"),
    Refusal("summary lenet5 --input 4000000000x4000000000", says: "lenet5: input is"),
    Refusal("summary lenet5 --batch 9223372036854775807", says: "batch is 9223372036854775807"),
    Refusal("summary lenet5 --batch 100000000", says: "lenet5"),
    Refusal(
      "train --model lenet5 --data fashion-mnst --output out", says: "data set 'fashion-mnst'",
      "did you mean fashion-mnist"),
    Refusal(
      "train --model lenet5 --data nowhere --output out", says: "data set 'nowhere'",
      "fashion-mnist"),
    Refusal(
      "train --model lenet5 --data text.npy --output out", says: "data set 'text.npy'", "CSV"),
    Refusal(
      "train --model lenet5 --data list.csv --output out", says: "list.csv, line 2",
      "quotation mark"),
    Refusal("dataset inspect short.tar --output sheet.png", says: "short.tar", "damaged"),
    Refusal(
      "evaluate absent.safetensors --data mnist", says: "cannot open absent.safetensors",
      "No such file"),
    Refusal("predict absent.safetensors x.png", says: "cannot open absent.safetensors"),
    Refusal("predict model.safetensors absent.png", says: "cannot open absent.png"),
    Refusal("predict model.safetensors text.npy", says: "text.npy"),
    Refusal(
      "predict short.safetensors picture.png", says: "short.safetensors, byte", "bytes of data"),
    Refusal(
      "predict model.safetensors page.npy", says: "page.npy: is a web page (HTML), not a picture"),
    Refusal(
      "run lenet5 --input page.npy --output y.npy", says: "a web page (HTML), not a .npy file"),
    Refusal("predict page.npy picture.png", says: "page.npy: not a file of weights", "a web page"),
    Refusal("train --model lenet5 --data page.csv --output out", says: "a web page (HTML)"),
    Refusal(
      "train --model lenet5 --data x-images-idx3-ubyte --output out", says: "a web page (HTML)"),
    Refusal("predict text.npy picture.png", says: "text.npy: not a file of weights"),
    Refusal("predict lenet5 picture.png", says: "lenet5 has no weights", "--weights"),
    Refusal("summary text.npy", says: "text.npy: not a file of weights"),
    Refusal("summary deep.safetensors", says: "deep.safetensors", "13 dimensions", "may be 12"),
    Refusal("explain deep.safetensors", says: "deep.safetensors", "13 dimensions"),
    Refusal("benchmark deep.safetensors", says: "deep.safetensors", "13 dimensions"),
    Refusal("predict deep.safetensors picture.png", says: "deep.safetensors", "13 dimensions"),
    Refusal("convert absent.pth out.npz", says: "cannot open absent.pth"),
    Refusal("convert weights.safetensors out.xyz", says: "out.xyz", ".safetensors, .pth, .pt"),
    Refusal("convert weights.safetensors out.h5", says: "out.h5", "write .npz"),
    Refusal("convert short.safetensors out.pth", says: "short.safetensors, byte", "bytes of data"),
    Refusal("convert text.npy out.pth", says: "text.npy: not a file of weights"),
    Refusal("convert weights.safetensors out.pth --model lenet", says: "did you mean lenet5"),
    Refusal(
      "convert other.safetensors out.safetensors --model lenet5",
      says: "other.safetensors does not fit lenet5", "lacks 10 parameters", "conv1.bias",
      "the network lacks a"),
    Refusal(
      "convert weights.safetensors out.safetensors --model lenet5 --classes 11",
      says: "dense3.bias is 10, must be 11"),
    Refusal(
      "convert weights.safetensors out.safetensors --model lenet5 --mean 0.5,0.5",
      says: "mean [0.5, 0.5]", "1 channels"),
    Refusal(
      "convert weights.safetensors out.safetensors --model lenet5 --class-names text.npy",
      says: "text.npy has 1 line, the network 10 classes"),
    Refusal("convert weights.safetensors absent/out.npz", says: "cannot create absent/out.npz"),
    Refusal("predict weights.safetensors picture.png", says: "holds tensors but no network"),
    Refusal("summary model.safetensors --input 32x32", says: "input and classes of its own"),
    Refusal("run lenet5 --input absent.npy --output y.npy", says: "cannot open absent.npy"),
    Refusal("run lenet5 --input text.npy --output y.npy", says: "not a .npy file"),
    Refusal(
      "run lenet5 --input short.npy --output y.npy", says: "short.npy, byte 128", "3136 bytes"),
    Refusal("run lenet5 --input int.npy --output y.npy", says: "lenet5", "float32", "int32"),
    Refusal("run lenet5 --input flat.npy --output y.npy", says: "needs shape Nx1x28x28, has 1x784"),
    Refusal(
      "run lenet5 --input color.npy --output y.npy", says: "needs shape Nx1x28x28, has 1x3x28x28"),
    Refusal("run lenet5 --input x.npy --output absent/y.npy", says: "cannot create absent/y.npy"),
    Refusal(
      "run lenet5 --weights other.safetensors --input x.npy --output y.npy",
      says: "other.safetensors", "conv1.bias"),
  ]

  /// Files of every kind of defect, and whole ones.
  private func populate(_ directory: borrowing TemporaryDirectory) throws {
    let model = Model(lenet5(ModelOptions(height: 28, width: 28, channels: 1, classes: 10)))
    try model.save(to: directory.file("model.safetensors"))
    let bytes = try fileBytes(directory.file("model.safetensors"))
    // The input gets nine dimensions more.
    var deep = try Safetensors(contentsOf: directory.file("model.safetensors"))
    deep.metadata["convnet.model"] = deep.metadata["convnet.model"]?.replacingOccurrences(
      of: "[1,1,28,28]", with: "[1,1,28,28" + String(repeating: ",1", count: 9) + "]")
    try deep.write(to: directory.file("deep.safetensors"))
    try directory.write(Array(bytes.dropLast(100)), to: "short.safetensors")
    try Safetensors(tensors: model.parameters).write(to: directory.file("weights.safetensors"))
    try Safetensors(tensors: ["a": Tensor(zeros: [1])]).write(
      to: directory.file("other.safetensors"))
    try Image(height: 28, width: 28, color: .white).writePNG(to: directory.file("picture.png"))
    try Tensor(zeros: [1, 1, 28, 28]).writeNPY(to: directory.file("x.npy"))
    let array = try fileBytes(directory.file("x.npy"))
    try directory.write(Array(array.dropLast(100)), to: "short.npy")
    try Tensor(zeros: [1, 1, 28, 28], elementType: .int32).writeNPY(to: directory.file("int.npy"))
    try Tensor(zeros: [1, 784]).writeNPY(to: directory.file("flat.npy"))
    try Tensor(zeros: [1, 3, 28, 28]).writeNPY(to: directory.file("color.npy"))
    try directory.write([UInt8]("no array, no picture".utf8), to: "text.npy")
    try directory.write([UInt8]("no archive".utf8), to: "short.tar")
    for name in ["page.npy", "page.csv", "x-images-idx3-ubyte", "x-labels-idx1-ubyte"] {
      try directory.write([UInt8]("<!DOCTYPE html>\n<html><head>".utf8), to: name)
    }
    try directory.write([UInt8]("path,label\n\"a.png,x\n".utf8), to: "list.csv")
  }

  @Test(
    "a failure exits with 1, one line that says what and where, and leaves no file",
    arguments: refusals)
  func refusal(_ refusal: Refusal) throws {
    let directory = try TemporaryDirectory()
    try populate(directory)
    let before = try directory.contents()
    let line = try Invocation(refusal.arguments, in: directory.path).failure()
    for text in refusal.says { #expect(line.contains(text), "\(line)") }
    #expect(try directory.contents() == before)
  }

  @Test(
    "a setting that makes no sense is refused before anything is read or written",
    arguments: [
      ("--learning-rate", "nan", "learning rate is nan"),
      ("--learning-rate", "-1", "learning rate is -1"),
      ("--learning-rate", "inf", "learning rate is inf"), ("--batch-size", "0", "batch size is 0"),
      ("--epochs", "0", "epochs is 0"), ("--momentum", "nan", "momentum is nan"),
      ("--weight-decay", "nan", "weight decay is nan"), ("--epochs", "-1", "epochs is -1"),
      ("--momentum", "-.5", "momentum is -0.5"),
      ("--learning-rate", "-inf", "learning rate is -inf"),
    ])
  func settings(option: String, value: String, says: String) throws {
    let directory = try TemporaryDirectory()
    for setting in [["\(option)=\(value)"], [option, value]] {
      let line = try Invocation(
        ["train", "--model", "lenet5", "--data", "nowhere", "--output", "out"] + setting,
        in: directory.path
      ).failure()
      #expect(line.contains(says) && line.contains("must be"))
    }
    #expect(try directory.contents().isEmpty)
  }
}
