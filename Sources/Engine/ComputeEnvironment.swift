import COneDNN
import ConvNetFiles
import Foundation

/// What computes here: it decides how fast, and in last digits what comes out.
public struct ComputeEnvironment: Hashable, Sendable {
  /// The processor's name, as the system gives it.
  public var processor: String
  /// Processors that this process may use.
  public var processorCount: Int
  /// Of the processor, what kernels make use of.
  public var instructions: Processor
  /// The kernel library with its version, and whether it is not to compute: `oneDNN 2.6.3`, `oneDNN 2.6.3, off`.
  public var library: String
  /// Whether it may compute; else all is by our own kernels: what `CONVNET_LIBRARY` says.
  public var usesLibrary: Bool
  /// The operating system with its version.
  public var system: String

  /// This process's.
  public static let current = ComputeEnvironment()

  private init() {
    processor = Threads.processorName
    processorCount = Threads.available
    instructions = Processor.current
    usesLibrary = KernelLibrary.kernels != .own
    library = Self.version + (usesLibrary ? "" : ", off")
    system = ProcessInfo.processInfo.operatingSystemVersionString
  }

  /// The library's.
  static let version: String = {
    var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
    cdnn_version(&major, &minor, &patch)
    return "oneDNN \(major).\(minor).\(patch)"
  }()
}
