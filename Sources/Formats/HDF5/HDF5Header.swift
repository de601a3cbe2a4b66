import ConvNetTensors

/// What the messages of an object's header say.
struct HDF5Header {
  var shape: [Int]?
  var type: HDF5Type?
  var layout: HDF5Layout?
  var filters: [HDF5Filter] = []
  /// Members that the header itself lists.
  var links: [(String, Int)] = []
  /// The tree and the heap that list them.
  var table: (Int, Int)?
  /// The attribute "name".
  var label: String?
}

enum HDF5Type {
  case numbers(ElementType)
  case text(byteCount: Int)
  /// Of any length, in a heap.
  case longText
  case other

  var elementType: ElementType? { if case .numbers(let type) = self { type } else { nil } }
}

enum HDF5Layout: Sendable {
  case piece(Range<Int>)
  case chunks(tree: Int, extents: [Int])
  /// Nothing was written: all is zero.
  case nothing
}

enum HDF5Filter: Sendable {
  case deflate
  /// First bytes of all elements, then second ones, and so on.
  case shuffle
  /// Four bytes behind the data.
  case checksum
}

/// A dataset of numbers.
struct HDF5Dataset: Sendable {
  /// The names of the groups that it is in, and its own.
  var path: [String]
  /// What the attribute "name" of each of the groups is, the file's own first.
  var labels: [String?]
  var shape: [Int]
  var type: ElementType
  var layout: HDF5Layout
  var filters: [HDF5Filter]
}

/// A block of a dataset.
struct HDF5Chunk {
  var offsets: [Int]
  var bytes: Range<Int>
  /// Filters that were not applied, a bit each.
  var skipped: Int
}
