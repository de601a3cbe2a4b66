import ConvNetFiles
public import ConvNetImages

/// What a look at every picture of a data set has found, before a training finds it.
public struct DatasetVerification: Sendable {
  /// A file that cannot be used, or a folder of a class that cannot.
  public struct BadFile: Hashable, Sendable, Codable {
    /// The file, folder, or place in an archive.
    public var file: String
    /// Why it cannot be used, in words.
    public var reason: String
  }

  /// Pictures whose contents are the same, byte for byte.
  public struct Duplicates: Hashable, Sendable {
    /// Two or more, in the data's order.
    public var files: [String]
    /// Of these pictures, without repetition; more than one is a contradiction. Of labels and numbers all of a picture's
    /// together.
    public var classNames: [String]
    /// Whether some are to train on and others to test on: such a test flatters.
    public var crossesParts: Bool
  }

  /// Two pictures that are nearly the same: stored again, in another size, paler, or reflected.
  public struct Similar: Hashable, Sendable, Codable {
    /// Both, in the data's order.
    public var files: [String]
    /// The class of each.
    public var classNames: [String]
    /// Whether one is to train on and the other to test on: such a test flatters.
    public var crossesParts: Bool
    /// Whether one is the reflection of the other.
    public var isReflected: Bool
    /// How alike small copies of them are, 0.96 to 1.
    public var correlation: Double
  }

  /// Pictures of all parts, bad ones included.
  public let imageCount: Int
  /// What the pictures are told by.
  public let targetKind: TargetKind
  /// What the classes, the labels or the numbers are called.
  public let classNames: [String]
  /// Pictures of each class, or with each label; none of numbers.
  public let counts: [Int]
  /// How the numbers are distributed, where pictures are told by such.
  public let numbers: [NumberSummary]
  /// Pictures first, in the data's order, then classes.
  public let bad: [BadFile]
  /// Each picture that is there several times, once.
  public let duplicates: [Duplicates]
  /// Pairs that are nearly the same and not byte for byte, those across parts first; `nil` where they were not looked for.
  public let similar: [Similar]?
  /// How many files, folders and rows were passed over, by what they are: an ending, a kind of litter.
  public let ignored: [String: Int]

