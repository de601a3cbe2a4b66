import ConvNetGraphs
import ConvNetTensors

/// The branches that an Inception block concatenates write their channels where the concatenated value will lie, so that
/// joining them costs nothing.
///
/// Channels lie in blocks of 16, block after block of an example. A branch of whole blocks is therefore a piece of memory in
/// each example: of one example, a piece like any other; of several, pieces with gaps between them, which our own kernels can
/// write, while the library's results are copied.
struct ConcatenationPlan {
  /// Where a value lies within a concatenated one.
  struct Slice {
    var whole: ValueID
    /// In the concatenated value's memory, in bytes.
    var offset: Int
    /// In blocks of channels, without gaps.
    var dense: Layout
    /// With the concatenated value's other channels between the examples; `nil` where one example has no gaps, and where not
    /// only the concatenation reads the value.
    var gapped: Layout?
  }

  private(set) var slices: [ValueID: Slice] = [:]
  /// Of values that lie with gaps between their examples: where, and floats from one example to the next.
  var strides: [ValueID: (buffer: Int, floats: Int)] = [:]
  /// The memory of each concatenated value, once a branch has written to it.
  var buffers: [ValueID: Int] = [:]

  init(_ graph: Graph) throws {
    let results = graph.results
    let consumers = graph.consumers
    for operation in graph.operations where operation.phase == .run {
      guard let concatenate = operation.attributes as? Operation.Concatenate,
        Self.joinsBlocks(concatenate, operation.inputs.map { graph[$0].shape })
      else { continue }
      let whole = graph[operation.outputs[0]].shape
      var channel = 0
      for input in operation.inputs {
        let part = graph[input].shape
        if graph[input].source == .operation, !results.contains(input), slices[input] == nil {
          let canHaveGaps = part[0] > 1 && consumers[input]?.count == 1
          slices[input] = Slice(
            whole: operation.outputs[0], offset: Self.offset(ofChannel: channel, in: whole),
            dense: try .blocked(part),
            gapped: canHaveGaps ? try .blocked(part, within: whole) : nil)
        }
        channel += part[1]
      }
    }
  }

  static func joinsBlocks(_ concatenate: Operation.Concatenate, _ inputs: [Shape]) -> Bool {
    concatenate.axis == 1
      && inputs.allSatisfy { $0.rank == 4 && $0[1] % Processor.channelBlock == 0 }
  }

  /// Where the blocks from a channel on begin in an example, in bytes.
  static func offset(ofChannel channel: Int, in shape: Shape) -> Int {
    channel * shape[2] * shape[3] * MemoryLayout<Float>.stride
  }
}
