import ConvNetFiles
import ConvNetTensors
import Foundation

/// What a model remembers of the pictures that it was trained on and of those that were held out: a number of each picture's
/// contents, and one of all with their names.
///
/// So data is known again wherever it lies and whatever it is called, in a list, in an archive, with more or with less beside it.
/// Of very many pictures the numbers of some are kept, which tell that it is the data but not which part.
public struct TrainingPictures: Hashable, Sendable, Codable {
  /// What was held out; `nil` where the data had a part to test on.
  public var holdout: Holdout?
  /// Pictures in all.
  public var count: Int
  /// Of all pictures with their names.
  private var digest: UInt64
  /// The numbers up to this one are kept: all, or the smallest.
  private var largest: UInt64
  private var trained: Data
  private var heldOut: Data

  /// Numbers kept at most.
  package static let limit = 8192
  /// Bytes of a number: so many that two pictures in a million millions share one.
  private static let width = 5

  /// Reads the beginning of every picture.
  ///
  /// - Parameters:
  ///   - training: the pictures to train on.
  ///   - validation: those of the same data that were held out; `nil` where the data has a part of its own.
  public init(
    training: any Dataset, heldOut validation: (any Dataset)?, holdout: Holdout?, threads: Int
  ) {
    let trained = PictureNumbers(of: training, threads: threads)
    let heldOut = validation.map { PictureNumbers(of: $0, threads: threads) }
    self.holdout = holdout
    count = training.count + (validation?.count ?? 0)
    digest = trained.digest &+ (heldOut?.digest ?? 0)
    let all = (trained.contents + (heldOut?.contents ?? [])).compactMap(\.self).sorted()
    let largest = all.count > Self.limit ? all[Self.limit - 1] : .max
    self.largest = largest
    func kept(_ numbers: PictureNumbers?) -> Data {
      Data(
        Set((numbers?.contents ?? []).compactMap(\.self)).filter { $0 <= largest }.sorted()
          .flatMap { number in
            (0..<Self.width).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
          })
    }
    self.trained = kept(trained)
    self.heldOut = kept(heldOut)
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
    let (known, others) = (Self.numbers(in: trained), Self.numbers(in: heldOut))
    func places(of known: Set<UInt64>) -> [Int] {
      numbers.contents.indices.filter { numbers.contents[$0].map(known.contains) ?? false }
    }
    let (trained, heldOut) = (places(of: known), places(of: others.subtracting(known)))
    if trained.isEmpty, heldOut.isEmpty { return .other }
    return largest == .max
      ? .overlapping(trained: trained, heldOut: heldOut) : .overlappingSomewhere
  }

  private static func numbers(in data: Data) -> Set<UInt64> {
    let bytes = [UInt8](data)
    return Set(
      stride(from: 0, through: bytes.count - width, by: width).map { start in
        (0..<width).reduce(0) { $0 | UInt64(bytes[start + $1]) << (8 * $1) }
      })
  }

  /// As text, for a model's summary.
  public var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// - Parameter text: what ``text`` made; `nil` of anything else.
  public init?(text: String) {
    guard let value = try? JSONDecoder().decode(Self.self, from: Data(text.utf8)) else {
      return nil
    }
    self = value
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
      // As many bits as are kept.
      contents[index] = number >> 24
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
