public import ConvNetFiles
import Foundation

/// A file of weights that its makers publish: an address, and what they say of it.
public struct PublishedWeights: Hashable, Sendable {
  /// By which it is asked for: torchvision's name of the network, `-2` behind it for a second training.
  public var name: String
  /// The row of the zoo that it is of.
  public var network: String
  /// Where it is.
  public var address: String
  /// The first digits of its SHA-256, which stand in the address.
  public var digest: String
  /// Bytes, about.
  public var byteCount: Int
  /// The shorter side of pictures before the centre is cut out.
  public var resize: Int
  /// Accuracies that the publisher says of ImageNet, in per cent.
  public var top1: Double
  /// Among five answers.
  public var top5: Double

  /// Who publishes it.
  public var publisher: String { "torchvision" }
  /// What the file is called.
  public var fileName: String { String(address.split(separator: "/").last ?? "") }

  /// All that are known, in the order of the zoo.
  public static let all: [PublishedWeights] = table.split(separator: ";").map { row in
    let parts = row.split(separator: " ").map(String.init)
    return PublishedWeights(
      name: parts[0], network: parts[1],
      address: "https://download.pytorch.org/models/\(parts[2])-\(parts[3]).pth",
      digest: parts[3], byteCount: Int((Double(parts[4]) ?? 0) * 0x1p20),
      resize: Int(parts[5]) ?? 0, top1: Double(parts[6]) ?? 0, top5: Double(parts[7]) ?? 0)
  }

  /// The file of a name: its own, or that of its network.
  ///
  /// - Throws: ``UnknownWeights`` with the nearest names.
  public static func named(_ name: String) throws(UnknownWeights) -> PublishedWeights {
    if let own = all.first(where: { $0.name == name }) ?? all.first(where: { $0.network == name }) {
      return own
    }
    throw UnknownWeights(
      name: name, nearest: nearestNames(to: name, among: all.map(\.name)))
  }

  /// How it is brought. What a server may send is bounded by what the publisher says of its size.
  package var download: Download {
    Download(from: address, digest: digest, byteLimit: byteCount + byteCount / 50 + (1 << 20))
  }
}

/// No published weights have this name.
public struct UnknownWeights: ReadableError, Hashable, Sendable {
  /// What was asked for.
  public var name: String
  /// Names nearly like it.
  public var nearest: [String]
  public var description: String {
    "no published weights are called \(name); "
      + (nearest.isEmpty
        ? "there are \(PublishedWeights.all.map(\.name).joined(separator: ", "))"
        : "did you mean \(nearest.joined(separator: " or "))?")
  }
}

/// A folder that keeps published files.
public struct WeightCache: Hashable, Sendable {
  /// The folder.
  public var folder: String

  /// A folder, which is made when the first file comes.
  public init(folder: String) {
    self.folder = folder
  }

  /// Where a file is, or would be.
  public func path(of weights: PublishedWeights) -> String { "\(folder)/\(weights.fileName)" }

  /// Whether a file is there. Its digest is looked at when it is asked for.
  public func holds(_ weights: PublishedWeights) -> Bool { FileSystem.isFile(path(of: weights)) }

  /// The path of a file, which is brought where it is not there; one that is damaged is brought anew.
  ///
  /// - Parameters:
  ///   - isOffline: whether no server shall be asked.
  ///   - progress: told how many bytes of how many there are.
  /// - Throws: ``DownloadError``; ``FileError``.
  public func pull(
    _ weights: PublishedWeights, isOffline: Bool = false,
    progress: (Int, Int?) -> Void = { _, _ in }
  ) throws -> String {
    try pull(
      weights.download, as: weights.fileName, isOffline: isOffline, patience: 60,
      progress: progress)
  }

  package func pull(
    _ download: Download, as name: String, isOffline: Bool, patience: Int,
    progress: (Int, Int?) -> Void = { _, _ in }
  ) throws -> String {
    let path = "\(folder)/\(name)"
    if FileSystem.isFile(path) {
      if try SHA256.digits(ofFile: path).hasPrefix(download.digest) { return path }
    }
    guard !isOffline else { throw DownloadError(download.address, .offline) }
    try FileSystem.createFolder(folder)
    try download.bring(to: path, patience: patience, progress: progress)
    return path
  }
}
