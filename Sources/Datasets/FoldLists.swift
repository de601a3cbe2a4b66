public import ConvNetFiles
import ConvNetImages
import Foundation

/// Lists of pictures, one a part of data that was divided: in each the pictures of that part are to test on, all others to train
/// on. A training takes such a file as it is.
public struct FoldLists: Sendable {
  private let dataset: any Dataset
  private let folds: DatasetFolds
  private let paths: [String]

  /// - Throws: ``NoPictureFiles`` where the pictures are no files of their own.
  public init(_ folds: DatasetFolds, of dataset: any Dataset) throws(NoPictureFiles) {
    self.folds = folds
    self.dataset = dataset
    var paths: [String] = []
    for index in 0..<dataset.count {
      guard let path = dataset.picturePath(at: index) else {
        throw NoPictureFiles(data: dataset.name)
      }
      paths.append(path)
    }
    self.paths = paths
  }

  /// Writes a list, whose paths begin at its folder.
  ///
  /// - Parameter fold: the part to test on.
  /// - Throws: ``FileError``.
  public func write(fold: Int, to path: String) throws {
    let current = FileManager.default.currentDirectoryPath
    let folder = Self.components(
      of: path.lastIndex(of: "/").map { String(path[...$0]) } ?? "", from: current)
    try AtomicFile.write(to: path) { file in
      var bytes = Array(header.utf8)
      for (index, picture) in paths.enumerated() {
        let own = Self.relative(Self.components(of: picture, from: current), to: folder)
        bytes += CSVField.bytes(FileSystem.bytes(of: own))
        for target in targets(at: index) {
          bytes += [UInt8(ascii: ",")] + CSVField.bytes(FileSystem.bytes(of: target))
        }
        bytes += Array(folds.parts[index] == fold ? ",val\n".utf8 : ",train\n".utf8)
        guard bytes.count >= 1 << 16 else { continue }
        try file.write(bytes.span.bytes)
        bytes.removeAll(keepingCapacity: true)
      }
      try file.write(bytes.span.bytes)
    }
  }

  /// The names of the columns.
  private var header: String {
    switch dataset.targetKind {
    case .classes: "path,label,split\n"
    case .labels, .numbers:
      (["path"] + dataset.classNames).map(\.csvField).joined(separator: ",") + ",split\n"
    }
  }

  /// What a picture is told by, a field a column: labels as 1 and 0.
  private func targets(at index: Int) -> [String] {
    switch dataset.targetKind {
    case .classes: [dataset.classNames[dataset.label(at: index)]]
    case .labels: dataset.targets(at: index).map { $0 > 0.5 ? "1" : "0" }
    case .numbers: dataset.targets(at: index).map { "\($0)" }
    }
  }

  private static func components(of path: String, from current: String) -> [Substring] {
    var result: [Substring] = []
    let whole = path.hasPrefix("/") ? path : "\(current)/\(path)"
    for component in whole.split(separator: "/") where component != "." {
      if component == "..", !result.isEmpty {
        result.removeLast()
      } else {
        result.append(component)
      }
    }
    return result
  }

  private static func relative(_ path: [Substring], to folder: [Substring]) -> String {
    let common = zip(path, folder).prefix { $0 == $1 }.count
    return (Array(repeating: "..", count: folder.count - common) + path[common...])
      .joined(separator: "/")
  }
}

/// The pictures of some data are no files of their own, which a list could name.
public struct NoPictureFiles: ReadableError, Hashable, Sendable {
  /// The data.
  public var data: String
  public var description: String {
    "the pictures of \(data) are no files that a list could name; write them as files first"
  }
}
