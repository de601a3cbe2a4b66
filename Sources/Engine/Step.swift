package import COneDNN

/// A piece of memory of a plan. Several values may share one, in turn or as views.
struct Buffer {
  enum Home: Equatable {
    /// In the arena, whose place the memory planner finds.
    case arena
    /// Written by the caller between runs, outside the arena.
    case input
    /// Computed when the graph is compiled, unchanged between runs.
    case prepared
    /// A parameter's own memory, by its index among the graph's values.
    case parameter(Int)
  }

  var home: Home
  var byteCount: Int

  /// Whether it holds weights, packed or as they are, or what else is the same at every run.
  var isConstant: Bool {
    switch home {
    case .prepared, .parameter: true
    case .arena, .input: false
    }
  }
}

/// A value, or a part of one, in memory.
package struct Place {
  var buffer: Int
  var layout: Layout
  /// Bytes from the beginning of the buffer.
  var offset = 0
  /// Whether the elements are those of another value in another order or shape.
  var isView = false

  package init(buffer: Int, layout: Layout, offset: Int = 0, isView: Bool = false) {
    self.buffer = buffer
    self.layout = layout
    self.offset = offset
    self.isView = isView
  }

  /// The same memory, read in another way.
  package func viewed(as layout: Layout) -> Place {
    Place(buffer: buffer, layout: layout, offset: offset, isView: true)
  }
}

/// What random operations and kernels know of the run that they are part of.
package struct RunContext: Sendable {
  var seed: UInt64
  /// The training step: random operations draw anew at each.
  var step: UInt32
  /// The place of the first example in the whole batch, where several runs share one.
  var firstExample = 0
  /// Where several processes share the batch, and normalize by the statistics of all of it.
  var joint: JointSums?
}

/// Something that a run does.
package struct Step {
  /// A kernel of our own.
  package typealias Kernel = @Sendable (KernelMemory, RunContext) -> Void

  /// A kernel of our own that calls a primitive as often as it wants; returns the library's status, 0 for success.
  package typealias CallingKernel = @Sendable (KernelMemory, _ call: () -> Int32) -> Int32

  package enum Work {
    case primitive(Primitive, arguments: [(cdnn_argument, Place)])
    case kernel(Kernel, places: KernelPlaces)
    /// The places are the kernel's, among them those of the primitive that hold more than a call's own part.
    case calls(
      Primitive, arguments: [(cdnn_argument, Place)], by: CallingKernel, places: KernelPlaces)
  }

  /// The operation that it computes, or is a part of.
  var operation: String
  /// What does the work: the library's implementation, or the kernel.
  var implementation: String
  var kind: StepKind
  var work: Work
  /// Multiplications, each with its addition, of the sum as it is written.
  var multiplyAdds: Int
  /// Those that the algorithm does.
  var performedMultiplyAdds: Int

  /// - Parameter performedMultiplyAdds: where the algorithm does others than those of the sum as it is written.
  package init(
    operation: String, implementation: String, kind: StepKind, work: Work, multiplyAdds: Int = 0,
    performedMultiplyAdds: Int? = nil
  ) {
    self.operation = operation
    self.implementation = implementation
    self.kind = kind
    self.work = work
    self.multiplyAdds = multiplyAdds
    self.performedMultiplyAdds = performedMultiplyAdds ?? multiplyAdds
  }

  /// Its memory, and what it does there.
  var uses: [(place: Place, use: PlaceUse)] {
    switch work {
    case .primitive(let primitive, let arguments): primitive.uses(of: arguments)
    case .kernel(_, let places): places.all
    case .calls(_, let arguments, _, let places):
      // What the primitive is called with is the kernel's own, or for the calls alone.
      arguments.map { ($0.1, .scratch) } + places.all
    }
  }

  var places: [Place] { uses.map(\.place) }

  /// Those that other steps may know.
  var sharedPlaces: [Place] { uses.filter { $0.use != .scratch }.map(\.place) }
}
