import CKernels

/// The processors that computations use.
public enum Threads {
  /// Processors that this process may use: the affinity mask and the container's quota, whichever allows less.
  public static let available = Int(ck_available_processors())
}
