import CImages
public import ConvNetTensors

extension Tensor {
  /// A picture of `float32` values in order [H, W, C], of any number of channels, resized with
  /// antialiasing as ``Resizer`` does it, but without rounding and always along the rows first:
  /// what Pillow gives for its mode F, up to the rounding of single precision.
  ///
  /// - Parameters:
  ///   - height: at least 1.
  ///   - width: at least 1.
  ///   - box: the part that fills the result; pixels around it weigh in.
  /// - Precondition: three dimensions, no empty one, `float32`; the box lies in the picture.
  public func resizedAsPicture(
    height: Int, width: Int, filter: ResizingFilter = .bilinear, box: ImageBox? = nil
  ) -> Tensor {
    guard shape.rank == 3 && elementType == .float32 && shape.count > 0 else {
      fatalError("a picture needs float32 elements in order [H, W, C], has \(self)")
    }
    let job = ResizingJob(
      sourceHeight: shape[0], sourceWidth: shape[1], channels: shape[2], height: height,
      width: width, box: box)
    func axis(_ key: ResizingAxis.Key?) -> ResizingAxis? {
      key.map { key in
        var axis = ResizingAxis()
        axis.prepare(key)
        return axis
      }
    }
    let vertical = axis(job.verticalKey(filter))
    let horizontal = axis(job.horizontalKey(filter))
    let needsScratch = vertical != nil && horizontal != nil
    var scratch = [Float](
      repeating: 0, count: needsScratch ? shape[0] * width * shape[2] : 0)
    let source = elements
    return Tensor(shape: [height, width, shape[2]]) { target in
      target.withUnsafeMutableBufferPointer { target in
        withFloatAxis(vertical) { vertical in
          withFloatAxis(horizontal) { horizontal in
            ci_resize_float(
              source, job.sourceHeight, job.sourceWidth, job.channels, vertical, horizontal,
              &scratch, target.baseAddress)
          }
        }
      }
    }
  }
}

private func withFloatAxis(_ axis: ResizingAxis?, _ body: (UnsafePointer<ci_float_axis>?) -> Void) {
  guard let axis else { return body(nil) }
  let weights = axis.floatWeights
  axis.starts.withUnsafeBufferPointer { starts in
    weights.withUnsafeBufferPointer { weights in
      var lent = ci_float_axis(
        count: starts.count, taps: axis.taps, starts: starts.baseAddress,
        weights: weights.baseAddress)
      body(&lent)
    }
  }
}
