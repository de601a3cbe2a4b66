import ConvNetFiles
import ConvNetTensors
import Foundation

/// A file of pictures and one of labels that belong together by their names:
/// `train-images-idx3-ubyte.gz` and `train-labels-idx1-ubyte.gz`.
struct IDXPair: Hashable, Sendable {
  var images: String
  var labels: String

  /// The pair whose pictures a file is; `nil` where the name says otherwise.
  ///
  /// - Throws: ``DatasetError`` where there is no file of labels beside it.
  init?(images path: String) throws(DatasetError) {
    let name = Self.lastComponent(path)
    guard let range = name.range(of: "images", options: .backwards),
      Self.isIDX(name)
    else { return nil }
    let folder = path.dropLast(name.count)
    let labelName = name.replacingCharacters(in: range, with: "labels")
      .replacingOccurrences(of: "idx3", with: "idx1")
      .replacingOccurrences(of: "idx4", with: "idx1")
    // One of the two may have been unpacked.
    let plain = labelName.hasSuffix(".gz") ? String(labelName.dropLast(3)) : labelName
    let candidates = [labelName, plain, plain + ".gz"].map { "\(folder)\($0)" }
    guard let labels = candidates.first(where: { FileSystem.isFile($0) }) else {
      throw DatasetError(
        dataset: path,
        problem: .missingFile(
          path: candidates[0], remedy: "put the labels of the pictures there"))
    }
    images = path
    self.labels = labels
  }

  func loader(name: String) -> DatasetSource.Loader {
    { _ in try IDXDataset(name: name, images: images, labels: labels) }
  }

  /// The pairs in a folder: one to train on, and one to test on where there is one.
  ///
  /// - Throws: ``DatasetError`` where a file of labels is missing.
  static func parts(
    in folder: String, _ listing: FolderListing
  ) throws(DatasetError) -> (train: IDXPair, test: IDXPair?)? {
    var train: IDXPair?
    var test: IDXPair?
    for name in listing.files {
      guard let pair = try IDXPair(images: "\(folder)/\(name)") else { continue }
      let isTest = ["t10k", "test", "val"].contains { name.lowercased().contains($0) }
      if isTest { test = test ?? pair } else { train = train ?? pair }
    }
    if let train { return (train, test) }
    return test.map { ($0, nil) }
  }

  private static func isIDX(_ name: String) -> Bool {
    let name = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
    return name.contains("idx") || name.hasSuffix("ubyte")
  }

  private static func lastComponent(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }
}
