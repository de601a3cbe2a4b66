public import ConvNetFiles
import ConvNetImages
package import ConvNetTensors
import Foundation

/// Pictures that somebody names, in that order: files, what lies in folders, what patterns match. No picture is opened yet, and
/// what is wrong with a name is kept in its place, for who asks for the picture.
///
/// ```swift
/// let pictures = PictureList(finding: ["a.png", "holidays", "scans/*.jpg"])
/// try model.classify(pictures) { index, outcome in … }
/// ```
public struct PictureList: Sendable {
  enum Entry: Sendable {
    case file(String)
    case contents([UInt8], name: String)
    case unusable(name: String, error: any Error & Sendable)
  }

  private(set) var entries: [Entry] = []
  /// How many files of folders were passed over, by what they are: an ending that is no picture's, the litter of file systems.
  public private(set) var passedOver: [String: Int] = [:]

  /// These files, whatever their names.
  public init(_ files: [String] = []) {
    entries = files.map(Entry.file)
  }

  /// Adds what each name stands for: a file, a folder with all pictures in it and below, in natural order, or a pattern: `*`, `?`
  /// and `[a-z]` stand for parts of a name, `**` for any number of folders. A name that exists is no pattern.
  public init(finding names: [String]) {
    for name in names { add(finding: name) }
  }

  /// How many names it has, those included that stand for no picture.
  public var count: Int { entries.count }

  /// What a picture is called.
  ///
  /// - Precondition: `0..<count` contains `index`.
  public func name(at index: Int) -> String {
    switch entries[index] {
    case .file(let path): path
    case .contents(_, let name), .unusable(let name, _): name
    }
  }

  /// Adds a picture that lies in memory.
  ///
  /// - Parameters:
  ///   - contents: of a picture file.
  ///   - name: what it is called.
  public mutating func add(_ contents: [UInt8], name: String) {
    entries.append(.contents(contents, name: name))
  }

  /// Adds what a name stands for, as ``init(finding:)``.
  public mutating func add(finding name: String) {
    guard !FileSystem.exists(name), PathPattern.isPattern(name) else { return add(name) }
    let paths = PathPattern(name).matches()
    guard !paths.isEmpty else {
      return entries.append(.unusable(name: name, error: PictureListError.noMatch(pattern: name)))
    }
    for path in paths { add(path) }
  }

  /// Adds a file, or the pictures of a folder; never a pattern.
  public mutating func add(_ path: String) {
    guard FileSystem.isFolder(path) else { return entries.append(.file(path)) }
    let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let walk = FolderWalk(anywhereIn: folder)
    let pictures = walk.files.filter(PictureNames.isPicture)
    passedOver.merge(walk.litter, uniquingKeysWith: +)
    for file in walk.files where !PictureNames.isPicture(file) {
      passedOver[PictureNames.kind(of: file), default: 0] += 1
    }
    entries += pictures.map { .file(folder == "/" ? "/\($0)" : "\(folder)/\($0)") }
    entries += walk.failures.map { .unusable(name: $0.path, error: $0) }
    if pictures.isEmpty, walk.failures.isEmpty {
      let error = PictureListError.noPicture(folder: folder)
      entries.append(.unusable(name: folder, error: error))
    }
  }

  /// Adds the files and folders of a list: one a line, or a zero after each, as `find -print0` writes them. Paths are relative to
  /// the current directory.
  ///
  /// - Parameter text: in UTF-8, or in UTF-16 with a mark of byte order.
  public mutating func add(list text: [UInt8]) {
    for line in TextLines(text, endingAlsoAtZero: true).paths where !line.isEmpty { add(line) }
  }
}

/// Why a name stands for no picture.
public enum PictureListError: Error, Hashable, Sendable {
  /// A folder without a file that is called as pictures are.
  case noPicture(folder: String)
  /// No file has a name that the pattern describes.
  case noMatch(pattern: String)
}

extension PictureListError: ReadableError {
  public var description: String {
    switch self {
    case .noPicture(let folder):
      "\(FileSystem.readable(folder)) holds no picture (\(PictureNames.list))"
    case .noMatch(let pattern):
      "\(FileSystem.readable(pattern)): no such file, and no name matches this pattern"
    }
  }
}

/// The pictures as the loader reads them: all of one class.
package struct ListedPictures: EncodedDataset {
  private let list: PictureList
  package var name: String { "the pictures" }
  package var count: Int { list.count }
  package var classNames: [String] { [""] }
  package var imageShape: Shape? { nil }

  package init(_ list: PictureList) {
    self.list = list
  }

  package func label(at index: Int) -> Int { 0 }
  package func sampleName(at index: Int) -> String { list.name(at: index) }
  package func sample(at index: Int) throws -> Sample { try decodedSample(at: index) }

  package func readEncoded(at index: Int, into bytes: inout [UInt8]) throws -> String {
    switch list.entries[index] {
    case .file(let path):
      try readFile(path, into: &bytes)
      return path
    case .contents(let contents, let name):
      bytes = contents
      return name
    case .unusable(_, let error):
      throw error
    }
  }

  package func readBeginning(at index: Int, byteCount: Int, into bytes: inout [UInt8]) throws {
    _ = try readEncoded(at: index, into: &bytes)
    bytes = Array(bytes.prefix(byteCount))
  }
}
