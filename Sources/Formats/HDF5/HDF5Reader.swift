import ConvNetFiles
import ConvNetTensors

/// Reads the part of HDF5 that Keras's weights are written in.
///
/// The format: "HDF5 File Format Specification", version 3.0, The HDF Group
/// (https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html). Read are superblocks of all versions with addresses of
/// eight bytes, object headers of both forms, groups that list their members in a B-tree or in the header, numbers in one piece
/// or in chunks, deflated and shuffled. Nothing is taken for granted: every address is checked where it is read, no group may be
/// within itself, and how deep and how many they may be is bounded.
struct HDF5Reader {
  private let source: HDF5Source
  /// Objects and nodes that were read.
  private var readCount = 0
  private static let readLimit = 1 << 18
  private static let depthLimit = 32

  init(_ source: HDF5Source) {
    self.source = source
  }

  static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
  /// An address of nothing.
  private static let undefined = UInt64.max

  // MARK: Bytes

  private func problem(_ reason: String, _ offset: Int) -> HDF5Error.Problem {
    .malformed(reason: reason, offset: offset)
  }

  private func number<Value: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int, as type: Value.Type
  ) throws(HDF5Error.Problem) -> Int {
    let value: Value? = source.withBytes { $0.integer(at: offset) }
    guard let value, let number = Int(exactly: value) else {
      throw problem("a number of \(MemoryLayout<Value>.size) bytes is missing or too large", offset)
    }
    return number
  }

  private func byte(_ offset: Int) throws(HDF5Error.Problem) -> Int {
    try number(offset, as: UInt8.self)
  }

  private func short(_ offset: Int) throws(HDF5Error.Problem) -> Int {
    try number(offset, as: UInt16.self)
  }

  private func word(_ offset: Int) throws(HDF5Error.Problem) -> Int {
    try number(offset, as: UInt32.self)
  }

  /// An address or a length within the file; `nil` for the address of nothing.
  private func address(_ offset: Int) throws(HDF5Error.Problem) -> Int? {
    let value: UInt64? = source.withBytes { $0.integer(at: offset) }
    guard let value else {
      throw problem("an address is missing", offset)
    }
    guard value != Self.undefined else { return nil }
    guard let address = Int(exactly: value), address <= source.byteCount else {
      throw problem("address \(value) of \(source.byteCount) bytes", offset)
    }
    return address
  }

  private func requireAddress(_ offset: Int) throws(HDF5Error.Problem) -> Int {
    guard let address = try address(offset) else {
      throw problem("an address of nothing", offset)
    }
    return address
  }

  private func range(_ start: Int, _ count: Int) throws(HDF5Error.Problem) -> Range<Int> {
    let all = source.byteCount
    guard start >= 0, count >= 0, start <= all, count <= all - start else {
      throw problem("\(count) bytes of \(all)", start)
    }
    return start..<start + count
  }

  private func array(_ range: Range<Int>) -> [UInt8] { source.withBytes { $0.array(range) } }

  private func requireSignature(_ text: String, _ offset: Int) throws(HDF5Error.Problem) {
    let found = array(try range(offset, text.utf8.count))
    guard found.elementsEqual(text.utf8) else { throw problem("no \(text) is there", offset) }
  }

  /// Text that ends at a zero, or with its range.
  private func text(_ range: Range<Int>) -> String {
    String(decoding: array(range).prefix { $0 != 0 }, as: UTF8.self)
  }

  private mutating func count(_ offset: Int) throws(HDF5Error.Problem) {
    readCount += 1
    guard readCount <= Self.readLimit else {
      throw problem("there are more than \(Self.readLimit) objects", offset)
    }
  }

  // MARK: The file

  /// All datasets of numbers, with their paths.
  mutating func datasets() throws(HDF5Error.Problem) -> [HDF5Dataset] {
    guard source.byteCount >= 9, array(0..<8) == Self.signature else {
      throw problem("it does not begin as HDF5 files do", 0)
    }
    let version = try byte(8)
    let (sizes, root): (Int, Int)
    switch version {
    case 0: (sizes, root) = (13, 64)
    case 1: (sizes, root) = (13, 68)
    case 2, 3: (sizes, root) = (9, 36)
    default: throw .unsupported("a superblock of version \(version)")
    }
    guard try byte(sizes) == 8, try byte(sizes + 1) == 8 else {
      throw .unsupported("addresses of \(try byte(sizes)) bytes")
    }
    guard try address(version < 2 ? root - 40 : 12) == 0 else {
      throw .unsupported("something before its beginning")
    }
    var found: [HDF5Dataset] = []
    var path: [Int] = []
    try visit(requireAddress(root), name: [], labels: [], above: &path, into: &found)
    return found
  }

  /// Goes through what is below an object.
  private mutating func visit(
    _ address: Int, name: [String], labels: [String?], above: inout [Int],
    into found: inout [HDF5Dataset]
  ) throws(HDF5Error.Problem) {
    try count(address)
    guard !above.contains(address) else { throw problem("a group is within itself", address) }
    guard above.count < Self.depthLimit else {
      throw problem("groups are more than \(Self.depthLimit) deep", address)
    }
    let header = try header(address)
    if let shape = header.shape, let layout = header.layout, let type = header.type {
      guard let type = type.elementType else { return }
      found.append(
        HDF5Dataset(
          path: name, labels: labels, shape: shape, type: type, layout: layout,
          filters: header.filters))
      return
    }
    above.append(address)
    for (member, place) in try header.links + members(header) {
      try visit(
        place, name: name + [member], labels: labels + [header.label], above: &above, into: &found)
    }
    above.removeLast()
  }

  /// What the B-tree of a group lists, where it has one.
  private mutating func members(
    _ header: HDF5Header
  ) throws(HDF5Error.Problem) -> [(String, Int)] {
    guard let (tree, heap) = header.table else { return [] }
    try requireSignature("HEAP", heap)
    let names = try range(requireAddress(heap + 24), number(heap + 8, as: UInt64.self))
    var members: [(String, Int)] = []
    var nodes = [(tree, Int.max)]
    while let (node, above) = nodes.popLast() {
      try count(node)
      try requireSignature("TREE", node)
      let (level, entries) = (try byte(node + 5), try short(node + 6))
      guard try byte(node + 4) == 0, level < above else {
        throw problem("a node of a group's tree is of another kind", node)
      }
      for entry in 0..<entries {
        let child = try requireAddress(node + 24 + 8 + 16 * entry)
        guard level == 0 else {
          nodes.append((child, level))
          continue
        }
        try requireSignature("SNOD", child)
        for symbol in 0..<(try short(child + 6)) {
          try count(child)
          let place = child + 8 + 40 * symbol
          // A link by name, to what has another name as well.
          guard try word(place + 16) != 2 else { continue }
          let start = try number(place, as: UInt64.self)
          guard start < names.count else { throw problem("a name is beyond its heap", place) }
          let name = text(names.lowerBound + start..<names.upperBound)
          members.append((name, try requireAddress(place + 8)))
        }
      }
    }
    return members
  }

  // MARK: Object headers

  private mutating func header(_ address: Int) throws(HDF5Error.Problem) -> HDF5Header {
    var header = HDF5Header()
    /// Parts of the header that are still to be read.
    var blocks: [Range<Int>]
    let isSecond = try word(address) == 0x5244_484F
    var hasOrder = false
    if isSecond {
      let flags = try byte(address + 5)
      hasOrder = flags & 4 != 0
      let start = address + 6 + (flags & 0x20 != 0 ? 16 : 0) + (flags & 0x10 != 0 ? 4 : 0)
      let size: Int
      switch flags & 3 {
      case 0: size = try byte(start)
      case 1: size = try short(start)
      case 2: size = try word(start)
      default: size = try number(start, as: UInt64.self)
      }
      blocks = [try range(start + 1 << (flags & 3), size)]
    } else {
      guard try byte(address) == 1 else { throw problem("no object is there", address) }
      blocks = [try range(address + 16, word(address + 8))]
    }
    while let block = blocks.popLast() {
      var place = block.lowerBound
      let prefix = isSecond ? hasOrder ? 6 : 4 : 8
      while place + prefix <= block.upperBound {
        try count(place)
        let type = isSecond ? try byte(place) : try short(place)
        let size = try short(place + (isSecond ? 1 : 2))
        let flags = try byte(place + (isSecond ? 3 : 4))
        let body = try range(place + prefix, size)
        guard body.upperBound <= block.upperBound else {
          throw problem("a message is longer than its header", place)
        }
        if type == 0x10 {
          let start = try requireAddress(body.lowerBound)
          let whole = try range(start, number(body.lowerBound + 8, as: UInt64.self))
          if isSecond {
            try requireSignature("OCHK", start)
            guard whole.count >= 8 else { throw problem("a part of a header is too short", start) }
            blocks.append(whole.lowerBound + 4..<whole.upperBound - 4)
          } else {
            blocks.append(whole)
          }
        } else {
          try read(type, isShared: flags & 2 != 0, body, into: &header)
        }
        place = body.upperBound
      }
    }
    return header
  }

  private func read(
    _ message: Int, isShared: Bool, _ body: Range<Int>, into header: inout HDF5Header
  ) throws(HDF5Error.Problem) {
    let start = body.lowerBound
    switch message {
    case 0x01: header.shape = try shape(start)
    case 0x03:
      guard !isShared else { throw .unsupported("a type that several datasets share") }
      header.type = try type(start)
    case 0x02:
      let flags = try byte(start + 1)
      guard try address(start + 2 + (flags & 1 != 0 ? 8 : 0)) == nil else {
        throw .unsupported("a group with many members in its newer form")
      }
    case 0x06: if let link = try link(start) { header.links.append(link) }
    case 0x08: header.layout = try layout(start)
    case 0x0B: header.filters = try filters(start)
    case 0x0C: if let label = try label(body) { header.label = label }
    case 0x11: header.table = (try requireAddress(start), try requireAddress(start + 8))
    default: break
    }
  }

  private func shape(_ start: Int) throws(HDF5Error.Problem) -> [Int]? {
    let (version, rank) = (try byte(start), try byte(start + 1))
    guard 1...2 ~= version, rank <= 32 else {
      throw problem("extents of version \(version), \(rank) of them", start)
    }
    if version == 2, try byte(start + 3) == 2 { return nil }
    var extents: [Int] = []
    for axis in 0..<rank {
      extents.append(try number(start + (version == 1 ? 8 : 4) + 8 * axis, as: UInt64.self))
    }
    return extents
  }

  private func type(_ start: Int) throws(HDF5Error.Problem) -> HDF5Type {
    let kind = try byte(start) & 0xF
    let (bits, size) = (try byte(start + 1), try word(start + 4))
    let isLittle = bits & 1 == 0
    switch kind {
    case 0:
      let isSigned = bits & 8 != 0
      switch (size, isSigned) {
      case (1, false): return .numbers(.uint8)
      case (1, true): return .numbers(.int8)
      case (2, false) where isLittle: return .numbers(.uint16)
      case (2, true) where isLittle: return .numbers(.int16)
      case (4, false) where isLittle: return .numbers(.uint32)
      case (4, true) where isLittle: return .numbers(.int32)
      case (8, false) where isLittle: return .numbers(.uint64)
      case (8, true) where isLittle: return .numbers(.int64)
      default: return .other
      }
    case 1:
      let (exponent, fraction) = (try byte(start + 13), try byte(start + 15))
      switch (size, exponent, fraction) {
      case (2, 5, 10) where isLittle: return .numbers(.float16)
      case (2, 8, 7) where isLittle: return .numbers(.bfloat16)
      case (4, 8, 23) where isLittle: return .numbers(.float32)
      case (8, 11, 52) where isLittle: return .numbers(.float64)
      default:
        let order = isLittle ? "" : ", the first byte the highest"
        throw .unsupported("floats of \(size) bytes with \(exponent) bits of exponent\(order)")
      }
    case 3: return .text(byteCount: size)
    case 9 where bits & 0xF == 1: return .longText
    default: return .other
    }
  }

  private func link(_ start: Int) throws(HDF5Error.Problem) -> (String, Int)? {
    let flags = try byte(start + 1)
    var place = start + 2
    var kind = 0
    if flags & 8 != 0 {
      kind = try byte(place)
      place += 1
    }
    if flags & 4 != 0 { place += 8 }
    if flags & 16 != 0 { place += 1 }
    let length: Int
    switch flags & 3 {
    case 0: length = try byte(place)
    case 1: length = try short(place)
    case 2: length = try word(place)
    default: length = try number(place, as: UInt64.self)
    }
    let name = try range(place + 1 << (flags & 3), length)
    guard kind == 0 else { return nil }
    return (text(name), try requireAddress(name.upperBound))
  }

  private func layout(_ start: Int) throws(HDF5Error.Problem) -> HDF5Layout {
    let version = try byte(start)
    guard 3...4 ~= version else { throw .unsupported("a layout of version \(version)") }
    switch try byte(start + 1) {
    case 0: return .piece(try range(start + 4, short(start + 2)))
    case 1:
      guard let place = try address(start + 2) else { return .nothing }
      return .piece(try range(place, number(start + 10, as: UInt64.self)))
    case 2 where version == 3:
      let rank = try byte(start + 2)
      guard 2...33 ~= rank else { throw problem("chunks of \(rank) dimensions", start) }
      var extents: [Int] = []
      for axis in 0..<rank { extents.append(try word(start + 11 + 4 * axis)) }
      guard extents.allSatisfy({ $0 > 0 }) else { throw problem("chunks of \(extents)", start) }
      guard let tree = try address(start + 3) else { return .nothing }
      return .chunks(tree: tree, extents: Array(extents.dropLast()))
    default: throw .unsupported("chunks in their newer form")
    }
  }

  private func filters(_ start: Int) throws(HDF5Error.Problem) -> [HDF5Filter] {
    let (version, count) = (try byte(start), try byte(start + 1))
    guard 1...2 ~= version, count <= 32 else {
      throw problem("\(count) filters of version \(version)", start)
    }
    var place = start + (version == 1 ? 8 : 2)
    var filters: [HDF5Filter] = []
    for _ in 0..<count {
      let id = try short(place)
      place += 2
      var nameLength = 0
      if version == 1 || id >= 256 {
        nameLength = try short(place)
        place += 2
      }
      let values = try short(place + 2)
      place += 4 + (version == 1 ? (nameLength + 7) / 8 * 8 : nameLength) + 4 * values
      if version == 1, values % 2 == 1 { place += 4 }
      switch id {
      case 1: filters.append(.deflate)
      case 2: filters.append(.shuffle)
      case 3: filters.append(.checksum)
      default: throw .unsupported("numbers compressed by filter \(id)")
      }
    }
    return filters
  }

  /// The text of an attribute that is called "name", which is how Keras says whose variables a group has.
  private func label(_ body: Range<Int>) throws(HDF5Error.Problem) -> String? {
    let start = body.lowerBound
    let version = try byte(start)
    guard 1...3 ~= version else { return nil }
    let sizes = [try short(start + 2), try short(start + 4), try short(start + 6)]
    func padded(_ size: Int) -> Int { version == 1 ? (size + 7) / 8 * 8 : size }
    let name = start + (version == 3 ? 9 : 8)
    guard try text(range(name, sizes[0])) == "name" else { return nil }
    let type = try type(name + padded(sizes[0]))
    let data = name + padded(sizes[0]) + padded(sizes[1]) + padded(sizes[2])
    switch type {
    case .text(let byteCount): return text(try range(data, byteCount))
    case .longText:
      let (length, index) = (try word(data), try word(data + 12))
      guard let heap = try address(data + 4) else { return "" }
      try requireSignature("GCOL", heap)
      let whole = try range(heap, number(heap + 8, as: UInt64.self))
      var place = heap + 16
      while place + 16 <= whole.upperBound {
        let (own, size) = (try short(place), try number(place + 8, as: UInt64.self))
        let contents = try range(place + 16, size)
        if own == index { return text(contents.prefix(length)) }
        // The free space at the end has the number 0.
        guard own != 0 else { break }
        place = contents.lowerBound + (size + 7) / 8 * 8
      }
      throw problem("text \(index) is not in its heap", heap)
    default: return nil
    }
  }

  // MARK: Chunks

  /// The places of a dataset's chunks.
  mutating func chunks(
    tree: Int, rank: Int
  ) throws(HDF5Error.Problem) -> [HDF5Chunk] {
    let keySize = 8 + 8 * (rank + 1)
    var chunks: [HDF5Chunk] = []
    var nodes = [(tree, Int.max)]
    while let (node, above) = nodes.popLast() {
      try count(node)
      try requireSignature("TREE", node)
      let (level, entries) = (try byte(node + 5), try short(node + 6))
      guard try byte(node + 4) == 1, level < above else {
        throw problem("a node of a dataset's tree is of another kind", node)
      }
      for entry in 0..<entries {
        let key = node + 24 + (keySize + 8) * entry
        let child = try requireAddress(key + keySize)
        guard level == 0 else {
          nodes.append((child, level))
          continue
        }
        try count(key)
        var offsets: [Int] = []
        for axis in 0..<rank {
          offsets.append(try number(key + 8 + 8 * axis, as: UInt64.self))
        }
        chunks.append(
          HDF5Chunk(
            offsets: offsets, bytes: try range(child, word(key)), skipped: try word(key + 4)))
      }
    }
    return chunks
  }
}

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
