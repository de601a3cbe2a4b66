import CKernels

/// Sums over processes that train together, by which batch normalization knows the statistics of all.
package struct JointSums: Sendable {
  /// Of the examples of all processes, this one's, 0 to 1; of 0, what it computes counts nowhere.
  var share: Double
  /// Replaces numbers by their sums over all processes.
  var sum: @Sendable (UnsafeMutableBufferPointer<Double>) -> Void

  package init(
    share: Double, sum: @escaping @Sendable (UnsafeMutableBufferPointer<Double>) -> Void
  ) {
    (self.share, self.sum) = (share, sum)
  }

  /// n / (n - 1), of the n numbers of this process, for those of all.
  func correction(_ own: Float) -> Float {
    guard own > 1, share > 0 else { return own }
    let count = Double(own) / (Double(own) - 1) / share
    return Float(count / (count - 1))
  }
}

extension RunContext {
  /// Lends the sums to a kernel; null where the batch is this process's alone.
  func withJoint<Result>(_ body: (UnsafePointer<ck_joint>?) -> Result) -> Result {
    guard var joint else { return body(nil) }
    let share = joint.share
    return withUnsafeMutablePointer(to: &joint) { sums in
      let call = ck_joint(
        sum: { context, values, count in
          context?.assumingMemoryBound(to: JointSums.self).pointee.sum(
            UnsafeMutableBufferPointer(start: values, count: count))
        }, context: UnsafeMutableRawPointer(sums), share: share)
      return withUnsafePointer(to: call, body)
    }
  }
}
