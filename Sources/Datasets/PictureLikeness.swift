import ConvNetImages
import Foundation

/// What of a picture stays when it is stored again, smaller, paler or reflected: the signs of its lowest frequencies, and a small
/// copy to compare by.
///
/// The picture is made 32x32 grey, and of its discrete cosine transform
///
///     F[u, v] = sum over y, x of p[y, x] cos(pi (2y + 1) u / 64) cos(pi (2x + 1) v / 64)
///
/// the signs for u, v below 8 are kept, without that of the mean, as "perceptual hashes" do (C. Zauner, "Implementation and
/// Benchmarking of Perceptual Image Hash Functions", 2010, section 3.2.1).
struct PictureLikeness: Hashable, Sendable {
  /// Signs, of frequency (u, v) at bit 8 u + v; bit 0 is not set.
  let signs: UInt64
  /// 16x16, around their mean and of length 1 as a vector.
  let values: [Float]

  /// Frequencies that a reflection from left to right turns: odd ones along the rows.
  private static let turned: UInt64 = 0xAAAA_AAAA_AAAA_AAAA
  private static let side = 32

  private static let cosines: [Float] = (0..<8).flatMap { frequency in
    (0..<side).map {
      Float(cos(Double.pi * Double((2 * $0 + 1) * frequency) / Double(2 * side)))
    }
  }

  /// - Returns: `nil` of a picture without contrast, which is like every other such.
  init?(_ image: Image) {
    let side = Self.side
    let small = image.converted(toChannels: 1, background: .white)
      .resized(height: side, width: side)
    let pixels = small.pixels.map { Float($0) }
    var values = [Float](repeating: 0, count: 256)
    for row in 0..<16 {
      for column in 0..<16 {
        let place = 2 * row * side + 2 * column
        values[16 * row + column] =
          pixels[place] + pixels[place + 1] + pixels[place + side] + pixels[place + side + 1]
      }
    }
    let mean = values.reduce(0, +) / 256
    for index in values.indices { values[index] -= mean }
    let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    // A deviation of one level of grey, in sums of four.
    guard length > 4 * 16 else { return nil }
    self.values = values.map { $0 / length }
    var rows = [Float](repeating: 0, count: side * 8)
    for row in 0..<side {
      for frequency in 0..<8 {
        var sum: Float = 0
        for column in 0..<side {
          sum += pixels[side * row + column] * Self.cosines[side * frequency + column]
        }
        rows[8 * row + frequency] = sum
      }
    }
    var signs: UInt64 = 0
    for vertical in 0..<8 {
      for horizontal in 0..<8 where vertical + horizontal > 0 {
        var sum: Float = 0
        for row in 0..<side {
          sum += rows[8 * row + horizontal] * Self.cosines[side * vertical + row]
        }
        if sum > 0 { signs |= 1 << UInt64(8 * vertical + horizontal) }
      }
    }
    self.signs = signs
  }

  /// The signs of the reflected picture.
  var reflectedSigns: UInt64 { (signs ^ Self.turned) & ~1 }

  /// How alike two pictures are, -1 to 1: the correlation of their small copies.
  func correlation(with other: PictureLikeness, reflected: Bool) -> Double {
    var sum: Float = 0
    for row in 0..<16 {
      for column in 0..<16 {
        sum +=
          values[16 * row + column] * other.values[16 * row + (reflected ? 15 - column : column)]
      }
    }
    return Double(sum)
  }
}

/// Finds pictures that are nearly the same among many, in about linear time.
///
/// Two whose 63 signs differ in no more than four must agree in one of five groups of signs. So each is compared with those of
/// its five drawers only, and of a drawer that is very full, with the next ones in the order of their signs.
struct SimilarPictures {
  struct Pair: Hashable {
    var first: Int
    var second: Int
    var isReflected: Bool
    var correlation: Double
  }

  /// Signs that may differ.
  static let distance = 4
  /// The least correlation.
  static let correlation = 0.96
  /// Others of a drawer that a picture is compared with, at most.
  private static let comparisons = 2048

  /// - Parameter pictures: `nil` for those without contrast, which are like none.
  /// - Returns: pairs in order.
  static func pairs(_ pictures: [PictureLikeness?]) -> [Pair] {
    var found: Set<Pair> = []
    let drawers = distance + 1
    for drawer in 0..<drawers {
      let (low, high) = (64 * drawer / drawers, 64 * (drawer + 1) / drawers)
      let mask: UInt64 = (high == 64 ? .max : (1 << UInt64(high)) - 1) & ~((1 << UInt64(low)) - 1)
      var rows: [(key: UInt64, signs: UInt64, index: Int, isReflected: Bool)] = []
      for (index, picture) in pictures.enumerated() {
        guard let picture else { continue }
        rows.append((picture.signs & mask, picture.signs, index, false))
        let reflected = picture.reflectedSigns
        rows.append((reflected & mask, reflected, index, true))
      }
      rows.sort { ($0.key, $0.signs, $0.index) < ($1.key, $1.signs, $1.index) }
      for place in rows.indices {
        let row = rows[place]
        for other in rows[(place + 1)...].prefix(Self.comparisons) {
          guard other.key == row.key else { break }
          // Of two reflections the pictures themselves are compared.
          guard !(row.isReflected && other.isReflected), row.index != other.index,
            (row.signs ^ other.signs).nonzeroBitCount <= distance,
            let one = pictures[row.index], let two = pictures[other.index]
          else { continue }
          let isReflected = row.isReflected != other.isReflected
          let likeness = one.correlation(with: two, reflected: isReflected)
          guard likeness >= correlation else { continue }
          found.insert(
            Pair(
              first: min(row.index, other.index), second: max(row.index, other.index),
              isReflected: isReflected, correlation: likeness))
        }
      }
    }
    // A picture that is its own reflection is like another both ways: the better is told.
    var best: [[Int]: Pair] = [:]
    for pair in found {
      let key = [pair.first, pair.second]
      if let other = best[key],
        (other.correlation, other.isReflected ? 0 : 1) >= (
          pair.correlation, pair.isReflected ? 0 : 1
        )
      {
        continue
      }
      best[key] = pair
    }
    return best.values.sorted { ($0.first, $0.second) < ($1.first, $1.second) }
  }
}
