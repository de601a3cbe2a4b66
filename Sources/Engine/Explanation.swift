import ConvNetTensors

/// A step of a compiled graph, for people.
public struct StepDescription: Hashable, Sendable, Codable {
  /// The operation that it computes; for a reorder, the value that it moves.
  public var operation: String
  /// The library's implementation, or the kernel.
  public var implementation: String
  /// What kind of work it is.
  public var kind: StepKind
  /// The layouts of what it reads, values before weights, as in `aBcd16b`: axes by decreasing stride, upper case where blocked.
  /// Left out are scratch memory and what has one axis, such as a bias.
  public var readLayouts: [String]
  /// The same of what it makes or changes.
  public var writtenLayouts: [String]
  /// Those of what it reads, then those of what it makes.
  public var layouts: [String] { readLayouts + writtenLayouts }
  /// Multiplications, each with its addition, of a run on the whole batch, counted as the sums are written.
  public var multiplyAdds: Int
  /// Those that the algorithm does: fewer by Winograd's, whose transformations are left out; else the same.
  public var performedMultiplyAdds: Int
  /// Bytes that a run on the whole batch must read and write at least: each value and each weight once, in the layouts that
  /// they have; once a shard where there are several.
  public var byteCount: Int
}

/// A buffer of the arena.
public struct BufferDescription: Hashable, Sendable, Codable {
  /// Where it begins, in bytes from the beginning of the arena.
  public var offset: Int
  /// Its size.
  public var byteCount: Int
  /// The first step during which it is alive.
  public var firstStep: Int
  /// The last step during which it is alive.
  public var lastStep: Int
}

extension Executable {
  /// The steps of a run, in order.
  public var steps: [StepDescription] {
    plan.steps.map { $0.description(in: plan.buffers, shards: shardCount) }
  }

  /// The buffers of the arena by offset.
  public var arena: [BufferDescription] {
    plan.placement.compactMap { buffer, offset in
      plan.lifetimes[buffer].map {
        BufferDescription(
          offset: offset, byteCount: plan.buffers[buffer].byteCount, firstStep: $0.lowerBound,
          lastStep: $0.upperBound)
      }
    }.sorted { ($0.offset, $0.firstStep) < ($1.offset, $1.firstStep) }
  }
}

extension Step {
  /// - Parameters:
  ///   - buffers: of its plan.
  ///   - shards: how many do it, each on its part of the batch.
  fileprivate func description(in buffers: [Buffer], shards: Int) -> StepDescription {
    func layouts(where isTaken: (Buffer, PlaceUse) -> Bool) -> [String] {
      uses.filter { $0.place.layout.shape.rank > 1 && isTaken(buffers[$0.place.buffer], $0.use) }
        .map { "\($0.place.layout)" }
    }
    return StepDescription(
      operation: operation, implementation: implementation, kind: kind,
      readLayouts: layouts { $1.isRead && !$0.isConstant }
        + layouts { $1.isRead && $0.isConstant },
      writtenLayouts: layouts { $1.isWritten || $1 == .corrects },
      multiplyAdds: shards * multiplyAdds, performedMultiplyAdds: shards * performedMultiplyAdds,
      byteCount: shards * byteCount)
  }
}