  /// Reads and decodes every picture of every part.
  ///
  /// - Parameters:
  ///   - findsSimilar: whether pictures that are nearly the same are looked for.
  ///   - progress: told how many of how many pictures are done.
  /// - Throws: what opening the data throws; a bad picture is a finding, not an error.
  public init(
    of source: DatasetSource, threads: Int, findsSimilar: Bool = false,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws {
    let parts = try source.partsToVerify()
    let names = Self.classNames(of: parts)
    let samples = SampleList(parts)
    let states = Threads.share(
      samples.count, among: threads, for: "reading",
      initial: State(findsSimilar: findsSimilar),
      progress: { progress($0, samples.count) }
    ) { index, state in
      state.look(at: index, samples)
    }
    let findings = states.flatMap(\.bad).sorted { $0.index < $1.index }
    imageCount = samples.count
    targetKind = parts[0].targetKind
    numbers = NumberSummary.all(of: parts)
    classNames = names
    counts = Self.counts(of: parts, names)
    bad = findings.map(\.file) + Self.faults(parts) + Self.badClasses(parts)
    let contents = states.flatMap(\.contents)
    duplicates = Self.duplicates(contents, samples, names)
    similar = findsSimilar ? Self.similar(contents, samples) : nil
    ignored = Self.ignored(parts)
  }

  private static func classNames(of parts: [any Dataset]) -> [String] {
    var names = parts[0].classNames
    var known = Set(names)
    for part in parts.dropFirst() {
      names += part.classNames.filter { known.insert($0).inserted }
    }
    return names
  }

  private static func counts(of parts: [any Dataset], _ names: [String]) -> [Int] {
    let numbers = Dictionary(zip(names, names.indices)) { first, _ in first }
    guard parts[0].targetKind != .numbers else { return [] }
    var counts = [Int](repeating: 0, count: names.count)
    for part in parts {
      for (name, count) in zip(part.classNames, part.sampleCounts) {
        counts[numbers[name] ?? 0] += count
      }
    }
    return counts
  }

  /// What the lists of pictures, and archives of them, have that is no picture.
  private static func faults(_ parts: [any Dataset]) -> [BadFile] {
    parts.flatMap { part -> [BadFile] in
      switch part {
      case let shards as TarShards:
        shards.faults.map { BadFile(file: $0.name, reason: $0.reason) }
      case let list as ImageManifest:
        list.faults.map {
          BadFile(file: FileSystem.readable("\($0.file), line \($0.line)"), reason: "\($0.problem)")
        }
      default: []
      }
    }
  }

  private static func badClasses(_ parts: [any Dataset]) -> [BadFile] {
    var bad: [BadFile] = []
    let trained = Set(parts[0].classNames)
    for (number, part) in parts.enumerated() where part.targetKind == .classes {
      let isEmpty = part.sampleCounts.map { $0 == 0 }
      for (label, name) in part.classNames.enumerated() {
        let path = "\(part.name)/\(name)"
        if isEmpty[label], part is ImageFolder {
          bad.append(BadFile(file: path, reason: "the class has no picture"))
        }
        if number > 0, !trained.contains(name) {
          bad.append(
            BadFile(file: path, reason: "the part to train on, \(parts[0].name), has no such class")
          )
        }
      }
    }
    return bad
  }

  private static func ignored(_ parts: [any Dataset]) -> [String: Int] {
    parts.reduce(into: [:]) { $0.merge($1.passedOver, uniquingKeysWith: +) }
  }

  /// - Parameter contents: of the pictures that could be decoded.
  private static func duplicates(
    _ contents: [State.Content], _ samples: SampleList, _ names: [String]
  ) -> [Duplicates] {
    let alike = Dictionary(grouping: contents, by: \.digest).values.filter { $0.count > 1 }
    let groups = alike.flatMap { samples.identical($0.map(\.index).sorted()) }
    let places = Dictionary(zip(names, names.indices)) { first, _ in first }
    return groups.sorted { $0[0] < $1[0] }.map { group in
      let classes = Set(group.map { samples.className(at: $0) })
      return Duplicates(
        files: group.map { samples.name(at: $0) },
        classNames: classes.sorted { places[$0, default: 0] < places[$1, default: 0] },
        crossesParts: Set(group.map { samples.place($0).part }).count > 1)
    }
  }
}

extension DatasetVerification {
  private static func similar(_ contents: [State.Content], _ samples: SampleList) -> [Similar] {
    let contents = contents.sorted { $0.index < $1.index }
    let pairs = SimilarPictures.pairs(contents.map(\.likeness))
    return pairs.compactMap { pair in
      let both = [contents[pair.first], contents[pair.second]]
      guard both[0].digest != both[1].digest else { return nil }
      let places = both.map(\.index)
      return Similar(
        files: places.map { samples.name(at: $0) },
        classNames: places.map { samples.className(at: $0) },
        crossesParts: samples.place(places[0]).part != samples.place(places[1]).part,
        isReflected: pair.isReflected, correlation: pair.correlation)
    }.enumerated().sorted { one, other in
      (one.element.crossesParts ? 0 : 1, one.offset)
        < (other.element.crossesParts ? 0 : 1, other.offset)
    }.map(\.element)
  }
}

extension DatasetVerification: Encodable {
  private enum CodingKeys: String, CodingKey {
    case images, targets, classes, counts, numbers, bad, duplicates, conflicts, ignored, similar
  }

  private struct Conflict: Encodable {
    var files: [String]
    var classes: [String]
    var crossesParts: Bool
  }

