/// What a step does with the memory at a place.
package enum PlaceUse {
  case reads
  /// All of it, whatever was there.
  case writes
  /// Reads what is there, and writes over it.
  case changes
  /// Writes in rare cases, such as for numbers that are none.
  case corrects
  /// Computes there what nobody else reads.
  case scratch

  var isRead: Bool { self == .reads || self == .changes }
  var isWritten: Bool { self == .writes || self == .changes }
}

/// The memory of a kernel of our own: its places, each declared with what the kernel does there. Declaring one gives the name by
/// which the kernel finds it when it runs.
///
/// ```swift
/// var places = KernelPlaces()
/// let (to, from) = (places.writes(result), places.reads(source))
/// emitKernel("halve", places, for: operation) { memory, _ in
///   halve(memory[to], memory[from], count)
/// }
/// ```
///
/// A name of something that is read gives a pointer that cannot be written through.
package struct KernelPlaces {
  /// In the order of declaration.
  package private(set) var all: [(place: Place, use: PlaceUse)] = []

  package init() {}

  package mutating func reads<Element>(
    _ place: Place, as type: Element.Type = Float.self
  ) -> ReadPlace<Element> {
    ReadPlace(index: add(place, .reads))
  }

  /// `nil` for a place that there is not, such as of a bias.
  package mutating func reads<Element>(
    ifAny place: Place?, as type: Element.Type = Float.self
  ) -> ReadPlace<Element>? {
    place.map { reads($0, as: type) }
  }

  package mutating func writes<Element>(
    _ place: Place, as type: Element.Type = Float.self
  ) -> WrittenPlace<Element> {
    WrittenPlace(index: add(place, .writes))
  }

  package mutating func writes<Element>(
    ifAny place: Place?, as type: Element.Type = Float.self
  ) -> WrittenPlace<Element>? {
    place.map { writes($0, as: type) }
  }

  /// Those of one kind, however many there are.
  mutating func reads(all places: [Place]) -> ReadPlaces {
    let first = all.count
    for place in places { _ = add(place, .reads) }
    return ReadPlaces(indices: first..<all.count)
  }

  package mutating func changes<Element>(
    _ place: Place, as type: Element.Type = Float.self
  ) -> WrittenPlace<Element> {
    WrittenPlace(index: add(place, .changes))
  }

  package mutating func corrects<Element>(
    _ place: Place, as type: Element.Type = Float.self
  ) -> WrittenPlace<Element> {
    WrittenPlace(index: add(place, .corrects))
  }

  package mutating func scratch<Element>(
    _ place: Place, as type: Element.Type = Float.self
  ) -> WrittenPlace<Element> {
    WrittenPlace(index: add(place, .scratch))
  }

  private mutating func add(_ place: Place, _ use: PlaceUse) -> Int {
    all.append((place, use))
    return all.count - 1
  }
}

/// The name of a place that a kernel reads.
package struct ReadPlace<Element>: Sendable {
  fileprivate let index: Int
}

/// The name of a place that a kernel writes, or computes in.
package struct WrittenPlace<Element>: Sendable {
  fileprivate let index: Int
}

/// The name of several places that a kernel reads.
struct ReadPlaces: Sendable {
  fileprivate let indices: Range<Int>
}

/// Where the places of a kernel lie during a run.
package struct KernelMemory {
  private let addresses: [UnsafeMutableRawPointer]

  /// - Parameter addresses: in the order in which the places were declared.
  init(_ addresses: [UnsafeMutableRawPointer]) {
    self.addresses = addresses
  }

  @inline(__always)
  package subscript<Element>(place: ReadPlace<Element>) -> UnsafePointer<Element> {
    UnsafePointer(addresses[place.index].assumingMemoryBound(to: Element.self))
  }

  @inline(__always)
  package subscript<Element>(place: WrittenPlace<Element>) -> UnsafeMutablePointer<Element> {
    addresses[place.index].assumingMemoryBound(to: Element.self)
  }

  @inline(__always)
  package subscript<Element>(ifAny place: ReadPlace<Element>?) -> UnsafePointer<Element>? {
    place.map { self[$0] }
  }

  @inline(__always)
  package subscript<Element>(ifAny place: WrittenPlace<Element>?) -> UnsafeMutablePointer<Element>?
  {
    place.map { self[$0] }
  }

  subscript(places: ReadPlaces) -> ArraySlice<UnsafeMutableRawPointer> {
    addresses[places.indices]
  }
}
