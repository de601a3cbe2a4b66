import ConvNetFiles
public import ConvNetImages
import Foundation

/// Data as it lies on a disk: one lot of samples, or one to train on and one to test on.
public struct DatasetSource: Sendable {
  /// Loads a lot of samples; to be verified, one may lack what others must have, such as a picture
  /// in every class.
  typealias Loader = @Sendable (_ toVerify: Bool) throws -> any Dataset

  /// As it was named.
  public let name: String
  private let train: Loader
  private let test: Loader?
  /// Set where the data says that it is for training only.
  private let missingTest: DatasetError?

  init(
    name: String, train: @escaping Loader, test: Loader? = nil, missingTest: DatasetError? = nil
  ) {
    self.name = name
    self.train = train
    self.test = test
    self.missingTest = missingTest
  }

  /// Whether the data has a part of its own to test on.
  public var hasTestPart: Bool { test != nil }

  /// Whether all that is there is meant for training.
  public var isTrainingOnly: Bool { missingTest != nil }

  /// What a training holds out to be judged by: the share that is asked for, or else the usual one of data without a part to
  /// test on.
  public func trainingHoldout(share: Double? = nil, seed: UInt64 = 0) -> Holdout? {
    if let share { return Holdout(share: share, seed: seed) }
    return hasTestPart ? nil : Holdout(seed: seed)
  }

  /// Loads a part.
  ///
  /// - Parameter holdout: for data without parts, the share that is the part to test on; without it
  ///   both parts are the whole.
  /// - Throws: ``DatasetError`` where there is no such part, or the data has parts and shall be
  ///   divided; what loading throws.
  public func load(_ split: DatasetSplit, holdout: Holdout? = nil) throws -> any Dataset {
    if let test {
      guard holdout == nil else { throw DatasetError(dataset: name, problem: .hasParts) }
      return try split == .train ? train(false) : test(false)
    }
    if let holdout { return try holdout.part(split, of: train(false)) }
    if split == .test, let missingTest { throw missingTest }
    return try train(false)
  }

  /// Loads both parts, data without parts once.
  ///
  /// - Throws: as ``load(_:holdout:)``.
  public func loadParts(
    holdout: Holdout? = nil
  ) throws -> (train: any Dataset, test: any Dataset) {
    guard test == nil, let holdout else {
      return (try load(.train, holdout: holdout), try load(.test, holdout: holdout))
    }
    let parts = try loadTrainingParts(holdout: holdout)
    return (parts.train, parts.validation)
  }

  /// Loads what to train on and what to validate on: the share that is held out of the data to train on, or, without one, the
  /// data's own part to test on.
  ///
  /// With a share, the part to test on is not touched, as where ResNets were trained on 45,000 of CIFAR's 50,000 pictures.
  ///
  /// - Throws: as ``load(_:holdout:)``.
  public func loadTrainingParts(
    holdout: Holdout? = nil
  ) throws -> (train: any Dataset, validation: any Dataset) {
    guard let holdout else {
      let parts = try loadParts()
      return (parts.train, parts.test)
    }
    let whole = try train(false)
    return (try holdout.part(.train, of: whole), try holdout.part(.test, of: whole))
  }

  /// Loads all that there is, to train on without validation.
  ///
  /// - Throws: ``DatasetError`` where the data has a part to test on; what loading throws.
  public func loadWhole() throws -> any Dataset {
    guard test == nil else { throw DatasetError(dataset: name, problem: .hasParts) }
    return try train(false)
  }

  /// All that there is, one data set a part.
  func partsToVerify() throws -> [any Dataset] {
    try [train(true)] + (test.map { [try $0(true)] } ?? [])
  }
}

