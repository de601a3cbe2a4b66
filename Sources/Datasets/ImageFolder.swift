import ConvNetFiles
public import ConvNetTensors
import Foundation

/// A folder of pictures with a subfolder for each class, which bears its name.
///
/// Classes and files are numbered in natural order ("2" before "10"); the pictures of folders
/// within a class belong to it. Hidden files and folders, the litter of file systems, and files whose name
/// does not end as a picture's are passed over and counted; what a picture is, its contents decide. Links are followed, but no
/// folder of a class is listed twice.
public struct ImageFolder: EncodedDataset {
  /// The folder.
  public let name: String
  public let classNames: [String]
  private let files: PictureFiles
  /// Files that are not pictures by their names: paths below the folder.
  package let ignoredFiles: [String]
  public let passedOver: [String: Int]

  /// Lists the pictures of a folder; opens none.
  ///
  /// - Throws: ``DatasetError`` where the folder does not exist, has no class folders, or one has
  ///   no picture; ``FileError`` where a folder cannot be listed.
  public init(_ folder: String) throws {
    try self.init(folder, allowingEmptyClasses: false)
  }

  /// - Parameters:
  ///   - allowingEmptyClasses: whether a class may have no picture, to find such.
  ///   - beside: what was passed over beside the folder.
  package init(
    _ folder: String, allowingEmptyClasses: Bool, beside: [String: Int] = [:]
  ) throws {
    name = folder
    guard FileSystem.isFolder(folder) else {
      throw DatasetError(dataset: folder, problem: .notFolder(path: folder))
    }
    let listing = try FolderListing(folder)
    classNames = listing.folders
    guard !classNames.isEmpty else {
      throw DatasetError(
        dataset: folder, problem: .noClasses(path: folder, found: listing.summary))
    }
    var entries: [(path: String, label: Int)] = []
    var ignored = listing.files
    var passedOver = listing.litter.merging(beside, uniquingKeysWith: +)
    for (label, className) in classNames.enumerated() {
      let countBefore = entries.count
      let walk = try FolderWalk("\(folder)/\(className)", below: folder)
      passedOver.merge(walk.litter, uniquingKeysWith: +)
      for file in walk.files {
        let path = "\(className)/\(file)"
        if PictureNames.isPicture(file) {
          entries.append((path, label))
        } else {
          ignored.append(path)
        }
      }
      guard allowingEmptyClasses || entries.count > countBefore else {
        throw DatasetError(
          dataset: folder, problem: .emptyClass(path: "\(folder)/\(className)"))
      }
    }
    guard !entries.isEmpty else { throw DatasetError(dataset: folder, problem: .empty) }
    files = PictureFiles(folder: folder, entries: entries)
    ignoredFiles = ignored
    for file in ignored {
      // A picture beside the class folders belongs to none.
      let place = !file.contains("/") && PictureNames.isPicture(file) ? " beside the classes" : ""
      passedOver[PictureNames.kind(of: file) + place, default: 0] += 1
    }
    self.passedOver = passedOver
  }

  /// The part of a data set that a split names: the subfolder `train`, or `val` or `test`, where
  /// `train` exists, and otherwise the folder itself.
  ///
  /// - Throws: as ``init(_:)``; ``DatasetError`` where `train` has no companion.
  public static func load(root: String, split: DatasetSplit) throws -> ImageFolder {
    guard let parts = FolderParts(root) else { return try ImageFolder(root) }
    let isTold = split == .test || parts.test == nil
    return try ImageFolder(
      parts.path(of: split), allowingEmptyClasses: false, beside: isTold ? parts.unused() : [:])
  }

  public var count: Int { files.entries.count }
  public var imageShape: Shape? { nil }
  public func label(at index: Int) -> Int { files.entries[index].label }
  public func sampleName(at index: Int) -> String { files.entries[index].path }

  /// The file of a sample.
  public func path(at index: Int) -> String { files.path(at: index) }
  public func picturePath(at index: Int) -> String? { path(at: index) }

  public func sample(at index: Int) throws -> Sample { try decodedSample(at: index) }

  package func readEncoded(at index: Int, into bytes: inout [UInt8]) throws -> String {
    try files.read(at: index, into: &bytes)
  }

  package func readBeginning(at index: Int, byteCount: Int, into bytes: inout [UInt8]) throws {
    try files.readBeginning(at: index, byteCount: byteCount, into: &bytes)
  }
}

/// A folder with a subfolder `train` and, perhaps, one to test on.
package struct FolderParts {
  let root: String
  package let train: String
  package let test: String?

  /// What a part to test on is called: of several that are there, the first.
  static let testNames = ["val", "valid", "validation", "test"]

  /// `nil` where there is no `train`.
  package init?(_ root: String) {
    train = "\(root)/train"
    guard FileSystem.isFolder(train) else { return nil }
    self.root = root
    test = Self.testNames.map { "\(root)/\($0)" }
      .first(where: FileSystem.isFolder)
  }

  /// Pictures, archives and other things that lie beside the parts and are in none, such as a `test` where there is a `val`.
  ///
  /// - Throws: ``FileError`` where a folder cannot be listed.
  func unused() throws(FileError) -> [String: Int] {
    let used = [train, test].compactMap(\.self).map { String($0.dropFirst(root.count + 1)) }
    let beside = "beside \(used.joined(separator: " and "))"
    let listing = try FolderListing(root)
    var unused = listing.litter
    for name in listing.folders where !used.contains(name) {
      let walk = try FolderWalk("\(root)/\(name)", below: root)
      let count = walk.files.count { PictureNames.isPicture($0) || $0.hasSuffix(".tar") }
      if count > 0 { unused["of \(name), \(beside)", default: 0] += count }
    }
    let loose = listing.files.count { PictureNames.isPicture($0) || $0.hasSuffix(".tar") }
    if loose > 0 { unused["files \(beside)"] = loose }
    return unused
  }

  /// - Throws: ``DatasetError`` where that part is missing.
  func path(of split: DatasetSplit) throws(DatasetError) -> String {
    if split == .train { return train }
    guard let test else { throw missingTest }
    return test
  }

  var missingTest: DatasetError {
    DatasetError(dataset: root, problem: .missingPart(path: "\(root)/val"))
  }
}
