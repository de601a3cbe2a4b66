public import ConvNetFiles
public import ConvNetLayers
import Foundation

extension Model {
  /// Takes the names of the classes from a text file of any editor: a name a line, in the order of the logits. Empty lines at
  /// the end are passed over, and spaces around a name.
  ///
  /// - Throws: ``FileError`` where the file cannot be read, ``ClassNamesError`` where it has another number of lines than the
  ///   network has classes; the model is then as it was.
  public mutating func loadClassNames(from path: String) throws {
    var names = try TextLines(contentsOf: path).texts.map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    while names.last?.isEmpty == true { names.removeLast() }
    guard names.count == classCount else {
      throw ClassNamesError(path: path, count: names.count, expected: classCount)
    }
    classNames = names
  }
}

/// A list of class names that is not as long as the network is wide.
public struct ClassNamesError: ReadableError, Hashable, Sendable {
  /// The list's file.
  public var path: String
  /// Lines of the file.
  public var count: Int
  /// Classes of the network.
  public var expected: Int

  public var description: String {
    "\(FileSystem.readable(path)) has \(plural(count, "line")), the network \(plural(expected, "class", "classes")); write one name a line"
  }
}
