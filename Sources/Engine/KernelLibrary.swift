import Foundation

/// Whether the kernel library may compute: what the process' environment says, which options begin with.
enum KernelLibrary {
  /// `on`, or `off` for our own kernels alone.
  static let variable = "CONVNET_LIBRARY"

  /// Fails for what is neither.
  private static let asked: Result<ComputeOptions.Kernels, EngineError> = {
    switch ProcessInfo.processInfo.environment[variable] {
    case nil, "", "on": return .success(.any)
    case "off": return .success(.own)
    case .some(let value):
      return .failure(
        EngineError(subject: variable, problem: .unknownSetting(value, known: ["on", "off"])))
    }
  }()

  /// Which kernels are used where options do not say otherwise.
  static let kernels = (try? asked.get()) ?? .any

  /// - Throws: ``EngineError`` where `CONVNET_LIBRARY` cannot be followed.
  static func check() throws { _ = try asked.get() }
}
