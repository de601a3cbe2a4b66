public import ConvNetFiles
import Foundation

/// Where the samples of one archive lie.
struct ShardIndex {
  struct Sample {
    /// The picture's name in the archive.
    var member: String
    var picture: Range<Int>
    var className: String
  }

  private(set) var samples: [Sample] = []
  /// Files that systems left in what was packed, by kind.
  private(set) var litter: [String: Int] = [:]
  /// Samples that are not whole, and damage, behind which nothing more is known of the archive.
  private(set) var faults: [any ShardFault] = []
  private let path: String

  /// A sample while its files come by.
  private struct Draft {
    var key: Substring
    var picture: (member: String, range: Range<Int>)?
    var className: String?
    var problem: ShardError.Problem?
  }

  /// The largest file with a class, in bytes.
  private static let classLimit = 4096

  init(_ path: String) throws {
    self.path = path
    try MappedFile(path: path).withBytes { bytes in
      try bytes.withUnsafeBytes { bytes in
        guard !bytes.starts(with: [0x1F, 0x8B]) else {
          throw TarError(file: path, problem: .compressed)
        }
        do throws(TarError) {
          try scan(TarReader(bytes, file: path))
        } catch {
          faults.append(error)
        }
      }
    }
  }

  /// - Throws: the first fault.
  func requireSound() throws {
    if let fault = faults.first { throw fault }
  }

  private mutating func scan(_ reader: consuming TarReader) throws(TarError) {
    var draft: Draft?
    while let entry = try reader.next() {
      if let kind = Litter.kind(inPath: entry.path) {
        litter[kind, default: 0] += 1
        continue
      }
      guard let (key, ending) = Self.parts(of: entry.path) else { continue }
      if draft?.key != key {
        finish(draft)
        draft = Draft(key: key)
      }
      if PictureNames.isPicture(ending: ending) {
        if draft?.picture != nil { draft?.problem = .twoPictures }
        draft?.picture = (entry.path, try reader.range())
      } else if ending.lowercased() == "cls" {
        let text = try reader.contents(limit: Self.classLimit)
        let className = String(decoding: text, as: UTF8.self)
          .trimmingCharacters(in: .whitespacesAndNewlines)
        if className.isEmpty || className.contains(where: \.isNewline) {
          draft?.problem = .badClass
        }
        draft?.className = className
      }
    }
    finish(draft)
  }

  private mutating func finish(_ draft: Draft?) {
    // Files that belong to no sample, such as a readme, have neither.
    guard let draft, draft.picture != nil || draft.className != nil else { return }
    func fail(_ problem: ShardError.Problem) {
      faults.append(ShardError(file: path, sample: String(draft.key), problem: problem))
    }
    if let problem = draft.problem { return fail(problem) }
    guard let picture = draft.picture else { return fail(.noPicture) }
    guard let className = draft.className else { return fail(.noClass) }
    samples.append(Sample(member: picture.member, picture: picture.range, className: className))
  }

  /// The name up to the first dot of its last component, and what follows that dot; `nil` for
  /// hidden files and names without a dot.
  private static func parts(of path: String) -> (key: Substring, ending: Substring)? {
    let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    guard let dot = path[start...].firstIndex(of: "."), dot > start else { return nil }
    return (path[..<dot], path[path.index(after: dot)...])
  }
}

/// What keeps a part of an archive from being used.
protocol ShardFault: Error {
  var name: String { get }
  var reason: String { get }
}

extension ShardError: ShardFault {
  var name: String { file + (sample.isEmpty ? "" : ", \(sample)") }
  var reason: String { FileSystem.readable("\(problem)") }
}

extension TarError: ShardFault {
  var name: String { file + (member.map { ", \($0)" } ?? "") }
  var reason: String { FileSystem.readable("\(problem)") }
}

/// Why the samples of a tar archive cannot be told.
public struct ShardError: Error, Hashable, Sendable {
  /// Why a sample is none.
  public enum Problem: Hashable, Sendable {
    /// There are files of its name, none of which is a picture.
    case noPicture
    /// Nothing says which class the picture is of.
    case noClass
    /// Two pictures have one name but for what follows its first dot.
    case twoPictures
    /// The class is no text of one line.
    case badClass
    /// A class that `classes.txt` does not have, or a number that no class can have.
    case unlistedClass(String)
  }

  /// The archive.
  public var file: String
  /// The name that the sample's files share; empty where the archive as a whole is meant.
  public var sample: String
  /// Why the sample is none.
  public var problem: Problem
}

extension ShardError: ReadableError {
  public var description: String {
    FileSystem.readable("\(file)\(sample.isEmpty ? "" : ", sample \(sample)"): \(problem)")
  }
}

extension ShardError.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noPicture:
      "has a class (.cls) but no picture (\(PictureNames.list)); the "
        + "files of a sample must follow each other"
    case .noClass:
      "has a picture but no class (.cls); the files of a sample must follow each other"
    case .twoPictures:
      "has two pictures; leave one in the archive"
    case .badClass:
      "its class (.cls) is not a number or a name on one line"
    case .unlistedClass(let name):
      "class \(name) is not possible; name it in classes.txt beside the archives"
    }
  }
}
