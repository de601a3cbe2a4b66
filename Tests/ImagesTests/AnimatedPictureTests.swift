import ConvNetImages
import Testing

@Suite("Animated PNG files") struct AnimatedPictureTests {
  private struct Chunk {
    var kind: String
    var data: [UInt8]
  }

  private func number(_ bytes: some Collection<UInt8>) -> Int {
    bytes.reduce(0) { $0 << 8 | Int($1) }
  }

  /// The chunks of a file, whose checksums must be right.
  private func chunks(of file: [UInt8]) throws -> [Chunk] {
    var (chunks, offset) = ([Chunk](), 8)
    while offset < file.count {
      let length = number(file[offset..<offset + 4])
      let checked = Array(file[offset + 4..<offset + 8 + length])
      #expect(number(file[offset + 8 + length..<offset + 12 + length]) == Int(crc32(checked)))
      chunks.append(
        Chunk(
          kind: String(decoding: checked.prefix(4), as: UTF8.self),
          data: Array(checked.dropFirst(4))))
      offset += 12 + length
    }
    return chunks
  }

  private func encoded(_ chunk: Chunk) -> [UInt8] {
    let checked = Array(chunk.kind.utf8) + chunk.data
    func bytes(_ value: UInt32) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
    }
    return bytes(UInt32(chunk.data.count)) + checked + bytes(crc32(checked))
  }

  @Test(
    "each picture can be taken out as it was; other readers see the first", arguments: [1, 3, 4])
  func frames(channels: Int) throws {
    let images = (0..<3).map { number in
      var image = Image(
        height: 9, width: 14, color: .init(grey: UInt8(60 * number)), channels: channels)
      image[number, 2 * number, 0] = 250
      return image
    }
    let file = try AnimatedPicture(
      images.enumerated().map { .init($1, milliseconds: 100 + $0) }, plays: 2
    ).encodedPNG()
    #expect(try Image(decoding: file.span.bytes) == images[0])
    let chunks = try chunks(of: file)
    let control = try #require(chunks.first { $0.kind == "acTL" })
    #expect(number(control.data.prefix(4)) == 3 && number(control.data.suffix(4)) == 2)
    #expect(
      try #require(chunks.firstIndex { $0.kind == "acTL" })
        < #require(chunks.firstIndex { $0.kind == "IDAT" }))
    // Numbered through all that belongs to the animation.
    let numbered = chunks.filter { ["fcTL", "fdAT"].contains($0.kind) }
    #expect(numbered.map { number($0.data.prefix(4)) } == Array(0..<numbered.count))
    let places = chunks.indices.filter { chunks[$0].kind == "fcTL" }
    #expect(places.count == 3)
    for (index, place) in places.enumerated() {
      let data = chunks[place].data
      #expect(number(data[4..<8]) == 14 && number(data[8..<12]) == 9)
      #expect(number(data[20..<22]) == 100 + index && number(data[22..<24]) == 1000)
      let end = index + 1 < 3 ? places[index + 1] : chunks.count - 1
      let parts = chunks[place + 1..<end].map {
        Chunk(kind: "IDAT", data: $0.kind == "fdAT" ? Array($0.data.dropFirst(4)) : $0.data)
      }
      let header = try #require(chunks.first { $0.kind == "IHDR" })
      let picture =
        file.prefix(8) + encoded(header) + parts.flatMap(encoded)
        + encoded(Chunk(kind: "IEND", data: []))
      #expect(try Image(decoding: Array(picture).span.bytes) == images[index])
    }
  }
}
