import Foundation

/// A picture that is subtracted from every other: the mean of the training data, values from 0 to 1.
public struct MeanPicture: Hashable, Sendable {
  /// Rows, as many as the network's input has.
  public let height: Int
  /// Columns, as many as the network's input has.
  public let width: Int
  /// 1 grey, 3 red, green and blue.
  public let channels: Int
  /// In order [H, W, C].
  public let values: [Float]

  /// - Precondition: there are as many values as the extents say.
  public init(height: Int, width: Int, channels: Int, values: [Float]) {
    precondition(values.count == height * width * channels)
    self.height = height
    self.width = width
    self.channels = channels
    self.values = values
  }
}

extension MeanPicture: Codable {
  private enum CodingKeys: CodingKey { case height, width, channels, values }

  /// The values are base 64 of `float32`, little-endian: as numbers of JSON they would be four times
  /// as long.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(height, forKey: .height)
    try container.encode(width, forKey: .width)
    try container.encode(channels, forKey: .channels)
    let words = values.map { $0.bitPattern.littleEndian }
    let data = words.withUnsafeBytes { Data($0) }
    try container.encode(data.base64EncodedString(), forKey: .values)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    height = try container.decode(Int.self, forKey: .height)
    width = try container.decode(Int.self, forKey: .width)
    channels = try container.decode(Int.self, forKey: .channels)
    let text = try container.decode(String.self, forKey: .values)
    let limits = 1...1 << 16
    guard limits ~= height, limits ~= width, 1...4 ~= channels,
      let data = Data(base64Encoded: text), data.count == 4 * height * width * channels
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .values, in: container,
        debugDescription: "the values do not fill \(height)x\(width)x\(channels)")
    }
    values = data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { index in
        Float(
          bitPattern: UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
      }
    }
  }
}
