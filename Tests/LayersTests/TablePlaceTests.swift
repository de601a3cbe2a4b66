import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import Testing

@Suite("Places in a network's table") struct TablePlaceTests {
  private func rows(@NetworkBuilder _ body: () -> LayerSequence) throws -> [String] {
    try Network("n", input: .image(height: 8, width: 8, channels: 4), body).graph().stageTable.map {
      "\($0.name): \($0.content)"
    }
  }

  @Test("a shortcut's projection is not printed, whatever it is called")
  func projection() throws {
    for names in [("downsample.0", "downsample.1"), ("project", "normalize")] {
      let table = try rows {
        Named("stage") {
          Residual(projectionNames: names) { Conv2D(8, kernel: 3, padding: .same) }
        }
      }
      #expect(table == ["stage: 3x3 8"])
    }
  }

  @Test("a layer is printed, whatever it is called", arguments: ["downsample", "a_b", "7", "x/y"])
  func layer(name: String) throws {
    #expect(
      try rows {
        Named("stage") {
          Conv2D(8, kernel: 3, stride: 2, padding: .same).named(name)
          Conv2D(8, kernel: 1).named("after")
        }
      } == ["stage: 3x3 8 stride 2 | 1x1 8"])
    #expect(try rows { Conv2D(8, kernel: 3).named(name) } == ["\(name): 3x3 8"])
  }

  @Test("equal blocks are counted, whatever they are called")
  func blocks() throws {
    struct Pair: Block {
      var body: LayerSequence {
        Conv2D(8, kernel: 3, padding: .same)
        ReLU()
        Conv2D(8, kernel: 1)
      }
    }
    for names in [["0", "1"], ["block_1", "block_2"], ["a", "b"]] {
      #expect(
        try rows {
          Named("stage") { for name in names { Pair().named(name) } }
        } == ["stage: [3x3 8, 1x1 8] x 2"])
    }
    #expect(
      try rows {
        Numbered("stage") {
          Pair()
          Pair()
        }
      } == ["stage: [3x3 8, 1x1 8] x 2"])
  }

  @Test("the layers of a branch are one block, whatever they are called")
  func branches() throws {
    for names in [("branch_1", "branch_2"), ("first", "second")] {
      #expect(
        try rows {
          Concatenate(
            LayerSequence {
              Conv2D(8, kernel: 1).named(names.0)
              Conv2D(8, kernel: 3, padding: .same).named(names.1)
            },
            LayerSequence { Conv2D(4, kernel: 1).named("other") }
          ).named("stage")
        } == ["stage: 1x1 8, 3x3 8 | 1x1 4"])
    }
  }

  @Test("layers that are numbered stand alone; blocks that are share a row")
  func numbered() throws {
    #expect(
      try rows {
        Numbered("features") {
          Conv2D(8, kernel: 3)
          ReLU()
          Conv2D(8, kernel: 1)
        }
      } == ["features.0: 3x3 8", "features.2: 1x1 8"])
  }
}
