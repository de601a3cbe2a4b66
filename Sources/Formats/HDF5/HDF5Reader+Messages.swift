import ConvNetTensors

// The messages of an object's header, each at its place.

extension HDF5Reader {
  func shape(_ start: Int) throws(HDF5Error.Problem) -> [Int]? {
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

  func type(_ start: Int) throws(HDF5Error.Problem) -> HDF5Type {
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

  func link(_ start: Int) throws(HDF5Error.Problem) -> (String, Int)? {
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

  func layout(_ start: Int) throws(HDF5Error.Problem) -> HDF5Layout {
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

  func filters(_ start: Int) throws(HDF5Error.Problem) -> [HDF5Filter] {
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
  func label(_ body: Range<Int>) throws(HDF5Error.Problem) -> String? {
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
}
