/// The 1000 classes of ImageNet's challenge (O. Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", 2015),
/// in the order of the outputs of published networks: of ascending numbers.
///
/// Each is a noun of WordNet 3.0, by whose number its folder is called where pictures come as ImageNet has them: `n01440764`.
public enum ImageNetClasses {
  private static let rows = table.split(separator: ";").map { row in
    let parts = row.split(separator: " ", maxSplits: 1)
    return (number: parts[0], name: String(parts[1]))
  }

  /// What people call them: `tench`, `goldfish`. As torchvision's metadata has them; no name is there twice.
  public static let names = rows.map(\.name)

  /// The same by number: `n` and eight digits.
  public static let wordNetNumbers = rows.map { row in
    "n" + String(repeating: "0", count: 8 - row.number.count) + row.number
  }

  private static let others: [String: String] = {
    var others: [String: String] = [:]
    for (name, number) in zip(names, wordNetNumbers) {
      others[name] = number
      others[number] = name
    }
    return others
  }()

  /// The number of a class by its name, or the name by its number; `nil` of what is neither.
  public static func otherName(of name: String) -> String? { others[name] }
}

/// The places of classes in a list of names. A class of ImageNet is found by its name and by its WordNet number, however the
/// list calls it.
package struct ClassPlaces {
  private let places: [String: Int]

  package init(_ names: [String]) {
    places = Dictionary(zip(names, names.indices)) { first, _ in first }
  }

  /// `nil` where the list has no such class.
  package subscript(name: String) -> Int? {
    places[name] ?? ImageNetClasses.otherName(of: name).flatMap { places[$0] }
  }
}