  /// `{images, targets, classes, counts: {class: n}, bad: [{file, reason}], duplicates: [[file]], conflicts: [{files, classes,
  /// crossesParts}], ignored: {ending: n}}`, of numbers `numbers: [{name, least, mean, greatest, deviation}]` too: of the
  /// duplicates, conflicts are those of different classes or in both parts. Where
  /// it was looked for also `similar: [{files, classNames, crossesParts, isReflected, correlation}]`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(imageCount, forKey: .images)
    try container.encode(targetKind, forKey: .targets)
    try container.encode(classNames, forKey: .classes)
    if targetKind == .numbers { try container.encode(numbers, forKey: .numbers) }
    let counts = Dictionary(zip(classNames, counts)) { $0 + $1 }
    try container.encode(counts, forKey: .counts)
    try container.encode(bad, forKey: .bad)
    try container.encode(duplicates.map(\.files), forKey: .duplicates)
    let conflicts = duplicates.filter { $0.classNames.count > 1 || $0.crossesParts }
    try container.encode(
      conflicts.map {
        Conflict(files: $0.files, classes: $0.classNames, crossesParts: $0.crossesParts)
      }, forKey: .conflicts)
    try container.encode(ignored, forKey: .ignored)
    try container.encodeIfPresent(similar, forKey: .similar)
  }
}

/// The samples of several parts in one row.
private struct SampleList: Sendable {
  let parts: [any Dataset]
  let count: Int

  init(_ parts: [any Dataset]) {
    self.parts = parts
    count = parts.reduce(0) { $0 + $1.count }
  }

  func place(_ index: Int) -> (part: Int, index: Int) {
    var index = index
    for (number, part) in parts.enumerated() {
      if index < part.count { return (number, index) }
      index -= part.count
    }
    fatalError("sample \(index) is beyond the parts")
  }

  func readContents(at index: Int, into bytes: inout [UInt8]) throws -> String {
    let (part, index) = place(index)
    return try parts[part].readContents(at: index, into: &bytes)
  }

  func className(at index: Int) -> String {
    let (part, index) = place(index)
    return parts[part].targetText(at: index)
  }

  func image(at index: Int) throws -> Image {
    let (part, index) = place(index)
    return try parts[part].sample(at: index).image
  }

  func isEncoded(_ index: Int) -> Bool { parts[place(index).part] is any EncodedDataset }

  func name(at index: Int) -> String {
    var bytes: [UInt8] = []
    let (part, place) = place(index)
    let dataset = parts[part]
    return (try? dataset.readContents(at: place, into: &bytes)) ?? dataset.sampleName(at: place)
  }

  /// Those of some samples that are the same byte for byte, in groups of two and more.
  func identical(_ indices: [Int]) -> [[Int]] {
    var groups: [(contents: [UInt8], members: [Int])] = []
    for index in indices {
      var bytes: [UInt8] = []
      // One that has gone since is no duplicate.
      guard (try? readContents(at: index, into: &bytes)) != nil else { continue }
      if let group = groups.firstIndex(where: { $0.contents == bytes }) {
        groups[group].members.append(index)
      } else {
        groups.append((bytes, [index]))
      }
    }
    return groups.map(\.members).filter { $0.count > 1 }
  }
}

/// What one thread has found.
private struct State: Sendable {
  struct Digest: Hashable {
    var hash: Int
    var byteCount: Int
  }

  struct Content {
    var digest: Digest
    var index: Int
    var likeness: PictureLikeness?
  }

  let findsSimilar: Bool

  var bad: [(index: Int, file: DatasetVerification.BadFile)] = []
  var contents: [Content] = []
  private var bytes: [UInt8] = []

  init(findsSimilar: Bool) {
    self.findsSimilar = findsSimilar
  }

  mutating func look(at index: Int, _ samples: SampleList) {
    do {
      let name = try samples.readContents(at: index, into: &bytes)
      var likeness: PictureLikeness?
      do {
        var image: Image?
        if samples.isEncoded(index) {
          image = try Image(decoding: bytes.span.bytes, file: name)
        } else if findsSimilar {
          image = try samples.image(at: index)
        }
        if findsSimilar { likeness = image.flatMap(PictureLikeness.init) }
      } catch {
        return bad.append((index, .init(file: name, reason: reason(of: error))))
      }
      var hasher = Hasher()
      bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
      let digest = Digest(hash: hasher.finalize(), byteCount: bytes.count)
      contents.append(Content(digest: digest, index: index, likeness: likeness))
    } catch {
      let file =
        (error as? FileError)?.path ?? (error as? CSVError)?.picture ?? samples.name(at: index)
      bad.append((index, .init(file: file, reason: reason(of: error))))
    }
  }
}
