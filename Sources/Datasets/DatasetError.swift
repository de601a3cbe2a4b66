/// Why a data set cannot be used.
public struct DatasetError: Error, Hashable, Sendable {
  public enum Problem: Hashable, Sendable {
    /// No such name and no such folder; `suggestions` are the nearest names.
    case unknownName(known: [String], suggestions: [String])
    /// A file of a known data set is missing. `remedy` says how to get it.
    case missingFile(path: String, remedy: String)
    case notFolder(path: String)
    case elementType(path: String, actual: String)
    case imageRank(path: String, shape: String)
    case countMismatch(images: Int, labels: Int)
    /// A label has no class name.
    case label(index: Int, value: Int, classes: Int)
    case empty
    /// A class folder holds no picture.
    case emptyClass(path: String)
    case noClasses(path: String)
  }

  /// The data set's name or folder.
  public var dataset: String
  public var problem: Problem
}

extension DatasetError: CustomStringConvertible {
  public var description: String { "data set '\(dataset)': \(problem)" }
}

extension DatasetError.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownName(let known, let suggestions):
      suggestions.isEmpty
        ? "neither a folder nor one of \(known.joined(separator: ", "))"
        : "no such name or folder; did you mean \(suggestions.joined(separator: " or "))?"
    case .missingFile(let path, let remedy):
      "\(path) does not exist; \(remedy)"
    case .notFolder(let path):
      "\(path) is not a folder"
    case .elementType(let path, let actual):
      "\(path) has elements of type \(actual), needs uint8"
    case .imageRank(let path, let shape):
      "\(path) has shape \(shape), needs [count, height, width] or [count, height, width, channels]"
    case .countMismatch(let images, let labels):
      "\(images) pictures but \(labels) labels; the files do not belong together"
    case .label(let index, let value, let classes):
      "sample \(index) has label \(value), but there are \(classes) classes"
    case .empty:
      "has no samples"
    case .emptyClass(let path):
      "\(path) holds no picture (.png, .jpg, .jpeg); remove the folder or fill it"
    case .noClasses(let path):
      "\(path) has no class folders; put the pictures of each class into a folder of its name"
    }
  }
}
