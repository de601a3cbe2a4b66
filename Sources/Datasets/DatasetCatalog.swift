import ConvNetTensors
import Foundation

/// The data sets that are known by name.
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
  ]

  public static var names: [String] { rows.map(\.name) }

  /// Loads a data set by its name, or a folder of pictures by its path. A name wins over a folder
  /// of that name in the current directory (write `./name` for the folder).
  ///
  /// - Parameter root: where the files of a named data set lie; `nil` for its usual place.
  /// - Throws: ``DatasetError`` where there is neither (with the nearest names), and what loading
  ///   throws.
  public static func load(
    _ nameOrFolder: String, root: String? = nil, split: DatasetSplit
  ) throws -> any Dataset {
    if let row = rows.first(where: { $0.name == nameOrFolder }) {
      return try row.load(root ?? row.defaultRoot, split)
    }
    guard FileManager.default.fileExists(atPath: nameOrFolder) else {
      throw DatasetError(
        dataset: nameOrFolder,
        problem: .unknownName(
          known: names, suggestions: nearestNames(to: nameOrFolder, among: names)))
    }
    return try ImageFolder.load(root: nameOrFolder, split: split)
  }
}
