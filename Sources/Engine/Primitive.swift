import COneDNN
import ConvNetFiles
import ConvNetTensors

/// A compiled primitive of the kernel library. Immutable; may run on several threads at once, since its scratchpad is given
/// with every call.
package final class Primitive: @unchecked Sendable {
  /// The library's primitive, owned.
  let handle: OpaquePointer
  /// What the library chose to compute it by.
  let implementation: LibraryImplementation

  /// - Throws: ``LibraryFailure`` with the status that `create` returns.
  init(_ create: (inout OpaquePointer?) -> Int32) throws {
    // The library looks whether it was given memory for most of what it wants, and not for all.
    guard Memory.hasReserve else { throw LibraryFailure(status: Int32(CDNN_OUT_OF_MEMORY)) }
    var handle: OpaquePointer?
    let status = create(&handle)
    guard status == 0, let handle else { throw LibraryFailure(status: status) }
    self.handle = handle
    implementation = LibraryImplementation(
      named: String(cString: cdnn_primitive_implementation(handle)))
  }

  deinit {
    cdnn_primitive_destroy(handle)
  }

  /// What the primitive computes.
  var kind: cdnn_kind { cdnn_primitive_kind(handle) }

  /// Whether it adds its result to what the destination holds, and so reads that.
  var accumulates: Bool { cdnn_primitive_accumulates(handle) }

  /// What it does with each of its arguments.
  func uses(of arguments: [(cdnn_argument, Place)]) -> [(place: Place, use: PlaceUse)] {
    let isBackward = arguments.contains { $0.0 == CDNN_DIFF_DST }
    return arguments.map { argument, place in
      let use: PlaceUse =
        switch argument {
        case CDNN_SCRATCHPAD: .scratch
        case CDNN_DIFF_SRC, CDNN_DIFF_WEIGHTS, CDNN_DIFF_BIAS: .writes
        // The forward pass keeps them for the backward pass.
        case CDNN_DST where isBackward, CDNN_WORKSPACE where isBackward: .reads
        case CDNN_WORKSPACE: .writes
        case CDNN_DST: accumulates ? .changes : .writes
        default: .reads
        }
      return (place, use)
    }
  }

  /// The layout that the primitive chose for an argument; `nil` where it has no such argument.
  func layout(of argument: cdnn_argument, shape: Shape) throws -> Layout? {
    guard let desc = cdnn_primitive_desc(handle, argument) else { return nil }
    return try Layout.copy(desc, shape: shape)
  }

  /// The same, for an argument that it must have.
  func requiredLayout(of argument: cdnn_argument, shape: Shape) throws -> Layout {
    guard let layout = try layout(of: argument, shape: shape) else {
      throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED))
    }
    return layout
  }

  func byteCount(of argument: cdnn_argument) -> Int {
    cdnn_primitive_desc(handle, argument).map { cdnn_desc_byte_count($0) } ?? 0
  }
}

/// What the library computes a primitive by.
///
/// It says no more than a name, as in `jit:avx512_core`, `jit_wino_4x3:avx512_core` or `brgconv:avx2`, which is read here and
/// nowhere else.
struct LibraryImplementation: Hashable, Sendable {
  /// As steps are called by it.
  let name: String
  /// Whether it is a convolution by Winograd's minimal filtering.
  let isWinograd: Bool
  /// Whether its code is made for the processor in use.
  let isCompiledForProcessor: Bool
  /// Whether it is a convolution by windows of one element whose sums over examples are made of sums over each.
  let sumsByExample: Bool

  init(named name: String) {
    self.name = name
    isWinograd = name.contains("wino")
    // Those made of products of small blocks, most of version 3, are called `brg...` or `brdgmm...`.
    isCompiledForProcessor = ["jit", "brg", "brdgmm"].contains { name.hasPrefix($0) }
    sumsByExample = name.hasPrefix("jit_1x1")
  }
}

/// A primitive bound to the memory of its arguments, ready to run again and again.
final class BoundCall {
  private let handle: OpaquePointer
  private let primitive: Primitive

  init(
    _ primitive: Primitive,
    arguments: [(cdnn_argument, Layout, UnsafeMutableRawPointer)]
  ) throws {
    var handle: OpaquePointer?
    let status = cdnn_call_create(
      &handle, primitive.handle, Int32(arguments.count), arguments.map(\.0),
      arguments.map { $0.1.handle }, arguments.map { $0.2 })
    guard status == 0, let handle else { throw LibraryFailure(status: status) }
    self.handle = handle
    self.primitive = primitive
  }

  deinit {
    cdnn_call_destroy(handle)
  }

  /// The library's status, 0 for success.
  func run() -> Int32 {
    cdnn_call_run(handle)
  }
}
