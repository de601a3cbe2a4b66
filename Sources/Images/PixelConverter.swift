import ConvNetTensors

/// Turns the bytes of a picture into normalized numbers in the network's order, by a table of 256
/// numbers a channel: exact, and without a division for each pixel.
package struct PixelConverter: Sendable {
  let channels: Int
  let pixelCount: Int
  let dataFormat: DataFormat
  private let table: [Float]

  package init(_ preprocessing: Preprocessing) {
    channels = preprocessing.channels
    pixelCount = preprocessing.height * preprocessing.width
    dataFormat = preprocessing.dataFormat
    table = (0..<channels).flatMap { channel in
      let mean = preprocessing.mean?[channel] ?? 0
      let deviation = preprocessing.deviation?[channel] ?? 1
      return (0..<256).map { (Float($0) / 255 - mean) / deviation }
    }
  }

  package var elementCount: Int { pixelCount * channels }

  /// - Precondition: both hold ``elementCount`` values.
  package func convert(_ pixels: Span<UInt8>, into target: UnsafeMutableBufferPointer<Float>) {
    precondition(pixels.count == elementCount && target.count == elementCount)
    pixels.withUnsafeBufferPointer { pixels in
      table.withUnsafeBufferPointer { table in
        if channels == 1 {
          for index in 0..<pixelCount { target[index] = table[Int(pixels[index])] }
          return
        }
        let (pixelStride, channelStride) =
          dataFormat == .channelsLast ? (channels, 1) : (1, pixelCount)
        for channel in 0..<channels {
          let values = UnsafeBufferPointer(rebasing: table[channel * 256..<(channel + 1) * 256])
          for index in 0..<pixelCount {
            target[index * pixelStride + channel * channelStride] =
              values[Int(pixels[index * channels + channel])]
          }
        }
      }
    }
  }
}
