import ConvNetFiles
public import ConvNetImages
import ConvNetTensors

extension TrainingPictures {
  /// Reads the beginning of every picture.
  ///
  /// - Parameters:
  ///   - training: the pictures to train on.
  ///   - validation: those of the same data that were held out; `nil` where the data has a part of its own.
  ///   - threads: that read.
  public init(
    training: any Dataset, heldOut validation: (any Dataset)?, holdout: Holdout?, threads: Int
  ) {
    let trained = PictureNumbers(of: training, threads: threads)
    let heldOut = validation.map { PictureNumbers(of: $0, threads: threads) }
    self.init(
      holdout: holdout, count: training.count + (validation?.count ?? 0),
      digest: trained.digest &+ (heldOut?.digest ?? 0),
      trained: trained.contents.compactMap(\.self),
      heldOut: (heldOut?.contents ?? []).compactMap(\.self))
  }

  /// Whether they may be those of a training on some data, by how many there are; whether they are, ``relation(to:threads:)``
  /// tells.
  package func mayBe(of training: any Dataset, validating validation: (any Dataset)?) -> Bool {
    count == training.count || count == training.count + (validation?.count ?? 0)
  }

  /// What became of a training's pictures in data that it is to go on with.
  package struct Whereabouts: Hashable, Sendable {
    /// That were trained on or held out, as far as they are told by their contents.
    package var known: Int
    /// Of these, in neither part now.
    package var gone: Int
    /// That were held out, and would be trained on.
    package var toTraining: Int
    /// That were trained on, and would be validated on.
    package var toValidation: Int
  }

  /// Reads the beginning of every picture of both parts.
  package func whereabouts(
    in training: any Dataset, heldOut validation: (any Dataset)?, threads: Int
  ) -> Whereabouts {
    func numbers(_ dataset: any Dataset) -> Set<UInt64> {
      Set(PictureNumbers(of: dataset, threads: threads).contents.compactMap(\.self))
    }
    let (trains, validates) = (numbers(training), validation.map(numbers) ?? [])
    // Two of the same contents may be in both parts.
    let (trained, held) = (trainedNumbers, heldOutNumbers)
    return Whereabouts(
      known: trained.union(held).count,
      gone: trained.union(held).subtracting(trains).subtracting(validates).count,
      toTraining: held.subtracting(trained).intersection(trains).count,
      toValidation: trained.subtracting(held).intersection(validates).count)
  }

  /// How data stands to that of the training.
  public enum Relation: Hashable, Sendable {
    /// None of its pictures was trained on, or held out.
    case other
    /// The same pictures under the same names: a ``Holdout`` gives the same part.
    case same
    /// Some are the training's: which were trained on, and which held out, by their places.
    case overlapping(trained: [Int], heldOut: [Int])
    /// Some are the training's, of which there are too many to tell each.
    case overlappingSomewhere
  }

  /// Reads the beginning of every picture of some data.
  public func relation(to dataset: any Dataset, threads: Int) -> Relation {
    let numbers = PictureNumbers(of: dataset, threads: threads)
    if dataset.count == count, numbers.digest == digest { return .same }
    let (known, others) = (trainedNumbers, heldOutNumbers)
    func places(of known: Set<UInt64>) -> [Int] {
      numbers.contents.indices.filter { numbers.contents[$0].map(known.contains) ?? false }
    }
    let (trained, heldOut) = (places(of: known), places(of: others.subtracting(known)))
    if trained.isEmpty, heldOut.isEmpty { return .other }
    return isWhole ? .overlapping(trained: trained, heldOut: heldOut) : .overlappingSomewhere
  }
}

/// A number of the contents of every picture of a data set.
private struct PictureNumbers {
  /// By place; `nil` where a picture cannot be read.
  var contents: [UInt64?]
  /// Of all contents with their names, in any order.
  var digest: UInt64 = 0

  private struct State: Sendable {
    var found: [(index: Int, contents: UInt64, name: UInt64)] = []
    var bytes: [UInt8] = []
  }

  init(of dataset: any Dataset, threads: Int) {
    let states = Threads.share(
      dataset.count, among: threads, for: "reading", initial: State()
    ) { index, state in
      guard (try? dataset.readBeginning(at: index, into: &state.bytes)) != nil else { return }
      state.found.append(
        (index, hash(state.bytes), hash(Array(dataset.sampleName(at: index).utf8))))
    }
    contents = [UInt64?](repeating: nil, count: dataset.count)
    for (index, number, name) in states.lazy.flatMap(\.found) {
      contents[index] = number >> (UInt64.bitWidth - TrainingPictures.bitCount)
      digest &+= mixed(number ^ mixed(name))
    }
  }
}

/// A number of some bytes that is the same in every process: eight at a time, multiplied and mixed.
private func hash(_ bytes: [UInt8]) -> UInt64 {
  bytes.withUnsafeBytes { bytes in
    var value = UInt64(bytes.count) &* 0x9E37_79B9_7F4A_7C15
    var place = 0
    while place + 8 <= bytes.count {
      value = mixed(
        value ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
      place += 8
    }
    var rest: UInt64 = 0
    while place < bytes.count {
      rest = rest << 8 | UInt64(bytes[place])
      place += 1
    }
    return mixed(value ^ rest)
  }
}

/// SplitMix64's finalizer (S. Vigna, 2015): every bit of the result depends on every bit of the value.
private func mixed(_ value: UInt64) -> UInt64 {
  var value = value &+ 0x9E37_79B9_7F4A_7C15
  value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
  value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
  return value ^ value >> 31
}
