import COneDNN
import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors

/// Turns a graph into steps over buffers: chooses primitives and layouts, operation by operation in order.
///
/// Every value has a native place, in the layout that its producer made. A consumer that needs another asks for it with
/// ``read(_:as:)``, which inserts a reorder, once for all that ask. What depends on nothing that changes between runs goes into
/// the preparation, computed once when the graph is compiled; of a graph that runs once, into the run, where packed weights
/// take the place of those before them.
struct Lowering {
  let graph: Graph
  let options: CompilationOptions
  private(set) var buffers: [Buffer] = []
  /// Computed once, when the graph is compiled.
  private(set) var preparation: [Step] = []
  /// Computed at every run.
  private(set) var steps: [Step] = []
  /// Where each value lies, in each layout that was asked for; the native one first.
  private(set) var places: [ValueID: [Place]] = [:]
  var algorithms: AlgorithmChooser
  /// Which values are made where a concatenation wants them.
  var concatenations: ConcatenationPlan
  /// Which convolutions are computed by the one that reads them.
  private let expansions: ExpansionPlan

  /// The index of the operation being lowered.
  private var position = 0
  /// The last operation that reads each value; `Int.max` for what must survive the run.
  private let lastUse: [ValueID: Int]
  /// The operations that read each value, in order, and the one that makes it.
  let consumers: [ValueID: [Int]]
  let producers: [ValueID: Int]
  /// The last operation that reads anything in each buffer.
  private var lastUseOfBuffers: [Int: Int] = [:]

  init(_ graph: Graph, options: CompilationOptions) throws {
    try Processor.check()
    try KernelLibrary.check()
    self.graph = graph
    self.options = options
    algorithms = AlgorithmChooser(options)
    concatenations = try ConcatenationPlan(graph)
    expansions = try ExpansionPlan(graph, options)
    consumers = graph.consumers
    producers = graph.producers
    var lastUse = consumers.mapValues { $0.last ?? 0 }
    for (reader, expansion) in expansions.expansionsByReader {
      for input in graph.operations[expansion].inputs {
        lastUse[input] = max(lastUse[input] ?? 0, reader)
      }
    }
    for result in graph.results { lastUse[result] = .max }
    self.lastUse = lastUse
    for input in graph.inputs { try Self.named(graph[input].name) { try placeInput(input) } }
    for parameter in graph.parameters {
      let value = graph[parameter]
      let layout = try Self.named(value.name) { try Layout.rowMajor(value.shape) }
      let buffer = addBuffer(.parameter(parameter.index), layout.byteCount)
      settle(parameter, Place(buffer: buffer, layout: layout))
    }
    let backwardStart = graph.backwardStart
    for (index, operation) in graph.operations.enumerated() {
      position = index
      if index == backwardStart { forgetCopies() }
      try Self.named(operation.name) {
        if let expansion = expansions.expansionsByReader[index] {
          try lower(operation, expanding: graph.operations[expansion])
        } else if !expansions.contains(index) {
          try lower(operation)
        }
      }
    }
    algorithms.save()
    position = .max
    for output in graph.outputs {
      try Self.named(output.name) { _ = try read(output.value, as: outputLayout(of: output.value)) }
    }
  }

  /// What the library refuses in `body`, told with the name of what is refused.
  private static func named<Result>(_ subject: String, _ body: () throws -> Result) throws -> Result
  {
    do {
      return try body()
    } catch let failure as LibraryFailure {
      throw EngineError(failure.status, subject: subject)
    }
  }

  private mutating func placeInput(_ input: ValueID) throws {
    let type = graph[input].type
    let layout =
      switch (type.elementType, options.inputFormat) {
      case (.int32, _): try Layout.rowMajor(type.shape, CDNN_S32)
      // One channel: both orders are the same.
      case _ where type.shape.rank > 2 && type.shape[1] == 1: try Layout.rowMajor(type.shape)
      case (_, .channelsFirst): try Layout.rowMajor(type.shape)
      case (_, .channelsLast): try Layout.channelsLast(type.shape)
      }
    settle(input, Place(buffer: addBuffer(.input, layout.byteCount), layout: layout))
  }

