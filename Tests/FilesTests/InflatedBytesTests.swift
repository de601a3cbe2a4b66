import ConvNetFiles
import Testing

@Suite("Inflating") struct InflatedBytesTests {
  private static let contents = [UInt8](repeatElement([97, 98, 99], count: 2000).joined())
  /// Of Python's `zlib.compressobj(9, zlib.DEFLATED, -15)`, fed with `b"abc" * 2000`.
  private static let deflated: [UInt8] = [
    237, 194, 65, 17, 0, 0, 12, 2, 160, 172, 106, 255, 14, 11, 177, 47, 28, 233, 162, 170, 170, 170,
    170, 170, 254, 30,
  ]
  /// Of Python's `gzip.compress(b"abc" * 2000, mtime=0)`.
  private static let member: [UInt8] = [
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 194, 65, 17, 0, 0, 12, 2, 160, 172, 106, 255, 14, 11, 177,
    47, 28, 233, 162, 170, 170, 170, 170, 170, 254, 30, 105, 217, 25, 196, 112, 23, 0, 0,
  ]

  private static func bytes(_ inflated: InflatedBytes) -> [UInt8] {
    inflated.withBytes { $0.array(0..<$0.byteCount) }
  }

  // MARK: Deflate data

  @Test("Deflate data of a known size, and their beginning", arguments: [6000, 5999, 10, 0])
  func sized(count: Int) throws {
    let inflated = try InflatedBytes(
      inflating: Self.deflated.span.bytes, byteCount: count, isWhole: count == 6000)
    #expect(Self.bytes(inflated) == Array(Self.contents.prefix(count)))
  }

  @Test(
    "Deflate data of another size than is stated are damage",
    arguments: [(5999, "longer"), (0, "longer"), (6001, "shorter")])
  func wrongSize(count: Int, word: String) {
    let error = #expect(throws: InflatedBytes.Failure.self) {
      try InflatedBytes(inflating: Self.deflated.span.bytes, byteCount: count, isWhole: true)
    }
    #expect(error == .corrupt(reason: "the compressed data is \(word) than its stated size"))
  }

  @Test("Deflate data that end early are damage wherever they end")
  func truncatedData() {
    for count in 0..<Self.deflated.count {
      let part = Array(Self.deflated.prefix(count))
      let error = #expect(throws: InflatedBytes.Failure.self) {
        try InflatedBytes(inflating: part.span.bytes, byteCount: 6000, isWhole: true)
      }
      #expect(error == .corrupt(reason: "the compressed data is truncated"))
    }
  }

  @Test("A size for which there is no memory is refused with its bytes")
  func memory() {
    let error = #expect(throws: InflatedBytes.Failure.self) {
      try InflatedBytes(inflating: Self.deflated.span.bytes, byteCount: 1 << 60, isWhole: true)
    }
    #expect("\(error, default: "")".contains("\(1 << 60) bytes of memory"))
  }

  // MARK: Gzip

  @Test("The members of a gzip file follow one another", arguments: [1, 2, 7])
  func members(count: Int) throws {
    let file = [UInt8](repeatElement(Self.member, count: count).joined())
    // The last member tells its own size only, so that memory grows.
    let inflated = try InflatedBytes(gunzipping: file.span.bytes, limit: 1 << 20)
    #expect(
      Self.bytes(inflated) == [UInt8](repeatElement(Self.contents, count: count).joined()))
  }

  @Test("What inflates beyond the limit is refused, by one byte as well", arguments: [1, 2, 7])
  func limit(count: Int) throws {
    let file = [UInt8](repeatElement(Self.member, count: count).joined())
    let size = count * Self.contents.count
    for limit in [0, 1, 100, size - 1] {
      #expect(throws: InflatedBytes.Failure.tooLarge(limit: limit)) {
        try InflatedBytes(gunzipping: file.span.bytes, limit: limit)
      }
    }
    #expect(throws: Never.self) { try InflatedBytes(gunzipping: file.span.bytes, limit: size) }
  }

  @Test("The beginning of a gzip file is had without the rest", arguments: [0, 10, 6000, 7000])
  func head(capacity: Int) throws {
    let head = try InflatedBytes.head(
      gunzipping: Self.member.span.bytes, capacity: capacity)
    #expect(head == Array(Self.contents.prefix(capacity)))
    if capacity < 6000 {
      let damaged = Self.member.dropLast(8) + [UInt8](repeating: 0, count: 8)
      let head = try InflatedBytes.head(
        gunzipping: Array(damaged).span.bytes, capacity: capacity)
      #expect(head.count == capacity)
    }
  }

  @Test("A gzip file that ends early, or whose last bytes are others, is damaged")
  func damagedFile() {
    for count in 0..<Self.member.count {
      let part = Array(Self.member.prefix(count))
      #expect(throws: InflatedBytes.Failure.self) {
        try InflatedBytes(gunzipping: part.span.bytes, limit: 1 << 20)
      }
    }
    for place in Self.member.indices.suffix(8) {
      var damaged = Self.member
      damaged[place] ^= 1
      #expect(throws: InflatedBytes.Failure.self) {
        try InflatedBytes(gunzipping: damaged.span.bytes, limit: 1 << 20)
      }
    }
    #expect(throws: InflatedBytes.Failure.corrupt(reason: "incorrect header check")) {
      try InflatedBytes(gunzipping: (Self.member + [7, 7, 7]).span.bytes, limit: 1 << 20)
    }
  }
}
