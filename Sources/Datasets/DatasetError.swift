public import ConvNetFiles
public import ConvNetImages

/// Why a data set cannot be used.
public struct DatasetError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Hashable, Sendable {
    /// No such name and no such file; `suggestions` are the nearest names and files.
    case unknownName(known: [String], suggestions: [String])
    /// A file of a data set is missing. `remedy` says how to get it.
    case missingFile(path: String, remedy: String)
    /// An archive lacks a file of the data set.
    case missingMember(archive: String, name: String)
    /// The folder has pictures to train on, and none to test on.
    case missingPart(path: String)
    /// A folder was expected, a file is there.
    case notFolder(path: String)
    /// A file or folder of no kind that is known.
    case unknownKind(path: String, found: String)
    /// The pictures or labels of an IDX file are not bytes.
    case elementType(path: String, actual: String)
    /// The pictures' file has neither three dimensions nor, with channels last, four.
    case imageRank(path: String, shape: String)
    /// There are not as many labels as pictures.
    case countMismatch(images: Int, labels: Int)
    /// A label has no class name.
    case label(index: Int, value: Int, classes: Int)
    /// A file is not a row of records of one size.
    case recordSize(path: String, byteCount: Int, record: Int)
    /// A file is something else that is known.
    case otherFile(path: String, FileKind, expected: String)
    /// CIFAR as Python's pickled objects.
    case pickled(path: String)
    /// There is no sample.
    case empty
    /// A class folder holds no picture.
    case emptyClass(path: String)
    /// The folder has no subfolder of pictures; `found` says what it has.
    case noClasses(path: String, found: String)
    /// The share to hold out is out of its range.
    case share(Double)
    /// Nothing is left for a part.
    case emptyPart(DatasetSplit, share: Double)
    /// A share shall be held out of data that has a part to test on.
    case hasParts
    /// Data of this kind has classes alone, and something else is asked for.
    case onlyClasses(asked: TargetKind?)
    /// Samples that are told by something else cannot be drawn by their classes.
    case unbalanced(TargetKind)
    /// A number to predict is the same in all samples, or none.
    case constantNumber(name: String, value: Float)
  }

  /// The data set's name or folder.
  public var dataset: String
  /// What is wrong with the data.
  public var problem: Problem

  package init(dataset: String, problem: Problem) {
    self.dataset = dataset
    self.problem = problem
  }
}

extension DatasetError: ReadableError {
  public var description: String { FileSystem.readable("data set '\(dataset)': \(problem)") }
}

extension DatasetError.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownName(let known, let suggestions):
      suggestions.isEmpty
        ? "no such file or folder, and not one of \(known.joined(separator: ", "))"
        : "no such name, file or folder; did you mean \(suggestions.joined(separator: " or "))?"
    case .missingFile(let path, let remedy):
      "\(path) does not exist; \(remedy)"
    case .missingMember(let archive, let name):
      "\(archive) has no \(name); fetch it again"
    case .missingPart(let path):
      "\(path) does not exist; put the pictures to evaluate on into it, or hold out a share of the others"
    case .notFolder(let path):
      "\(path) is not a folder"
    case .unknownKind(let path, let found):
      "\(path) holds \(found); name a folder with one subfolder of pictures a class, a CSV file of "
        + "paths and labels, tar shards, an IDX file or CIFAR's binary files"
    case .elementType(let path, let actual):
      "\(path) has elements of type \(actual), needs uint8"
    case .imageRank(let path, let shape):
      "\(path) has shape \(shape), needs [count, height, width] or [count, height, width, channels]"
    case .countMismatch(let images, let labels):
      "\(images) pictures but \(labels) labels; the files do not belong together"
    case .label(let index, let value, let classes):
      "sample \(index) has label \(value), but there are \(classes) classes"
    case .recordSize(let path, let byteCount, let record):
      "\(path) has \(byteCount) bytes, not a multiple of \(record) as CIFAR's binary files have; "
        + "fetch it again"
    case .otherFile(let path, let kind, let expected):
      "\(path) \(kind.sentence(expected: expected))"
    case .pickled(let path):
      "\(path) is CIFAR's version for Python; fetch the binary version"
    case .empty:
      "has no samples"
    case .emptyClass(let path):
      "\(path) holds no picture (\(PictureNames.list)); remove the "
        + "folder or fill it"
    case .noClasses(let path, let found):
      "\(path) has no class folders (it holds \(found)); put the pictures of each class into a "
        + "folder of its name"
    case .share(let share):
      "a share of \(share) cannot be held out; use one above 0, at most 1"
    case .emptyPart(let split, let share):
      "with a share of \(share) held out nothing is left to \(split); take more pictures or another share, or train on all of them"
    case .hasParts:
      "has a part to test on; hold out no share"
    case .onlyClasses(let asked):
      "tells its pictures by classes\(asked.map { ", not by \($0.rawValue)" } ?? ", and has no columns"); a CSV file tells them by "
        + "labels, numbers, or columns that are named"
    case .unbalanced(let kind):
      "its samples are told by \(kind.rawValue); as many of each class can be drawn only of samples that are told by classes"
    case .constantNumber(let name, let value):
      "\(name) is \(value) in all samples to train on: there is nothing to learn of it; leave it out"
    }
  }
}
