/// MNIST: 60,000 training and 10,000 test pictures of handwritten digits, 28 x 28, grey
/// (LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition",
/// 1998).
public enum MNIST {
  /// By which the command knows the data set.
  public static let name = "mnist"

  /// The digits: the label's number as text.
  public static let classNames = (0...9).map(String.init)

  /// Where the files are looked for.
  public static let defaultRoot = "/usr/share/datasets/mnist"

  /// - Throws: ``DatasetError`` where a file is missing; ``FileError`` and ``IDXError`` where one
  ///   cannot be read.
  public static func load(
    root: String = defaultRoot, split: DatasetSplit
  ) throws -> IDXDataset {
    try MNISTFiles.load(
      name: name, classNames: classNames, root: root, split: split,
      remedy: "name the folder that holds the four files of MNIST as its root")
  }
}
