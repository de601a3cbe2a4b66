import ConvNetFiles

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

  func problem(_ reason: String, _ offset: Int) -> HDF5Error.Problem {
    .malformed(reason: reason, offset: offset)
  }

  func number<Value: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int, as type: Value.Type
  ) throws(HDF5Error.Problem) -> Int {
    let value: Value? = source.withBytes { $0.integer(at: offset) }
    guard let value, let number = Int(exactly: value) else {
      throw problem("a number of \(MemoryLayout<Value>.size) bytes is missing or too large", offset)
    }
    return number
  }

  func byte(_ offset: Int) throws(HDF5Error.Problem) -> Int {
    try number(offset, as: UInt8.self)
  }

  func short(_ offset: Int) throws(HDF5Error.Problem) -> Int {
    try number(offset, as: UInt16.self)
  }

  func word(_ offset: Int) throws(HDF5Error.Problem) -> Int {
    try number(offset, as: UInt32.self)
  }

  /// An address or a length within the file; `nil` for the address of nothing.
  func address(_ offset: Int) throws(HDF5Error.Problem) -> Int? {
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

  func requireAddress(_ offset: Int) throws(HDF5Error.Problem) -> Int {
    guard let address = try address(offset) else {
      throw problem("an address of nothing", offset)
    }
    return address
  }

  func range(_ start: Int, _ count: Int) throws(HDF5Error.Problem) -> Range<Int> {
    let all = source.byteCount
    guard start >= 0, count >= 0, start <= all, count <= all - start else {
      throw problem("\(count) bytes of \(all)", start)
    }
    return start..<start + count
  }

  private func array(_ range: Range<Int>) -> [UInt8] { source.withBytes { $0.array(range) } }

  func requireSignature(_ text: String, _ offset: Int) throws(HDF5Error.Problem) {
    let found = array(try range(offset, text.utf8.count))
    guard found.elementsEqual(text.utf8) else { throw problem("no \(text) is there", offset) }
  }

  /// Text that ends at a zero, or with its range.
  func text(_ range: Range<Int>) -> String {
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
