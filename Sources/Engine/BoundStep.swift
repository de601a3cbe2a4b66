import COneDNN

/// A step with the addresses of its memory: all that a run needs.
enum BoundStep {
  case call(BoundCall)
  case kernel(Step.Kernel, KernelMemory)
  case calls(BoundCall, by: Step.CallingKernel, KernelMemory)

  /// - Parameter address: where a buffer lies; every buffer of the step must lie somewhere.
  init(_ step: Step, address: (_ buffer: Int) -> UnsafeMutableRawPointer?) throws {
    func resolve(_ place: Place) -> UnsafeMutableRawPointer {
      guard let address = address(place.buffer) else {
        fatalError("step \(step.operation) uses memory that has no place")
      }
      return address + place.offset
    }
    func bind(
      _ primitive: Primitive, _ arguments: [(cdnn_argument, Place)]
    ) throws -> BoundCall {
      try BoundCall(primitive, arguments: arguments.map { ($0.0, $0.1.layout, resolve($0.1)) })
    }
    func memory(of places: KernelPlaces) -> KernelMemory {
      KernelMemory(places.all.map { resolve($0.place) })
    }
    switch step.work {
    case .primitive(let primitive, let arguments):
      self = .call(try bind(primitive, arguments))
    case .calls(let primitive, let arguments, let kernel, let places):
      self = .calls(try bind(primitive, arguments), by: kernel, memory(of: places))
    case .kernel(let kernel, let places):
      self = .kernel(kernel, memory(of: places))
    }
  }

  /// The library's status, 0 for success.
  @inline(__always)
  func run(_ context: RunContext) -> Int32 {
    switch self {
    case .call(let call):
      return call.run()
    case .kernel(let kernel, let memory):
      kernel(memory, context)
      return 0
    case .calls(let call, let kernel, let memory):
      return kernel(memory) { call.run() }
    }
  }
}
