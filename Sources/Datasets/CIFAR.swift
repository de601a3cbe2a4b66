/// CIFAR-10: 50,000 training and 10,000 test pictures, 32 x 32, color, in ten classes (Krizhevsky,
/// "Learning Multiple Layers of Features from Tiny Images", 2009).
public enum CIFAR10 {
  /// By which the command knows the data set.
  public static let name = "cifar10"

  /// What the labels 0 to 9 mean.
  public static let classNames = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]

  /// Where the files are looked for.
  public static let defaultRoot = "/usr/share/datasets/cifar10"

  /// - Parameter root: the folder with the files of the binary version, with the archive
  ///   `cifar-10-binary.tar.gz` or with what it unpacks to; or the archive.
  /// - Throws: ``DatasetError`` where a file is missing or ill-formed, ``TarError`` where the archive
  ///   is damaged, ``FileError`` where a file cannot be read.
  public static func load(
    root: String = defaultRoot, split: DatasetSplit
  ) throws -> CIFARDataset {
    try CIFARDataset(name: name, files: files, root: root, split: split, classNames: classNames)
  }

  static let files = CIFARFiles(
    train: (1...5).map { "data_batch_\($0).bin" }, test: ["test_batch.bin"],
    folder: "cifar-10-batches-bin", archive: "cifar-10-binary.tar.gz", labelCount: 1)
}

/// CIFAR-100: 50,000 training and 10,000 test pictures, 32 x 32, color, in a hundred classes, which
/// are grouped into twenty coarse ones (Krizhevsky, 2009).
public enum CIFAR100 {
  /// By which the command knows the data set with its hundred classes.
  public static let name = "cifar100"

  /// The name by which the data set with its coarse classes is known.
  public static let coarseName = "cifar100-coarse"

  /// What the labels 0 to 99 mean.
  public static let classNames = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle",
    "bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar",
    "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile",
    "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster",
    "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster",
    "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
    "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy",
    "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal",
    "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar",
    "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman",
    "worm",
  ]

  /// What the labels 0 to 19 of the coarse classes mean.
  public static let coarseClassNames = [
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables",
    "household_electrical_devices", "household_furniture", "insects", "large_carnivores",
    "large_man-made_outdoor_things", "large_natural_outdoor_scenes",
    "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates", "people",
    "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
  ]

  /// Where the files are looked for.
  public static let defaultRoot = "/usr/share/datasets/cifar100"

  /// - Parameters:
  ///   - root: the folder with the files of the binary version, with the archive
  ///     `cifar-100-binary.tar.gz` or with what it unpacks to; or the archive.
  ///   - coarse: whether the classes are the twenty coarse ones.
  /// - Throws: as ``CIFAR10/load(root:split:)``.
  public static func load(
    root: String = defaultRoot, split: DatasetSplit, coarse: Bool = false
  ) throws -> CIFARDataset {
    try CIFARDataset(
      name: coarse ? coarseName : name, files: files, root: root, split: split,
      classNames: coarse ? coarseClassNames : classNames, label: coarse ? 0 : 1)
  }

  static let files = CIFARFiles(
    train: ["train.bin"], test: ["test.bin"], folder: "cifar-100-binary",
    archive: "cifar-100-binary.tar.gz", labelCount: 2)
}
