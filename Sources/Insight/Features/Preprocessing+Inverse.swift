import ConvNetImages
import ConvNetTensors

extension Preprocessing {
  /// The picture that a prepared input stands for: values beyond what pictures have become the nearest.
  ///
  /// - Parameter input: ``shape``, in any number of batches of one.
  func picture(_ input: Tensor) -> Image {
    let elements = input.elements
    var pixels = [UInt8](repeating: 0, count: height * width * channels)
    for row in 0..<height {
      for column in 0..<width {
        for channel in 0..<channels {
          let value = elements[place(row, column, channel)]
          let (mean, deviation) = numbers(row, column, channel)
          let level = (value * deviation + mean) * 255
          pixels[(row * width + column) * channels + channel] =
            level > 0 ? UInt8(min(255, level.rounded())) : 0
        }
      }
    }
    return Image(height: height, width: width, channels: channels, pixels: pixels)
  }

  /// The least and the largest number that a place of the input can have.
  func bounds(_ row: Int, _ column: Int, _ channel: Int) -> (lowest: Float, highest: Float) {
    let (mean, deviation) = numbers(row, column, channel)
    return ((0 - mean) / deviation, (1 - mean) / deviation)
  }

  /// Where the input has the number of a color: red is channel 0.
  func place(_ row: Int, _ column: Int, _ channel: Int) -> Int {
    let stored = channelOrder == .rgb ? channel : channels - 1 - channel
    return dataFormat == .channelsLast
      ? (row * width + column) * channels + stored
      : (stored * height + row) * width + column
  }

  private func numbers(_ row: Int, _ column: Int, _ channel: Int) -> (mean: Float, deviation: Float)
  {
    let mean =
      meanPicture.map { $0.values[(row * width + column) * channels + channel] }
      ?? mean?[channel] ?? 0
    return (mean, deviation?[channel] ?? 1)
  }
}
