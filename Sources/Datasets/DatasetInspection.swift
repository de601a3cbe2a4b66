import ConvNetFiles
public import ConvNetImages
import ConvNetTensors

/// What the pictures of a data set are like, and some of them to look at.
public struct DatasetInspection: Sendable {
  /// The distribution of an extent over pictures, in pixels.
  public struct Extent: Hashable, Sendable, Codable {
    /// The least that any picture has.
    public var smallest: Int
    /// That of the middle picture, ordered by it.
    public var median: Int
    /// The most that any picture has.
    public var largest: Int

    /// - Parameter values: sorted, not empty.
    fileprivate init(_ values: [Int]) {
      smallest = values[0]
      median = values[values.count / 2]
      largest = values[values.count - 1]
    }
  }

  /// A picture to look at.
  public struct Specimen: Sendable {
    /// As it was decoded.
    public var image: Image
    /// The name of its class; its labels or numbers, where it is told by such.
    public var className: String
    /// What the sample is called in its data set.
    public var name: String
  }

  /// Pictures of the data set.
  public let imageCount: Int
  /// What the pictures are told by.
  public let targetKind: TargetKind
  /// What the classes, the labels or the numbers are called.
  public let classNames: [String]
  /// Pictures of each class, or with each label; none of numbers.
  public let counts: [Int]
  /// How the numbers are distributed, where pictures are told by such.
  public let numbers: [NumberSummary]
  /// Pictures that were opened for what follows: all, or as many as the limit, drawn at random.
  public let lookedAt: Int
  /// Of those, the ones that cannot be decoded; `convnet dataset verify` names every one.
  public let badCount: Int
  /// Of the pictures that could be decoded; `nil` where none could.
  public let height: Extent?
  /// The same of the width.
  public let width: Extent?
  /// How many pictures have 1, 3 or 4 channels.
  public let channels: [Int: Int]
  /// Of every class as many as of the others, where there are so many; ordered by class.
  public let specimens: [Specimen]

  /// - Parameters:
  ///   - specimens: how many pictures to keep to look at.
  ///   - limit: how many pictures to open at most for the figures.
  ///   - seed: of the draws.
  ///   - progress: told how many of how many pictures are done.
  /// - Throws: the first error where no picture at all can be decoded.
  public init(
    of dataset: any Dataset, specimens: Int, limit: Int = 2000, seed: UInt64 = 0, threads: Int,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws {
    let order = permutation(of: dataset.count, key: RandomKey(seed: seed, purpose: .split))
    let chosen = Self.spread(order, over: dataset, count: specimens)
    let isChosen = Set(chosen)
    let places = Array(
      (chosen + order.filter { !isChosen.contains($0) }).prefix(max(limit, chosen.count)))
    let kept = chosen.count
    let states = Threads.share(
      places.count, among: threads, for: "reading", initial: State(),
      progress: { progress($0, places.count) }
    ) { place, state in
      do {
        let image = try dataset.sample(at: places[place]).image
        state.looks.append(
          State.Look(
            place: place, height: image.height, width: image.width, channels: image.channels,
            image: place < kept ? image : nil))
      } catch {
        state.failures.append((place, error))
      }
    }
    let looks = states.flatMap(\.looks).sorted { $0.place < $1.place }
    let failures = states.flatMap(\.failures)
    if looks.isEmpty, let first = failures.min(by: { $0.place < $1.place }) { throw first.error }
    imageCount = dataset.count
    classNames = dataset.classNames
    targetKind = dataset.targetKind
    counts = dataset.sampleCounts
    numbers = NumberSummary.all(of: [dataset])
    lookedAt = places.count
    badCount = failures.count
    height = looks.isEmpty ? nil : Extent(looks.map(\.height).sorted())
    width = looks.isEmpty ? nil : Extent(looks.map(\.width).sorted())
    channels = Dictionary(grouping: looks, by: \.channels).mapValues(\.count)
    self.specimens =
      looks
      .compactMap { look in look.image.map { (index: places[look.place], image: $0) } }
      .sorted { (dataset.label(at: $0.index), $0.index) < (dataset.label(at: $1.index), $1.index) }
      .map { index, image in
        Specimen(
          image: image, className: dataset.targetText(at: index),
          name: dataset.sampleName(at: index))
      }
  }

  /// Takes from each class in turn until there are enough.
  private static func spread(_ order: [Int], over dataset: any Dataset, count: Int) -> [Int] {
    guard dataset.targetKind == .classes else { return Array(order.prefix(count)) }
    var classes = [[Int]](repeating: [], count: dataset.classNames.count)
    for index in order.reversed() { classes[dataset.label(at: index)].append(index) }
    var chosen: [Int] = []
    var isExhausted = false
    while chosen.count < count, !isExhausted {
      isExhausted = true
      for label in classes.indices where chosen.count < count {
        guard let index = classes[label].popLast() else { continue }
        chosen.append(index)
        isExhausted = false
      }
    }
    return chosen
  }

  /// What one thread has seen.
  private struct State: Sendable {
    struct Look {
      var place: Int
      var height: Int
      var width: Int
      var channels: Int
      var image: Image?
    }

    var looks: [Look] = []
    var failures: [(place: Int, error: any Error)] = []
  }
}
