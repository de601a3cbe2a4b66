import COneDNN
import ConvNetGraphs
import ConvNetTensors

/// A sliding window with the padding that it has on one input, as the library takes it.
struct PaddedWindow {
  var kernel: [Int]
  var strides: [Int]
  var dilations: [Int]
  var sides: [Padding.Sides]

  func withLibraryWindow<Result>(
    _ body: (UnsafePointer<cdnn_window>) throws -> Result
  ) rethrows -> Result {
    // The library is told one number of axes for all four.
    let axes = kernel.count
    guard strides.count == axes && dilations.count == axes && sides.count == axes else {
      fatalError("a window needs as many strides, dilations and sides as extents")
    }
    let strides = strides.map(Int64.init)
    let dilations = dilations.map(Int64.init)
    let before = sides.map { Int64($0.before) }
    let after = sides.map { Int64($0.after) }
    return try strides.withUnsafeBufferPointer { strides in
      try dilations.withUnsafeBufferPointer { dilations in
        try before.withUnsafeBufferPointer { before in
          try after.withUnsafeBufferPointer { after in
            var window = cdnn_window(
              axes: Int32(axes), strides: strides.baseAddress,
              dilations: dilations.baseAddress, padding_before: before.baseAddress,
              padding_after: after.baseAddress)
            return try body(&window)
          }
        }
      }
    }
  }
}

extension Operation.Convolution {
  func paddedWindow(input: Shape, kernel: Shape) throws -> PaddedWindow {
    let window = window(kernel: kernel)
    return PaddedWindow(
      kernel: window.kernel, strides: window.strides, dilations: window.dilations,
      sides: try sides(input: input, kernel: kernel))
  }

  /// The kernel's shape as the library takes it: the groups are an axis of their own.
  func libraryKernel(_ kernel: Shape) -> Shape {
    groups == 1
      ? kernel : Shape([groups, kernel[0] / groups] + kernel.dimensions.dropFirst())
  }
}
