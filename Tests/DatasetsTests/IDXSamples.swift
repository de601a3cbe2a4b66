/// IDX files made by hand for the tests.
enum IDXSamples {
  static func file(type: UInt8 = 8, _ dimensions: [UInt32], _ data: [UInt8]) -> [UInt8] {
    [0, 0, type, UInt8(dimensions.count)] + dimensions.flatMap(bigEndian) + data
  }

  static func bigEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  /// A gzip member that stores its contents, fewer than 65,536 bytes, uncompressed.
  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var checksum = UInt32.max
    for byte in bytes {
      checksum ^= UInt32(byte)
      for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    let count = UInt16(bytes.count)
    func little(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + little(count) + little(~count) + bytes
      + bigEndian(~checksum).reversed() + bigEndian(UInt32(bytes.count)).reversed()
  }

  /// 25 pictures of 2 x 3 whose first value is the sample's number, with labels number % 3.
  static let images = file([25, 2, 3], (0..<25).flatMap { [UInt8($0), 10, 20, 30, 40, 255] })
  static let labels = file([25], (0..<25).map { UInt8($0 % 3) })
}