  /// Results are read in logical row-major order.
  func outputLayout(of value: ValueID) throws -> Layout {
    try .rowMajor(graph[value].shape)
  }

  // MARK: For the primitives

  func shape(_ value: ValueID) -> Shape { graph[value].shape }

  /// The layout that the value's producer made.
  func nativeLayout(_ value: ValueID) -> Layout { nativePlace(value).layout }

  /// The layout that the operations which read a value will want it in, as far as it is known before they are lowered: that of
  /// the values which they combine it with, element by element.
  func layoutWanted(by value: ValueID) -> Layout? {
    for index in consumers[value, default: []] {
      let operation = graph.operations[index]
      guard let attributes = operation.attributes as? any LoweredOperation,
        type(of: attributes).lowering.combinesInputs
      else { continue }
      for other in operation.inputs where other != value && shape(other) == shape(value) {
        if let place = places[other]?.first { return place.layout }
      }
    }
    return nil
  }

  func nativePlace(_ value: ValueID) -> Place {
    guard let place = places[value]?.first else {
      fatalError("value \(graph[value].name) is read before it is made")
    }
    return place
  }

  /// The value as its producer made it.
  func read(_ value: ValueID) -> Place { nativePlace(value) }

  /// The value in the given layout; reordered where it does not lie so already.
  mutating func read(_ value: ValueID, as layout: Layout) throws -> Place {
    if let place = places[value]?.first(where: { $0.layout == layout }) { return place }
    return try copy(nativePlace(value), of: value, as: layout)
  }

  private mutating func copy(
    _ source: Place, of value: ValueID, as layout: Layout
  ) throws -> Place {
    guard source.layout != layout else { return source }
    let home: Buffer.Home = isPrepared(from: source) ? .prepared : .arena
    let place = Place(buffer: addBuffer(home, layout.byteCount), layout: layout)
    if concatenations.strides[value] != nil, try layout == .blocked(shape(value)) {
      emitCopyWithoutGaps(
        of: value, from: source, to: place, for: graph.operations[position])
    } else {
      try emitReorder(from: source, to: place, name: graph[value].name)
    }
    places[value, default: []].append(place)
    inhabit(place.buffer, value)
    return place
  }

  /// The value in logical row-major order.
  mutating func readRowMajor(_ value: ValueID) throws -> Place {
    try read(value, as: .rowMajor(shape(value)))
  }

  /// The value under other extents of the same row-major order, in the given layout of those.
  mutating func read(
    _ value: ValueID, viewedAs shape: Shape, as layout: Layout
  ) throws -> Place {
    if let place = places[value]?.first(where: { $0.layout == layout }) { return place }
    let base = try readRowMajor(value)
    let view = try base.viewed(as: .rowMajor(shape))
    places[value, default: []].append(view)
    return try copy(view, of: value, as: layout)
  }

  /// Memory for a value that the current operation makes: where a concatenation wants it, or new.
  ///
  /// - Parameter acceptsStride: whether the operation can leave gaps between the examples that it writes.
  mutating func make(_ value: ValueID, _ layout: Layout, acceptsStride: Bool = false) -> Place {
    if let place = placeInConcatenation(of: value, layout, acceptsStride: acceptsStride) {
      settle(value, place)
      return place
    }
    let home: Buffer.Home = isPreparing ? .prepared : .arena
    let place = Place(buffer: addBuffer(home, layout.byteCount), layout: layout)
    settle(value, place)
    return place
  }

  /// Memory for a value that may overwrite `source`, a place of `input`: the same, where nobody reads it later.
  mutating func make(_ value: ValueID, over source: Place, of input: ValueID) -> Place {
    guard graph.operations[position].kind.traits.overwritesInput, canOverwrite(source) else {
      return make(value, source.layout)
    }
    settle(value, source)
    return source
  }

  /// Declares that a value lies where another does: a view.
  mutating func alias(_ value: ValueID, _ place: Place) {
    settle(value, place)
  }

