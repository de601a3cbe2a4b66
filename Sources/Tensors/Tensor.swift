package import ConvNetFiles

/// A dense array of numbers in row-major order: a value type that copies its storage only when a shared one is
/// written.
///
/// ```swift
/// var picture = Tensor(zeros: [1, 28, 28])
/// picture[0, 14, 14] = 1
/// ```
public struct Tensor: Sendable {
  /// The extents, outermost first.
  public private(set) var shape: Shape
  /// What each element is. Reading elements as another type stops the program; ``converted(to:)`` makes another tensor.
  public let elementType: ElementType
  private var storage: TensorStorage

  /// All elements zero.
  public init(zeros shape: Shape, elementType: ElementType = .float32) {
    self.init(uninitialized: shape, elementType: elementType)
    storage.bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// Elements in row-major order.
  ///
  /// - Precondition: `elements.count == shape.count`.
  public init<Scalar: TensorScalar>(_ elements: [Scalar], shape: Shape) {
    guard elements.count == shape.count else {
      fatalError("\(elements.count) elements do not fill a tensor of shape \(shape)")
    }
    self.init(uninitialized: shape, elementType: Scalar.elementType)
    elements.withUnsafeBytes { storage.bytes.copyMemory(from: $0) }
  }

  /// A tensor of one dimension.
  public init<Scalar: TensorScalar>(_ elements: [Scalar]) {
    self.init(elements, shape: [elements.count])
  }

  /// Every element the same.
  public init<Scalar: TensorScalar>(repeating element: Scalar, shape: Shape) {
    self.init([Scalar](repeating: element, count: shape.count), shape: shape)
  }

  /// Elements written by `initialize`, which is given zeros.
  public init<Scalar: TensorScalar>(
    shape: Shape, of scalar: Scalar.Type,
    initializingWith initialize: (inout MutableSpan<Scalar>) throws -> Void
  ) rethrows {
    self.init(zeros: shape, elementType: Scalar.elementType)
    try withMutableSpan(of: Scalar.self, initialize)
  }

  /// `float32` elements written by `initialize`, which is given zeros.
  public init(
    shape: Shape, initializingWith initialize: (inout MutableSpan<Float>) throws -> Void
  ) rethrows {
    try self.init(shape: shape, of: Float.self, initializingWith: initialize)
  }

  package init(uninitialized shape: Shape, elementType: ElementType) {
    self.init(
      TensorStorage(byteCount: shape.count * elementType.byteCount), shape: shape,
      elementType: elementType)
  }

  /// - Throws: ``AllocationError`` where there is no memory for the elements, which are not initialized.
  package init(
    uninitialized shape: Shape, elementType: ElementType, for purpose: @autoclosure () -> String
  ) throws(AllocationError) {
    self.init(
      try TensorStorage(byteCount: shape.count * elementType.byteCount, for: purpose()),
      shape: shape, elementType: elementType)
  }

  /// Dense row-major elements that stay in a file until they are written.
  ///
  /// - Returns: `nil` where they do not lie at a multiple of an element's size.
  package init?(
    mapping range: Range<Int>, of file: MappedFile, shape: Shape, elementType: ElementType
  ) {
    precondition(range.count == shape.count * elementType.byteCount)
    let storage = TensorStorage(range, of: file)
    guard Int(bitPattern: storage.bytes.baseAddress) % elementType.byteCount == 0 else {
      return nil
    }
    self.init(storage, shape: shape, elementType: elementType)
  }

  private init(_ storage: TensorStorage, shape: Shape, elementType: ElementType) {
    self.shape = shape
    self.elementType = elementType
    self.storage = storage
  }

  /// The number of elements.
  public var count: Int { shape.count }

  /// Bytes of all elements.
  public var byteCount: Int { count * elementType.byteCount }

  /// The same elements in the same order under another shape; shares the storage.
  ///
  /// - Precondition: the element counts agree.
  public func reshaped(to shape: Shape) -> Tensor {
    guard shape.count == self.shape.count else {
      fatalError("shape \(self.shape) cannot be viewed as \(shape)")
    }
    var copy = self
    copy.shape = shape
    return copy
  }

  private mutating func makeStorageUnique() {
    guard storage.isMapped || !isKnownUniquelyReferenced(&storage) else { return }
    let copy = TensorStorage(byteCount: storage.bytes.count)
    copy.bytes.copyMemory(from: UnsafeRawBufferPointer(storage.bytes))
    storage = copy
  }

  private func requireElementType(_ scalar: any TensorScalar.Type) {
    guard scalar.elementType == elementType else {
      fatalError("tensor of \(elementType) accessed as \(scalar.elementType)")
    }
  }
}

// MARK: - Access

extension Tensor {
  /// Lends the elements for reading, in row-major order.
  ///
  /// - Precondition: `Scalar` is the tensor's element type.
  public func withSpan<Scalar: TensorScalar, Result>(
    of scalar: Scalar.Type, _ body: (Span<Scalar>) throws -> Result
  ) rethrows -> Result {
    requireElementType(scalar)
    return try body(UnsafeBufferPointer(storage.bytes.bindMemory(to: Scalar.self)).span)
  }