extension DatasetSource {
  /// Finds out what kind of data a path names.
  ///
  /// - Parameter targets: what of the pictures is to be told, where the data leaves that open.
  /// - Throws: ``DatasetError`` where it is none that is known, with what was found, or has nothing but classes and something
  ///   else is asked for; ``FileError``.
  init(path: String, targets: TargetSelection) throws {
    let lowercased = path.lowercased()
    if !FileSystem.isFolder(path), lowercased.hasSuffix(".csv") || lowercased.hasSuffix(".tsv") {
      self.init(manifest: try ManifestTable(path, targets))
      return
    }
    try targets.requireClasses(of: path)
    if let pattern = ShardPattern(path) {
      self.init(name: path, train: Self.loader(of: pattern.paths, name: path))
    } else if FileSystem.isFolder(path) {
      try self.init(folder: path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    } else {
      try self.init(file: path)
    }
  }

  private init(file path: String) throws {
    let lowercased = path.lowercased()
    func ends(_ endings: String...) -> Bool { endings.contains { lowercased.hasSuffix($0) } }
    if ends(".tar", ".tar.gz", ".tgz") {
      let file = lowercased[(lowercased.lastIndex(of: "/") ?? lowercased.startIndex)...]
      if file.contains("cifar-100") {
        self.init(cifar: CIFAR100.name, in: path)
      } else if file.contains("cifar-10") {
        self.init(cifar: CIFAR10.name, in: path)
      } else {
        self.init(name: path, train: Self.loader(of: [path], name: path))
      }
    } else if let pair = try IDXPair(images: path) {
      self.init(name: path, train: pair.loader(name: path))
    } else {
      let found = try MappedFile(path: path).withBytes { FileKind(of: $0)?.name }
      throw DatasetError(
        dataset: path,
        problem: .unknownKind(path: path, found: found ?? "something else, or is wrongly named"))
    }
  }

  private init(manifest table: ManifestTable) {
    @Sendable func load(_ split: DatasetSplit?, _ toVerify: Bool) throws -> any Dataset {
      if !toVerify {
        try table.requireSound()
        try table.requireFirstPicture()
      }
      return try ImageManifest(table, split: split)
    }
    let whole: DatasetSplit? = table.hasParts ? .train : nil
    let test: Loader = { try load(.test, $0) }
    self.init(
      name: table.path, train: { try load(whole, $0) }, test: table.contains(.test) ? test : nil)
  }

  private init(cifar: String, in root: String) {
    self.init(
      name: root, train: { _ in try Self.cifar(cifar, root, .train) },
      test: { _ in try Self.cifar(cifar, root, .test) })
  }

  private static func cifar(
    _ name: String, _ root: String, _ split: DatasetSplit
  ) throws -> any Dataset {
    name == CIFAR10.name
      ? try CIFAR10.load(root: root, split: split) : try CIFAR100.load(root: root, split: split)
  }

  private init(folder: String) throws {
    if let parts = FolderParts(folder) {
      let unused = try parts.unused()
      let train = try Self.lot(in: parts.train, beside: parts.test == nil ? unused : [:])
      let test = try parts.test.map { try Self.lot(in: $0, beside: unused) }
      self.init(
        name: folder, train: train, test: test, missingTest: test == nil ? parts.missingTest : nil)
      return
    }
    let listing = try FolderListing(folder)
    if CIFAR10.files.lie(in: folder) {
      self.init(cifar: CIFAR10.name, in: folder)
    } else if CIFAR100.files.lie(in: folder) {
      self.init(cifar: CIFAR100.name, in: folder)
    } else if let pairs = try IDXPair.parts(in: folder, listing) {
      self.init(
        name: folder, train: pairs.train.loader(name: folder),
        test: pairs.test?.loader(name: folder))
    } else if let shards = Self.shards(in: folder, listing) {
      self.init(
        name: folder,
        train: Self.loader(
          of: shards.train, name: folder, beside: shards.test.isEmpty ? shards.unused : [:]),
        test: shards.test.isEmpty
          ? nil : Self.loader(of: shards.test, name: folder, beside: shards.unused))
    } else if listing.folders.isEmpty {
      throw DatasetError(
        dataset: folder, problem: .unknownKind(path: folder, found: listing.summary))
    } else {
      self.init(name: folder) { try ImageFolder(folder, allowingEmptyClasses: $0) }
    }
  }

  /// What one folder of a pair holds: shards, or folders of pictures.
  ///
  /// - Parameter beside: what was passed over beside it.
  private static func lot(
    in folder: String, beside: [String: Int]
  ) throws(FileError) -> Loader {
    let listing = try FolderListing(folder)
    let tars = listing.files.filter { $0.hasSuffix(".tar") }
    if tars.isEmpty {
      return { try ImageFolder(folder, allowingEmptyClasses: $0, beside: beside) }
    }
    var beside = beside
    if !listing.folders.isEmpty {
      beside["folders beside archives", default: 0] += listing.folders.count
    }
    return loader(of: tars.map { "\(folder)/\($0)" }, name: folder, beside: beside)
  }

  private static func loader(
    of shards: [String], name: String, beside: [String: Int] = [:]
  ) -> Loader {
    { try TarShards(name: name, shards: shards, beside: beside, toVerify: $0) }
  }

  /// The archives of a folder, those with a name that says so to test on; where some say `val` and others `test`, as with
  /// folders, the first.
  private static func shards(
    in folder: String, _ listing: FolderListing
  ) -> (train: [String], test: [String], unused: [String: Int])? {
    let tars = listing.files.filter { $0.hasSuffix(".tar") }
    guard !tars.isEmpty else { return nil }
    let part = { (name: String) in
      let words = name.lowercased().split { !$0.isLetter }.map(String.init)
      return FolderParts.testNames.first(where: words.contains)
    }
    let parts = Dictionary(grouping: tars, by: part)
    let paths = { (names: [String]?) in (names ?? []).map { "\(folder)/\($0)" } }
    var unused: [String: Int] = [:]
    if !listing.folders.isEmpty { unused["folders beside archives"] = listing.folders.count }
    let tests = FolderParts.testNames.filter { parts[$0] != nil }
    guard parts[nil] != nil else { return (paths(tars), [], unused) }
    for name in tests.dropFirst() {
      unused["archives of \(name), beside those of \(tests[0])"] = parts[name]?.count
    }
    return (paths(parts[nil]), paths(tests.first.flatMap { parts[$0] }), unused)
  }
}

extension TargetSelection {
  /// - Throws: ``DatasetError`` where more is asked for than classes.
  func requireClasses(of data: String) throws(DatasetError) {
    guard kind ?? .classes == .classes, columns == nil else {
      throw DatasetError(dataset: data, problem: .onlyClasses(asked: kind))
    }
  }
}
