import ConvNet
import Foundation
import Testing

@Suite("Commands that describe") struct DescribingTests {
  @Test("models: the table")
  func models() throws {
    let run = try convnet("models")
    #expect(run.status == 0 && run.errors.isEmpty)
    let lines = run.output.split(separator: "\n")
    #expect(
      lines.prefix(4).joined(separator: "\n") == """
        name                      year      input  parameters  multiply-adds  paper
        ────────────────────────  ────  ─────────  ──────────  ─────────────  \
        ────────────────────────────────────────────────────────────────────────────────────────────
        lenet5                    1998    28x28x1      61.7 k          417 k  \
        Gradient-Based Learning Applied to Document Recognition
        alexnet                   2012  224x224x3        61 M          724 M  \
        ImageNet Classification with Deep Convolutional Neural Networks
        """)
    let rows = lines.dropFirst(2).prefix(ModelRegistry.entries.count).map {
      $0.prefix { $0 != " " }
    }
    #expect(rows.map(String.init) == ModelRegistry.entries.map(\.name))
  }

  @Test("models: one JSON value with the documented keys")
  func modelsJSON() throws {
    let run = try convnet("models", "--json")
    #expect(
      run.output.hasPrefix(
        """
        [{"input":[28,28,1],"multiplyAdds":416520,"name":"lenet5","paper":"Gradient-Based Learning Applied to \
        Document Recognition","parameters":61706,"year":1998},
        """))
    #expect((try run.json() as? [Any])?.count == ModelRegistry.entries.count)
  }

  @Test("summary: the table of layers and the memory")
  func summary() throws {
    let run = try convnet("summary", "lenet5", "--layers")
    #expect(run.status == 0 && run.errors.isEmpty)
    let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    #expect(
      lines.prefix(16).joined(separator: "\n") == """
        layer     kind              output  parameters  exact parameters  multiply-adds \
         exact multiply-adds
        ────────  ──────────────  ────────  ──────────  ────────────────  ───────────── \
         ───────────────────
        conv1     convolution      28x28x6         156               156          118 k \
                      117600
        tanh1     activation       28x28x6
        pool1     averagePooling   14x14x6
        conv2     convolution     10x10x16      2.42 k              2416          240 k \
                      240000
        tanh2     activation      10x10x16
        pool2     averagePooling    5x5x16
        flatten1  flatten              400
        dense1    dense                120      48.1 k             48120           48 k \
                       48000
        tanh3     activation           120
        dense2    dense                 84      10.2 k             10164         10.1 k \
                       10080
        tanh4     activation            84
        dense3    dense                 10         850               850            840 \
                         840
        ────────  ──────────────  ────────  ──────────  ────────────────  ───────────── \
         ───────────────────
        lenet5                                  61.7 k             61706          417 k \
                      416520
        """)
    #expect(lines[17] == "Exactly 61706 parameters, 416520 multiply-adds an example")
    // How many bytes the plan needs depends on the layouts that the processor prefers.
    #expect(
      lines[18].hasPrefix(
        "Memory for inference at batch 1: parameters 247 kB, prepared for this processor "))
    #expect(lines[18].hasSuffix(" at their peak"))
    #expect(
      lines.dropFirst(19) == [
        "Note: full connections between the convolutions, mean pooling without weights, logits", "",
      ])
  }

  @Test("summary: the table of the paper, blocks of a kind counted")
  func stages() throws {
    let run = try convnet("summary", "resnet20")
    let table = run.output.split(separator: "\n").prefix(9).joined(separator: "\n")
    #expect(
      table == """
        stage     layers                           output  parameters  exact parameters \
         multiply-adds  exact multiply-adds
        ────────  ─────────────────────────────  ────────  ──────────  ──────────────── \
         ─────────────  ───────────────────
        conv1     3x3 16                         32x32x16         464               464 \
                 442 k               442368
        layer1    [3x3 16, 3x3 16] x 3           32x32x16        14 k             14016 \
                14.2 M             14155776
        layer2    [3x3 32 stride 2, 3x3 32] x 3  16x16x32      51.1 k             51072 \
                  13 M             12976128
        layer3    [3x3 64 stride 2, 3x3 64] x 3    8x8x64       204 k            203520 \
                  13 M             12976128
        pool1     global average pool                  64
        fc        dense 10                             10         650               650 \
                   640                  640
        ────────  ─────────────────────────────  ────────  ──────────  ──────────────── \
         ─────────────  ───────────────────
        """)
  }

  @Test(
    "summary: auxiliary classifiers in training only",
    arguments: [("inference", 0), ("training", 2)])
  func auxiliaries(mode: String, count: Int) throws {
    let run = try convnet("summary", "googlenet", "--mode", mode)
    let rows = run.output.split(separator: "\n")
    #expect(rows.count { $0.hasPrefix("aux") } == count)
    #expect(
      rows.contains {
        $0.hasPrefix(
          "inception3a  1x1 64 | 1x1 96, 3x3 128 | 1x1 16, 5x5 32 | 3x3 max pool, 1x1 32 ")
      })
  }

  @Test("summary: the documented keys, and sizes of one's own")
  func summaryJSON() throws {
    let run = try convnet(
      "summary", "lenet5", "--json", "--input", "32x40", "--classes", "26", "--batch", "8",
      "--mode",
      "training")
    let summary = try #require(try run.json() as? [String: Any])
    #expect(
      Set(summary.keys) == ["name", "parameters", "multiplyAdds", "layers", "memory", "note"])
    let layers = try #require(summary["layers"] as? [[String: Any]])
    for layer in layers {
      #expect(Set(layer.keys) == ["name", "kind", "output", "parameters", "multiplyAdds"])
    }
    #expect(layers.first?["output"] as? [Int] == [32, 40, 6])
    #expect(layers.last?["output"] as? [Int] == [26])
    let memory = try #require(summary["memory"] as? [String: Int])
    #expect(Set(memory.keys) == ["parameterBytes", "weightBytes", "activationBytes"])
    #expect(memory["parameterBytes"] == 4 * (summary["parameters"] as? Int ?? 0))
    // At least the input; and every parameter as it is.
    #expect(try #require(memory["activationBytes"]) >= 4 * 8 * 32 * 40)
    #expect(try #require(memory["weightBytes"]) >= 4 * #require(summary["parameters"] as? Int))
  }

  @Test("explain: the graph after a pass")
  func explainAfter() throws {
    let run = try convnet("explain", "lenet5", "--after", "activation-fusion")
    #expect(run.status == 0 && run.errors.isEmpty)
    #expect(run.output.hasPrefix("lenet5: 8 operations, 61706 parameters, 416520 multiply-adds\n"))
    #expect(run.output.contains("conv1     convolution 5x5 stride 1 same + tanh"))
    let before = try convnet("explain", "lenet5", "--after", "addition-fusion")
    #expect(before.output.hasPrefix("lenet5: 12 operations"))
    #expect(!before.output.contains("+ tanh"))
  }

  @Test("explain: every pass says what it did, and nothing where it did nothing")
  func explain() throws {
    let run = try convnet("explain", "lenet5")
    for heading in ["PASSES", "GRAPH", "PLAN", "ARENA of "] {
      #expect(run.output.contains(heading))
    }
    // What a step reads stands before what it makes, the values before the weights.
    let steps = run.output.split(separator: "\n")
    #expect(steps.contains { $0.contains("  dense3 ") && $0.hasSuffix("  ab ab -> ab") })
    #expect(run.output.contains("values before weights, -> of what it makes"))
    let passes = run.output.split(separator: "\n").prefix { $0 != "GRAPH" }.dropFirst(2)
    #expect(
      passes.map { $0.drop { $0 != "(" } } == [
        "(nothing to do)", "(nothing to do)", "(nothing to do)", "(nothing to do)",
        "(4 operations fewer)", "(nothing to do)", "(nothing to do)", "(nothing to do)",
      ])
  }

  @Test("explain: the graph as JSON and for Graphviz")
  func explainFormats() throws {
    let graph = try #require(try convnet("explain", "lenet5", "--json").json() as? [String: Any])
    #expect((graph["operations"] as? [Any])?.count == 8)
    // What the text says of passes, plan and arena is there too.
    let steps = try #require(graph["steps"] as? [[String: Any]])
    #expect(
      steps.contains { $0["operation"] as? String == "dense3" && $0["readLayouts"] is [String] })
    #expect((graph["passes"] as? [[String: String]])?.count == 8)
    #expect((graph["arena"] as? [Any])?.isEmpty == false && graph["arenaBytes"] is Int)
    let after = try convnet("explain", "lenet5", "--after", "activation-fusion", "--json").json()
    #expect((after as? [String: Any])?["steps"] == nil)
    let dot = try convnet("explain", "lenet5", "--dot")
    #expect(dot.output.hasPrefix("digraph"))
  }

  @Test(
    "help: every command explains itself within 80 columns",
    arguments: [
      "", "models", "summary", "explain", "train", "compare", "experiment", "recipes",
      "augmentations", "evaluate", "predict", "run",
      "gradients", "convert", "calibrate-batchnorm", "pull", "benchmark", "dataset",
      "dataset verify", "dataset inspect", "dataset export", "dataset split", "dataset benchmark",
      "visualize", "visualize grad-cam",
      "visualize saliency", "visualize integrated-gradients", "visualize occlusion",
      "visualize activations", "visualize arithmetic", "visualize convolve",
      "visualize normalization", "visualize shift", "visualize receptive-field",
      "visualize network", "visualize filters", "visualize features", "visualize nearest",
      "visualize maximize", "visualize invert", "visualize embedding", "visualize landscape",
      "prior", "prior denoise", "prior inpaint", "prior superresolve", "prior restore",
      "prior flash",
    ])
  func help(command: String) throws {
    let run = try Invocation(command.split(separator: " ").map(String.init) + ["--help"])
    #expect(run.status == 0 && run.errors.isEmpty)
    #expect(run.output.hasPrefix("OVERVIEW: "))
    #expect(run.output.contains("USAGE: convnet \(command.isEmpty ? "<subcommand>" : command)"))
    for line in run.output.split(separator: "\n") where !line.hasPrefix("USAGE:") {
      #expect(line.count <= 80, "\(line)")
    }
    // An example that is broken elsewhere than at a backslash cannot be copied.
    let examples = run.output.split(separator: "\n", omittingEmptySubsequences: false)
      .drop { $0 != "EXAMPLES" }.dropFirst().prefix { !$0.isEmpty }
    for (line, next) in zip(examples, examples.dropFirst()) {
      let begins = next.hasPrefix("  ") && next.dropFirst(2).first?.isLetter == true
      #expect(begins || line.hasSuffix("\\"), "\(line)")
    }
    // Every command but those that only have others takes the options of all.
    guard !["", "dataset", "visualize", "prior"].contains(command) else { return }
    for option in ["--json", "--threads", "--seed", "--quiet"] {
      #expect(run.output.contains(option))
    }
  }

  @Test("help: of the whole")
  func wholeHelp() throws {
    #expect(
      try convnet("--help").output == """
        OVERVIEW: Convolutional networks on a CPU: train, evaluate, explain and run
        them.

        EXAMPLES
          convnet models
          convnet train --model lenet5 --data fashion-mnist --output runs/first
          convnet evaluate runs/first/model.safetensors --data fashion-mnist
          convnet predict runs/first/model.safetensors picture.png

        Results go to standard output, everything else to standard error.
        Exit status: 0 done, 1 failed (one line that begins with error:), 64 usage,
        128 and the signal's number where a signal ended it.

        USAGE: convnet <subcommand>

        OPTIONS:
          --version               Show the version.
          -h, --help              Show help information.

        SUBCOMMANDS:
          models                  List the networks that ConvNet knows by name.
          summary                 Print the layers of a network, their cost, and the
                                  memory of its plan.
          explain                 Print what the compiler makes of a network: passes,
                                  primitives, layouts, memory.
          train                   Train a network on a data set.
          compare                 Compare trainings: settings, best epochs, curves.
          experiment              Show by trainings what the lecture claims, or list
                                  the experiments.
          recipes                 List the recipes of trainings, print one with the
                                  source of every number, or compare two.
          augmentations           List the augmentations that are known by name.
          evaluate                Measure the accuracy of a model on a data set.
          predict                 Tell the classes, labels or numbers of pictures.
          serve                   Classify pictures over HTTP and gRPC.
          visualize               Draw what a network does, and how its layers work.
          prior                   Repair a picture with a network that knows no other:
                                  the deep image prior.
          run                     Push a raw tensor through a network.
          gradients               Write the gradients of one training step, which
                                  changes nothing.
          convert                 Convert weights between formats.
          calibrate-batchnorm     Estimate the statistics of batch normalization over
                                  training data.
          pull                    Bring published weights, and keep them.
          benchmark               Measure throughput and memory.
          dataset                 Check a data set, look at its pictures, or divide
                                  them.

          See 'convnet help <subcommand>' for detailed help.

        """)
  }

  @Test("the version")
  func version() throws {
    #expect(try convnet("--version").output == "0.1.0\n")
  }
}