  /// Lends the elements for writing, in row-major order; copies them first where the storage is shared.
  ///
  /// - Precondition: `Scalar` is the tensor's element type.
  public mutating func withMutableSpan<Scalar: TensorScalar, Result>(
    of scalar: Scalar.Type, _ body: (inout MutableSpan<Scalar>) throws -> Result
  ) rethrows -> Result {
    requireElementType(scalar)
    makeStorageUnique()
    var span = storage.bytes.bindMemory(to: Scalar.self).mutableSpan
    return try body(&span)
  }

  /// Lends the elements of a `float32` tensor for reading.
  public func withSpan<Result>(_ body: (Span<Float>) throws -> Result) rethrows -> Result {
    try withSpan(of: Float.self, body)
  }

  /// Lends the elements of a `float32` tensor for writing.
  public mutating func withMutableSpan<Result>(
    _ body: (inout MutableSpan<Float>) throws -> Result
  ) rethrows -> Result {
    try withMutableSpan(of: Float.self, body)
  }

  /// A copy of the elements of a `float32` tensor, in row-major order.
  public var elements: [Float] { elements(of: Float.self) }

  /// The raw bytes, for file formats and kernels.
  package func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try body(UnsafeRawBufferPointer(storage.bytes))
  }

  /// The raw bytes for writing, for file formats and kernels.
  package mutating func withUnsafeMutableBytes<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    makeStorageUnique()
    return try body(storage.bytes)
  }

  /// The tensor's memory, to keep: its own where nobody shares it, else a copy.
  ///
  /// - Throws: ``AllocationError`` where there is no memory for the copy.
  package consuming func takeStorage(
    for purpose: @autoclosure () -> String
  ) throws(AllocationError) -> TensorStorage {
    if !storage.isMapped, isKnownUniquelyReferenced(&storage) { return storage }
    let copy = try TensorStorage(byteCount: storage.bytes.count, for: purpose())
    copy.bytes.copyMemory(from: UnsafeRawBufferPointer(storage.bytes))
    return copy
  }

  /// Whether the elements still lie in a file.
  package var isMapped: Bool { storage.isMapped }

  /// Gives the memory of elements that lie in a file back to the system, until they are read again.
  package func releasePages() { storage.releasePages() }

  /// A copy of the elements, in row-major order.
  ///
  /// - Precondition: `Scalar` is the tensor's element type.
  public func elements<Scalar: TensorScalar>(of scalar: Scalar.Type) -> [Scalar] {
    requireElementType(scalar)
    return [Scalar](storage.bytes.bindMemory(to: Scalar.self))
  }

  /// One element of a `float32` tensor, one index an axis.
  public subscript(indices: Int...) -> Float {
    get {
      let offset = offset(of: indices)
      return withSpan { $0[offset] }
    }
    set {
      let offset = offset(of: indices)
      withMutableSpan { $0[offset] = newValue }
    }
  }

  private func offset(of indices: [Int]) -> Int {
    guard indices.count == shape.rank, zip(indices, shape.dimensions).allSatisfy({ 0..<$1 ~= $0 })
    else { fatalError("index \(indices) is outside a tensor of shape \(shape)") }
    return zip(indices, shape.rowMajorStrides).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

extension Tensor: Equatable {
  /// Equal where shape, element type and every byte are equal (so `0.0` and `-0.0` differ).
  public static func == (left: Tensor, right: Tensor) -> Bool {
    guard left.shape == right.shape, left.elementType == right.elementType else { return false }
    return left.withUnsafeBytes { left in right.withUnsafeBytes { left.elementsEqual($0) } }
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String { "Tensor(\(shape), \(elementType))" }
}
