import ConvNetTensors

/// A row of a network's table as papers print it: a layer with weights, a pooling, or a block of
/// many layers.
public struct StageRow: Hashable, Sendable {
  /// The first part of the path of its layers; the whole path of a layer that stands alone.
  public var name: String
  /// Its weight layers and poolings: kernels and channels, equal blocks counted.
  public var content: String
  /// The last output of one example: height, width, channels for pictures; features.
  public var output: [Int]
  /// Learned numbers of the row's layers, as ``Cost/parameters`` counts them.
  public var parameters: Int
  /// Of one example, as ``Cost/multiplyAdds`` counts them.
  public var multiplyAdds: Int
}

/// What a network's table as papers print it says of an operation.
public enum StageTableEntry: Hashable, Sendable {
  /// A part of its row: `3x3 64`. Strides, which do not make it another layer, are said beside it where they are above one.
  case layer(String, strides: [Int] = [])
  /// Nothing: the operation has neither window nor product, and belongs to the layer before it.
  case partOfLayerBefore
  /// Nothing, though it begins a row of its own where it stands between others: a concatenation.
  case unlisted
}

extension Graph {
  /// The stages in the order of the computation. Activations, normalizations and what else has no
  /// window and no product belongs to the layer before it.
  public var stageTable: [StageRow] {
    var stages: [Stage] = []
    for (operation, row) in zip(operations, layerTable) {
      let place = operation.tablePlace
      let name = place.stage ?? operation.name
      let entry = tableEntry(of: operation)
      let isAbsorbed = place.stage == nil && entry == .partOfLayerBefore
      if let last = stages.indices.last, isAbsorbed || stages[last].row.name == name {
        stages[last].row.parameters += row.parameters
        stages[last].row.multiplyAdds += row.multiplyAdds
        if !isAbsorbed { stages[last].row.output = row.output }
      } else {
        stages.append(Stage(row: StageRow(row, name: name)))
      }
      if place.isListed, case .layer(let text, let strides) = entry {
        stages[stages.count - 1].append(.init(text: text, strides: strides), block: place.block)
      }
    }
    return stages.map(\.described)
  }

  private func tableEntry(of operation: Operation) -> StageTableEntry {
    operation.attributes.tableEntry(
      inputs: operation.inputs.map { self[$0].type },
      outputs: operation.outputs.map { self[$0].type })
  }
}

extension StageRow {
  fileprivate init(_ row: LayerRow, name: String) {
    self.init(
      name: name, content: "", output: row.output, parameters: row.parameters,
      multiplyAdds: row.multiplyAdds)
  }
}

/// A stage under construction.
private struct Stage {
  struct Part: Hashable {
    var text: String
    var strides: [Int] = []

    var described: String {
      strides.allSatisfy { $0 == 1 } ? text : "\(text) stride \(describe(strides))"
    }
  }

  var row: StageRow
  /// What each block holds, in order.
  private var blocks: [(block: TablePlace.Block?, parts: [Part])] = []

  init(row: StageRow) {
    self.row = row
  }

  mutating func append(_ part: Part, block: TablePlace.Block?) {
    if let last = blocks.indices.last, blocks[last].block == block {
      blocks[last].parts.append(part)
    } else {
      blocks.append((block, [part]))
    }
  }

  /// Equal blocks in a row are one with their number. As in the papers, a stride, which the first
  /// block of a stage has, makes no other kind of block.
  var described: StageRow {
    var groups: [(parts: [Part], count: Int)] = []
    for block in blocks {
      if let last = groups.indices.last,
        groups[last].parts.map(\.text) == block.parts.map(\.text)
      {
        groups[last].count += 1
      } else {
        groups.append((block.parts, 1))
      }
    }
    var row = row
    row.content = groups.map { parts, count in
      let text = parts.map(\.described).joined(separator: ", ")
      return count == 1 ? text : "[\(text)] x \(count)"
    }.joined(separator: " | ")
    return row
  }
}