  /// Whether nothing that lies in the place's buffer is read after the current operation.
  func canOverwrite(_ place: Place) -> Bool {
    guard buffers[place.buffer].home == .arena else { return false }
    return lastUseOfBuffers[place.buffer, default: 0] <= position
  }

  private mutating func inhabit(_ buffer: Int, _ value: ValueID) {
    lastUseOfBuffers[buffer] = max(lastUseOfBuffers[buffer, default: 0], lastUse[value] ?? 0)
  }

  /// Row-major numbers that the steps of an operation read, written once.
  mutating func addConstant(
    _ elements: [Float], _ shape: Shape, for operation: Operation
  ) throws -> Place {
    let layout = try Layout.rowMajor(shape)
    let place = Place(buffer: addBuffer(.prepared, layout.byteCount), layout: layout)
    var places = KernelPlaces()
    let constant = places.writes(place)
    preparation.append(
      Step(
        operation: operation.name, implementation: "constant", kind: .movement,
        work: .kernel(
          { memory, _ in memory[constant].update(from: elements, count: elements.count) },
          places: places)))
    return place
  }

  /// New memory for what a kernel computes from a place alone, such as packed weights: once, where that is the same at every
  /// run.
  mutating func derive(
    _ name: String, _ layout: Layout, from source: Place, for operation: Operation,
    _ kernel:
      @escaping @Sendable (
        _ derived: UnsafeMutableRawPointer, _ source: UnsafePointer<Float>
      ) -> Void
  ) -> Place {
    let isPrepared = isPrepared(from: source)
    let place = Place(
      buffer: addBuffer(isPrepared ? .prepared : .arena, layout.byteCount), layout: layout)
    var places = KernelPlaces()
    let (to, from) = (places.writes(place, as: UInt8.self), places.reads(source))
    let step = Step(
      operation: operation.name, implementation: name, kind: .packing,
      work: .kernel({ memory, _ in kernel(memory[to], memory[from]) }, places: places))
    if isPrepared { preparation.append(step) } else { append(step) }
    return place
  }

  /// Memory that only the steps of one operation use.
  mutating func scratch(byteCount: Int) -> Int {
    addBuffer(isPreparing ? .prepared : .arena, byteCount)
  }

  /// Memory for what one step of our own computes on the way.
  mutating func scratch(floats: Int) throws -> Place {
    let layout = try Layout.rowMajor([floats])
    return Place(buffer: scratch(byteCount: layout.byteCount), layout: layout)
  }

  /// Appends a primitive; its scratchpad is added.
  mutating func emit(
    _ primitive: Primitive, _ arguments: [(cdnn_argument, Place)], for operation: Operation
  ) throws {
    guard options.usesLibrary else {
      throw EngineError(
        subject: operation.name,
        problem: .unsupported(
          requirement: "only the kernel library computes \(operation.kind.name); please report this"
        ))
    }
    var arguments = arguments
    if let layout = try primitive.layout(of: CDNN_SCRATCHPAD, shape: []) {
      let buffer = scratch(byteCount: layout.byteCount)
      arguments.append((CDNN_SCRATCHPAD, Place(buffer: buffer, layout: layout)))
    }
    let kind = StepKind(primitive, arguments)
    let multiplyAdds = kind.multiplies ? multiplyAdds(of: operation) : 0
    append(
      Step(
        operation: operation.name, implementation: primitive.implementation.name, kind: kind,
        work: .primitive(primitive, arguments: arguments), multiplyAdds: multiplyAdds,
        // The library's Winograd kernels are for 3x3 in tiles of 4x4; tiles over the edge are not counted.
        performedMultiplyAdds: kind == .winograd ? multiplyAdds / 4 : nil))
  }

  /// Appends a kernel of our own that calls a primitive.
  mutating func emit(
    _ primitive: Primitive, _ arguments: [(cdnn_argument, Place)], calledBy places: KernelPlaces,
    for operation: Operation, _ kernel: @escaping Step.CallingKernel
  ) {
    let kind = StepKind(primitive, arguments)
    append(
      Step(
        operation: operation.name, implementation: primitive.implementation.name + " in parts",
        kind: kind,
        work: .calls(primitive, arguments: arguments, by: kernel, places: places),
        multiplyAdds: kind.multiplies ? multiplyAdds(of: operation) : 0))
  }

