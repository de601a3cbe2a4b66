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
  package let digest: UInt64
  /// The numbers up to this one are kept: all, or the smallest.
  private let largest: UInt64
  private let trained: Data
  private let heldOut: Data

  /// Numbers kept at most.
  package static let limit = 8192
  /// Bits of a number: so many that two pictures in a million millions share one.
  package static let bitCount = 8 * width
  private static let width = 5

  /// - Parameters:
  ///   - digest: of all pictures with their names.
  ///   - trained: a number of each picture's contents, of ``bitCount`` bits; of pictures that can be read.
  ///   - heldOut: the same of those that were held out.
  package init(
    holdout: Holdout?, count: Int, digest: UInt64, trained: [UInt64], heldOut: [UInt64]
  ) {
    self.holdout = holdout
    self.count = count
    self.digest = digest
    let all = (trained + heldOut).sorted()
    let largest = all.count > Self.limit ? all[Self.limit - 1] : .max
    self.largest = largest
    func kept(_ numbers: [UInt64]) -> Data {
      Data(
        Set(numbers).filter { $0 <= largest }.sorted().flatMap { number in
          (0..<Self.width).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        })
    }
    self.trained = kept(trained)
    self.heldOut = kept(heldOut)
  }

  /// Whether the numbers of all pictures are kept.
  package var isWhole: Bool { largest == .max }
  package var trainedNumbers: Set<UInt64> { Self.numbers(in: trained) }
  package var heldOutNumbers: Set<UInt64> { Self.numbers(in: heldOut) }

  private static func numbers(in data: Data) -> Set<UInt64> {
    let bytes = [UInt8](data)
    return Set(
      stride(from: 0, through: bytes.count - width, by: width).map { start in
        (0..<width).reduce(0) { $0 | UInt64(bytes[start + $1]) << (8 * $1) }
      })
  }
}
