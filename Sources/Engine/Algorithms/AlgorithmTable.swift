import ConvNetFiles
import ConvNetTensors
import Foundation

/// The fastest algorithm of each convolution that was measured, in a file of the user's cache folder: one for each processor,
/// the instructions in use, version of the library and number of threads, a line a convolution.
public struct AlgorithmTable {
  private let path: String
  private var rows: [String: ConvolutionAlgorithm]

  /// Reads the table; an empty one where there is no file. Lines that are not understood are left out.
  ///
  /// - Parameter kernels: whose were measured.
  package init(
    threads: Int, folder: String, kernels: ComputeOptions.Kernels = KernelLibrary.kernels
  ) {
    let machine =
      ([
        Threads.processorName, Processor.current.instructions.rawValue,
        ComputeEnvironment.version, "\(threads) threads",
      ] + (kernels == .any ? [] : [kernels.rawValue])).joined(separator: " ")
    let name = String(machine.map { $0.isLetter || $0.isNumber || $0 == "." ? $0 : "-" })
    path = "\(folder)/\(name).txt"
    rows = [:]
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "\t")
      guard parts.count == 2, let algorithm = ConvolutionAlgorithm(rawValue: String(parts[1]))
      else {
        continue
      }
      rows[String(parts[0])] = algorithm
    }
  }

  package subscript(key: String) -> ConvolutionAlgorithm? {
    get { rows[key] }
    set { rows[key] = newValue }
  }

  package func save() throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let lines = rows.sorted { $0.key < $1.key }.map { "\($0.key)\t\($0.value.rawValue)\n" }
    try AtomicFile.write(lines.joined(), to: path)
  }

  /// `CONVNET_CACHE`, or the folder `convnet` where the system keeps caches.
  public static let cacheFolder: String = {
    let environment = ProcessInfo.processInfo.environment
    if let folder = environment["CONVNET_CACHE"], !folder.isEmpty { return folder }
    if let folder = environment["XDG_CACHE_HOME"], !folder.isEmpty { return "\(folder)/convnet" }
    #if os(macOS)
      return NSHomeDirectory() + "/Library/Caches/convnet"
    #else
      return NSHomeDirectory() + "/.cache/convnet"
    #endif
  }()
}
