import ConvNetFiles
import Foundation

/// The data sets that are known by name, and the door to those that are named by a path.
public enum DatasetCatalog {
  private struct Row: Sendable {
    var name: String
    var defaultRoot: String
    var load: @Sendable (String, DatasetSplit) throws -> any Dataset
  }

  private static let rows = [
    Row(name: FashionMNIST.name, defaultRoot: FashionMNIST.defaultRoot) { root, split in
      try FashionMNIST.load(root: root, split: split)
    },
    Row(name: MNIST.name, defaultRoot: MNIST.defaultRoot) { root, split in
      try MNIST.load(root: root, split: split)
    },
    Row(name: CIFAR10.name, defaultRoot: CIFAR10.defaultRoot) { root, split in
      try CIFAR10.load(root: root, split: split)
    },
    Row(name: CIFAR100.name, defaultRoot: CIFAR100.defaultRoot) { root, split in
      try CIFAR100.load(root: root, split: split)
    },
    Row(name: CIFAR100.coarseName, defaultRoot: CIFAR100.defaultRoot) { root, split in
      try CIFAR100.load(root: root, split: split, coarse: true)
    },
  ]

  /// Every name that ``source(_:root:targets:)`` takes beside paths.
  public static var names: [String] { rows.map(\.name) }

  /// Finds data by its name, or by its path:
  ///
  /// - a folder with one subfolder of pictures a class, or with `train/` and `val/` (or `test/`)
  ///   that have such (``ImageFolder``);
  /// - a CSV file of paths and classes, labels or numbers (``ImageManifest``);
  /// - tar archives: one, a folder of them, or names with a range, `train-{000..146}.tar`
  ///   (``TarShards``);
  /// - a folder with IDX files, or the IDX file of the pictures (``IDXDataset``);
  /// - CIFAR's binary files or their archive (``CIFARDataset``).
  ///
  /// A name wins over a folder of that name in the current directory (write `./name` for the
  /// folder).
  ///
  /// - Parameters:
  ///   - root: where the files of a named data set lie; `nil` for its usual place.
  ///   - targets: what of the pictures of a CSV file is to be told, where its columns leave that open.
  /// - Throws: ``DatasetError`` where there is neither, with the nearest names, or where the path
  ///   holds no data that is known, with what was found; ``CSVError``; ``FileError`` where it cannot be listed.
  public static func source(
    _ nameOrPath: String, root: String? = nil, targets: TargetSelection = TargetSelection()
  ) throws -> DatasetSource {
    if let row = rows.first(where: { $0.name == nameOrPath }) {
      try targets.requireClasses(of: nameOrPath)
      let root = root ?? row.defaultRoot
      return DatasetSource(
        name: row.name, train: { _ in try row.load(root, .train) },
        test: { _ in try row.load(root, .test) })
    }
    guard
      ShardPattern(nameOrPath) != nil || FileSystem.exists(nameOrPath)
    else {
      let nearest =
        nearestNames(to: nameOrPath, among: names) + neighbours(of: nameOrPath)
      throw DatasetError(
        dataset: nameOrPath, problem: .unknownName(known: names, suggestions: nearest))
    }
    return try DatasetSource(path: nameOrPath, targets: targets)
  }

  /// Loads a part of data that ``source(_:root:targets:)`` finds; the whole where it has no parts.
  ///
  /// - Throws: as ``source(_:root:targets:)``, and what loading throws.
  public static func load(
    _ nameOrPath: String, root: String? = nil, split: DatasetSplit
  ) throws -> any Dataset {
    try source(nameOrPath, root: root).load(split)
  }

  /// What lies beside a path that does not exist, and is called almost so.
  private static func neighbours(of path: String) -> [String] {
    let path = path.hasSuffix("/") ? String(path.dropLast()) : path
    let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let folder = String(path[..<start])
    guard let listing = try? FolderListing(folder.isEmpty ? "." : folder) else { return [] }
    return nearestNames(
      to: String(path[start...]), among: listing.folders + listing.files
    ).map { folder + $0 }
  }
}