  func multiplyAdds(of operation: Operation) -> Int {
    operation.kind.attributes.multiplyAdds(
      inputs: operation.inputs.map { graph[$0].type },
      outputs: operation.outputs.map { graph[$0].type })
  }

  /// - Parameter kind: where it is another than the operation's.
  mutating func emitKernel(
    _ name: String, _ places: KernelPlaces, for operation: Operation, kind: StepKind? = nil,
    multiplyAdds: Int = 0, performedMultiplyAdds: Int? = nil, _ kernel: @escaping Step.Kernel
  ) {
    let usual = (operation.attributes as? any LoweredOperation).map { type(of: $0).lowering.kind }
    append(
      Step(
        operation: operation.name, implementation: name, kind: kind ?? usual ?? .movement,
        work: .kernel(kernel, places: places), multiplyAdds: multiplyAdds,
        performedMultiplyAdds: performedMultiplyAdds))
  }

  /// Appends a copy from one layout to another.
  mutating func emitReorder(from source: Place, to destination: Place, name: String) throws {
    guard options.usesLibrary else {
      return try emitOwnReorder(from: source, to: destination, name: name)
    }
    let primitive = try Primitive {
      cdnn_reorder(&$0, source.layout.handle, destination.layout.handle)
    }
    var arguments = [(CDNN_SRC, source), (CDNN_DST, destination)]
    let inPreparation = buffers[destination.buffer].home == .prepared
    if let layout = try primitive.layout(of: CDNN_SCRATCHPAD, shape: []) {
      let buffer = addBuffer(inPreparation ? .prepared : .arena, layout.byteCount)
      arguments.append((CDNN_SCRATCHPAD, Place(buffer: buffer, layout: layout)))
    }
    let step = Step(
      operation: name,
      implementation: "reorder \(source.layout) -> \(destination.layout)", kind: .reorder,
      work: .primitive(primitive, arguments: arguments))
    if inPreparation { preparation.append(step) } else { steps.append(step) }
  }

  // MARK: Bookkeeping

  /// Lets the backward pass make its own copies of inputs and parameters in other layouts: kept from the forward pass, they
  /// would be in memory when most is.
  private mutating func forgetCopies() {
    for id in graph.inputs + graph.parameters {
      places[id] = places[id]?.enumerated().filter { copy in
        copy.offset == 0 || buffers[copy.element.buffer].home != .arena
      }.map(\.element)
    }
  }

  private var isPreparing: Bool {
    graph.operations.indices.contains(position)
      && graph.operations[position].phase == .preparation && options.keepsPreparation
  }

  /// Whether what is computed from a place alone is computed once, when the graph is compiled.
  private func isPrepared(from source: Place) -> Bool {
    isConstant(source) && options.keepsPreparation
  }

  /// Whether what lies there is the same at every run.
  func isConstant(_ place: Place) -> Bool {
    switch buffers[place.buffer].home {
    case .prepared: true
    case .parameter: options.mode == .inference
    case .arena, .input: false
    }
  }

  /// Whether a value is the same at every run, wherever it is computed.
  func isConstant(_ value: ValueID) -> Bool {
    options.mode == .inference
      && (graph[value].parameterKind != nil
        || producers[value].map { graph.operations[$0].phase == .preparation } ?? false)
  }

  mutating func appendPreparation(_ step: Step) { preparation.append(step) }

  mutating func append(_ step: Step) {
    if isPreparing { preparation.append(step) } else { steps.append(step) }
  }

  mutating func addBuffer(_ home: Buffer.Home, _ byteCount: Int) -> Int {
    buffers.append(Buffer(home: home, byteCount: byteCount))
    return buffers.count - 1
  }

  mutating func settle(_ value: ValueID, _ place: Place) {
    places[value] = [place]
    inhabit(place.buffer, value)
  }
}
