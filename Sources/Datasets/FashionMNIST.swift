/// Fashion-MNIST: 60,000 training and 10,000 test pictures of clothes, 28 x 28, grey, in ten
/// classes (Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
/// Learning Algorithms", 2017).
public enum FashionMNIST {
  /// By which the command knows the data set.
  public static let name = "fashion-mnist"

  /// What the labels 0 to 9 mean.
  public static let classNames = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
  ]

  /// Where Debian's package `dataset-fashion-mnist` puts the files.
  public static let defaultRoot = "/usr/share/datasets/fashion-mnist"

  /// - Throws: ``DatasetError`` where a file is missing (it says which package has it);
  ///   ``FileError`` and ``IDXError`` where one cannot be read.
  public static func load(
    root: String = defaultRoot, split: DatasetSplit
  ) throws -> IDXDataset {
    try MNISTFiles.load(
      name: name, classNames: classNames, root: root, split: split,
      remedy: "on Debian install the package dataset-fashion-mnist, or name the folder that holds "
        + "the four files as its root")
  }
}
