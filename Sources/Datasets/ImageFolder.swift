import ConvNetImages
public import ConvNetTensors
import Foundation

/// A folder of pictures with a subfolder for each class, which bears its name.
///
/// Classes and files are numbered in natural order ("2" before "10"). Hidden files and folders are
/// ignored, and so are files whose name does not end in `.png`, `.jpg` or `.jpeg`; what a picture
/// is, its contents decide.
public struct ImageFolder: Dataset {
  /// The folder.
  public let name: String
  public let classNames: [String]
  private let files: [(path: String, label: Int)]

  /// Lists the pictures of a folder; opens none.
  ///
  /// - Throws: ``DatasetError`` where the folder does not exist, has no class folders, or one has
  ///   no picture.
  public init(_ folder: String) throws {
    name = folder
    classNames = try Self.subfolders(of: folder)
    guard !classNames.isEmpty else {
      throw DatasetError(dataset: folder, problem: .noClasses(path: folder))
    }
    var files: [(path: String, label: Int)] = []
    for (label, className) in classNames.enumerated() {
      let path = "\(folder)/\(className)"
      let pictures = try Self.visibleNames(in: path).filter { name in
        Self.extensions.contains { name.lowercased().hasSuffix($0) }
          && !Self.isFolder("\(path)/\(name)")
      }
      guard !pictures.isEmpty else {
        throw DatasetError(dataset: folder, problem: .emptyClass(path: path))
      }
      files += pictures.map { ("\(path)/\($0)", label) }
    }
    self.files = files
  }

  /// The part of a data set that a split names: the subfolder `train`, or `val` or `test`, where
  /// `train` exists, and otherwise the folder itself.
  ///
  /// - Throws: as ``init(_:)``; ``DatasetError`` where `train` has no companion.
  public static func load(root: String, split: DatasetSplit) throws -> ImageFolder {
    guard isFolder("\(root)/train") else { return try ImageFolder(root) }
    if split == .train { return try ImageFolder("\(root)/train") }
    for name in ["val", "test"] where isFolder("\(root)/\(name)") {
      return try ImageFolder("\(root)/\(name)")
    }
    throw DatasetError(
      dataset: root,
      problem: .missingFile(
        path: "\(root)/val", remedy: "put the pictures to evaluate on into it"))
  }

  public var count: Int { files.count }
  public var imageShape: Shape? { nil }
  public func label(at index: Int) -> Int { files[index].label }

  /// The file of a sample.
  public func path(at index: Int) -> String { files[index].path }

  public func sample(at index: Int) throws -> Sample {
    let (path, label) = files[index]
    return Sample(image: try Image(contentsOf: path), label: label)
  }

  private static let extensions = [".png", ".jpg", ".jpeg"]

  private static func isFolder(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      && isDirectory.boolValue
  }

  private static func subfolders(of folder: String) throws -> [String] {
    guard isFolder(folder) else {
      throw DatasetError(dataset: folder, problem: .notFolder(path: folder))
    }
    return try visibleNames(in: folder).filter { isFolder("\(folder)/\($0)") }
  }

  private static func visibleNames(in folder: String) throws(FileError) -> [String] {
    guard let directory = opendir(folder) else { throw .last(.list, folder) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted(by: precedesNaturally)
  }
}
