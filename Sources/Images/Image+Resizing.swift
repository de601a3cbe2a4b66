extension Image {
  /// The picture resized to other extents, with antialiasing: each new pixel is a weighted mean
  /// over the window that the filter spans on the old grid, first along rows, then along columns,
  /// rounded to eight bits after each.
  ///
  /// This is the method of Pillow's `Image.resize` up to version 12, and equal to it within one
  /// level; later versions sometimes take the columns first, which changes the result where bicubic
  /// and Lanczos overshoot. Channels are independent.
  ///
  /// - Parameters:
  ///   - height: at least 1.
  ///   - width: at least 1.
  public func resized(
    height: Int, width: Int, filter: ResizingFilter = .bilinear
  ) -> Image {
    precondition(height > 0 && width > 0, "a picture needs at least one pixel")
    var result = self
    if width != self.width {
      let weights = ResizingWeights(from: self.width, to: width, filter: filter)
      result = result.resizedAlongRows(to: width, weights)
    }
    if height != self.height {
      let weights = ResizingWeights(from: self.height, to: height, filter: filter)
      result = result.resizedAlongColumns(to: height, weights)
    }
    return result
  }

  private func resizedAlongRows(to width: Int, _ weights: ResizingWeights) -> Image {
    let channels = channels
    let rowCount = self.width * channels
    let count = height * width * channels
    let result = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      pixels.withUnsafeBufferPointer { source in
        weights.weights.withUnsafeBufferPointer { factors in
          for row in 0..<height {
            for position in 0..<width {
              let window = weights.windows[position]
              let first = row * rowCount + window.start * channels
              for channel in 0..<channels {
                var sum: Int32 = 1 << (ResizingWeights.fractionBits - 1)
                for index in 0..<window.count {
                  sum &+=
                    Int32(source[first + index * channels + channel])
                    &* factors[position * weights.stride + index]
                }
                target[(row * width + position) * channels + channel] = Self.level(sum)
              }
            }
          }
        }
      }
      initialized = count
    }
    return Image(height: height, width: width, channels: channels, pixels: result)
  }

  private func resizedAlongColumns(to height: Int, _ weights: ResizingWeights) -> Image {
    let rowCount = width * channels
    let count = height * rowCount
    let result = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: rowCount) { sums in
        pixels.withUnsafeBufferPointer { source in
          for position in 0..<height {
            let window = weights.windows[position]
            sums.initialize(repeating: 1 << (ResizingWeights.fractionBits - 1))
            // Row by row, so that the inner loop runs over neighbours.
            for index in 0..<window.count {
              let factor = weights.weights[position * weights.stride + index]
              let first = (window.start + index) * rowCount
              for column in 0..<rowCount {
                sums[column] &+= Int32(source[first + column]) &* factor
              }
            }
            for column in 0..<rowCount {
              target[position * rowCount + column] = Self.level(sums[column])
            }
          }
        }
      }
      initialized = count
    }
    return Image(height: height, width: width, channels: channels, pixels: result)
  }

  /// A fixed-point sum as a level from 0 to 255.
  private static func level(_ sum: Int32) -> UInt8 {
    UInt8(clamping: sum >> ResizingWeights.fractionBits)
  }
}
