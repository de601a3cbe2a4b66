/// A step with the addresses of its memory: all that a run needs.
enum BoundStep {
  case call(BoundCall)
  case kernel(Step.Kernel, addresses: [UnsafeMutableRawPointer])

  /// - Parameter address: where a buffer lies; every buffer of the step must lie somewhere.
  init(_ step: Step, address: (_ buffer: Int) -> UnsafeMutableRawPointer?) throws {
    func resolve(_ place: Place) -> UnsafeMutableRawPointer {
      guard let address = address(place.buffer) else {
        fatalError("step \(step.operation) uses memory that has no place")
      }
      return address + place.offset
    }
    switch step.work {
    case .primitive(let primitive, let arguments):
      self = .call(
        try BoundCall(
          primitive, arguments: arguments.map { ($0.0, $0.1.layout, resolve($0.1)) }))
    case .kernel(let kernel, let places):
      self = .kernel(kernel, addresses: places.map(resolve))
    }
  }

  /// The library's status, 0 for success.
  @inline(__always)
  func run(_ context: RunContext) -> Int32 {
    switch self {
    case .call(let call):
      return call.run()
    case .kernel(let kernel, let addresses):
      kernel(addresses, context)
      return 0
    }
  }
}
