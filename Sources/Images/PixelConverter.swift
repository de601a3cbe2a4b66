import ConvNetTensors

/// Turns the bytes of a picture into normalized numbers in the network's order, by a table of 256
/// numbers a channel: exact, and without a division for each pixel.
package struct PixelConverter: Sendable {
  private let shape: PictureShape
  private let order: ChannelOrder
  private let normalizations: [(mean: Float, deviation: Float)]
  private let table: [Float]
  /// In the order of the result; with it the table divides by 255 only.
  private let meanPicture: [Float]?

  package init(_ preprocessing: Preprocessing) {
    shape = PictureShape(
      extents: Extents(height: preprocessing.height, width: preprocessing.width),
      channels: preprocessing.channels, format: preprocessing.dataFormat)
    order = preprocessing.channelOrder
    let normalizations = (0..<preprocessing.channels).map { channel in
      (
        mean: preprocessing.mean?[channel] ?? 0,
        deviation: preprocessing.deviation?[channel] ?? 1
      )
    }
    self.normalizations = normalizations
    let (shape, order) = (shape, order)
    meanPicture = preprocessing.meanPicture.map { mean in
      let values = order.arranged(mean.values, channels: shape.channels)
      guard shape.format == .channelsFirst else { return values }
      return (0..<shape.channels).flatMap { channel in
        stride(from: channel, to: values.count, by: shape.channels).map { values[$0] }
      }
    }
    let hasMeanPicture = meanPicture != nil
    table = normalizations.flatMap { mean, deviation in
      (0..<256).map { hasMeanPicture ? Float($0) / 255 : (Float($0) / 255 - mean) / deviation }
    }
  }

  package var elementCount: Int { shape.count }

  /// Converts a whole picture.
  ///
  /// - Precondition: both hold ``elementCount`` values.
  package func convert(_ pixels: Span<UInt8>, into target: UnsafeMutableBufferPointer<Float>) {
    precondition(pixels.count == elementCount)
    let window = PixelWindow(
      row: 0, column: 0, height: shape.extents.height, width: shape.extents.width,
      channels: shape.channels, sourceWidth: shape.extents.width, isMirrored: false)
    pixels.withUnsafeBufferPointer { convert($0, window, into: target) }
  }

  /// Crops, mirrors, shifts the colors, normalizes and orders, in one pass.
  ///
  /// - Parameters:
  ///   - window: of the extents and channels of the result.
  ///   - shift: what is added to the values from 0 to 1 of three channels.
  package func convert(
    _ pixels: UnsafeBufferPointer<UInt8>, _ window: PixelWindow, shift: SIMD3<Float>? = nil,
    into target: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(
      target.count == elementCount && window.height == shape.extents.height
        && window.width == shape.extents.width && window.channels == shape.channels)
    if let shift, shape.channels == 3 {
      // No more than a kilobyte comes from the stack.
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 256) { red in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 256) { green in
          withUnsafeTemporaryAllocation(of: Float.self, capacity: 256) { blue in
            fill(red, 0, shift[0])
            fill(green, 1, shift[1])
            fill(blue, 2, shift[2])
            look(
              up: pixels, window,
              (UnsafeBufferPointer(red), UnsafeBufferPointer(green), UnsafeBufferPointer(blue)),
              into: target)
          }
        }
      }
    } else {
      table.withUnsafeBufferPointer { table in
        func part(_ channel: Int) -> UnsafeBufferPointer<Float> {
          UnsafeBufferPointer(rebasing: table[channel * 256..<(channel + 1) * 256])
        }
        let isGrey = shape.channels == 1
        look(
          up: pixels, window, (part(0), part(isGrey ? 0 : 1), part(isGrey ? 0 : 2)), into: target)
      }
    }
    if let meanPicture { subtract(meanPicture, from: target) }
  }

  /// Of 256 numbers for each channel; of a grey picture the first counts.
  private typealias Tables = (
    red: UnsafeBufferPointer<Float>, green: UnsafeBufferPointer<Float>,
    blue: UnsafeBufferPointer<Float>
  )

  private func fill(
    _ table: UnsafeMutableBufferPointer<Float>, _ channel: Int, _ shift: Float
  ) {
    let (mean, deviation) = normalizations[channel]
    for level in 0..<256 {
      let value = Float(level) / 255 + shift
      table[level] = meanPicture == nil ? (value - mean) / deviation : value
    }
  }

  private func look(
    up pixels: UnsafeBufferPointer<UInt8>, _ window: PixelWindow,
    _ tables: Tables, into target: UnsafeMutableBufferPointer<Float>
  ) {
    let (red, green, blue) = tables
    let width = window.width
    // The last pixel of a row first where the picture is mirrored.
    let (begin, step) = window.isMirrored ? (width - 1, -1) : (0, 1)
    if window.channels == 1 {
      window.forEachRow { row, first in
        for column in 0..<width {
          target[row &* width &+ column] = red[Int(pixels[first &+ begin &+ column &* step])]
        }
      }
      return
    }
    let pixelCount = window.height * width
    let (pixelStride, channelStride) = shape.format == .channelsLast ? (3, 1) : (1, pixelCount)
    let (redPlace, bluePlace) =
      order == .rgb ? (0, 2 &* channelStride) : (2 &* channelStride, 0)
    window.forEachRow { row, first in
      var from = first &+ 3 &* begin
      var to = row &* width &* pixelStride
      for _ in 0..<width {
        target[to &+ redPlace] = red[Int(pixels[from])]
        target[to &+ channelStride] = green[Int(pixels[from &+ 1])]
        target[to &+ bluePlace] = blue[Int(pixels[from &+ 2])]
        from &+= 3 &* step
        to &+= pixelStride
      }
    }
  }

  private func subtract(_ mean: [Float], from target: UnsafeMutableBufferPointer<Float>) {
    let pixelCount = shape.extents.height * shape.extents.width
    let (pixelStride, channelStride) =
      shape.format == .channelsLast ? (shape.channels, 1) : (1, pixelCount)
    mean.withUnsafeBufferPointer { mean in
      for channel in 0..<shape.channels {
        let color = order == .rgb ? channel : shape.channels - 1 - channel
        let deviation = normalizations[color].deviation
        var index = channel * channelStride
        for _ in 0..<pixelCount {
          target[index] = (target[index] - mean[index]) / deviation
          index &+= pixelStride
        }
      }
    }
  }
}

extension ChannelOrder {
  /// Numbers of pixels, red first, in this order.
  fileprivate func arranged(_ values: [Float], channels: Int) -> [Float] {
    guard self == .bgr else { return values }
    var values = values
    for index in stride(from: 0, to: values.count, by: channels) {
      values.swapAt(index, index + channels - 1)
    }
    return values
  }
}
