import CKernels

/// What a random number is for. Numbers of different purposes are independent.
public enum RandomPurpose: UInt32, Sendable {
  /// How parameters begin.
  case initialization = 1
  /// The order of an epoch's samples.
  case shuffling
  /// Which elements dropout keeps.
  case dropout
  /// What happens to a picture in training.
  case augmentation
  /// Which samples are held out.
  case split
  /// Numbers that stand for pictures, where a benchmark has none.
  case input
  /// The weights of mixup and CutMix.
  case mixing
  /// Which size the pictures of a batch have.
  case sizes
  /// What is added to the input of a network at each step.
  case perturbation
}

/// Names one stream of random numbers: every number is a function of the key and its position, so results depend on
/// neither thread count nor order, and a resumed run draws what an uninterrupted one would have drawn.
public struct RandomKey: Hashable, Sendable {
  /// The run's seed: the only number of the key that a user chooses.
  public var seed: UInt64
  /// Of numbers for other purposes this stream tells nothing.
  public var purpose: RandomPurpose
  /// Epoch, or training step.
  public var epoch: UInt32
  /// Sample, parameter, or layer within the epoch.
  public var index: UInt32

  /// The key of a stream.
  public init(seed: UInt64, purpose: RandomPurpose, epoch: UInt32 = 0, index: UInt32 = 0) {
    self.seed = seed
    self.purpose = purpose
    self.epoch = epoch
    self.index = index
  }
}

/// The counter-based generator Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011):
/// ten rounds of multiplication and exchange turn a 128-bit counter and a 64-bit key into 128 random bits.
package func philox(
  counter: SIMD4<UInt32>, key: SIMD2<UInt32>
) -> SIMD4<UInt32> {
  var counter = counter
  var key = key
  for _ in 0..<10 {
    let first = UInt64(0xD251_1F53) * UInt64(counter.x)
    let second = UInt64(0xCD9E_8D57) * UInt64(counter.z)
    counter = SIMD4(
      UInt32(truncatingIfNeeded: second >> 32) ^ counter.y ^ key.x,
      UInt32(truncatingIfNeeded: second),
      UInt32(truncatingIfNeeded: first >> 32) ^ counter.w ^ key.y,
      UInt32(truncatingIfNeeded: first))
    key &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
  }
  return counter
}

/// The random numbers of one ``RandomKey``, in order. A value: copying it replays from the same place.
public struct RandomNumbers: RandomNumberGenerator, Sendable {
  private let key: SIMD2<UInt32>
  private var counter: SIMD4<UInt32>
  private var block: SIMD4<UInt32> = .zero
  private var used = 4

  /// The numbers of a stream, from its first.
  public init(_ key: RandomKey) {
    self.key = SIMD2(
      UInt32(truncatingIfNeeded: key.seed), UInt32(truncatingIfNeeded: key.seed >> 32))
    counter = SIMD4(0, key.index, key.epoch, key.purpose.rawValue)
  }

  private mutating func nextWord() -> UInt32 {
    if used == 4 {
      block = philox(counter: counter, key: key)
      counter.x &+= 1
      used = 0
    }
    defer { used += 1 }
    return block[used]
  }

  public mutating func next() -> UInt64 {
    let low = nextWord()
    return UInt64(nextWord()) << 32 | UInt64(low)
  }

  /// Uniform in [0, 1): a multiple of 2^-24.
  public mutating func uniform() -> Float {
    Float(nextWord() >> 8) * 0x1p-24
  }

  /// Uniform in [range.lowerBound, range.upperBound).
  public mutating func uniform(in range: Range<Float>) -> Float {
    range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
  }

  /// Normal with mean 0 and standard deviation 1, by the transform of Box and Muller: of two uniform numbers u and v,
  /// sqrt(-2 log(1 - u)) cos(2 pi v) in double precision. The same on every processor and system.
  public mutating func normal() -> Float { ck_normal(nextWord(), nextWord()) }
}

extension RandomNumbers {
  /// Draws as many numbers as there are elements, from the first of a stream: as ``normal()`` does one by one, times `deviation`.
  package static func drawNormal(
    _ key: RandomKey, deviation: Float, into elements: inout MutableSpan<Float>
  ) {
    let (key, counter) = RandomNumbers(key).words
    elements.withUnsafeMutableBufferPointer { elements in
      guard let start = elements.baseAddress else { return }
      ck_normals(start, elements.count, deviation, key, counter)
    }
  }

  /// The same as ``uniform(in:)`` does.
  package static func drawUniform(
    _ key: RandomKey, in range: Range<Float>, into elements: inout MutableSpan<Float>
  ) {
    let (key, counter) = RandomNumbers(key).words
    elements.withUnsafeMutableBufferPointer { elements in
      guard let start = elements.baseAddress else { return }
      ck_uniforms(start, elements.count, range.lowerBound, range.upperBound, key, counter)
    }
  }

  /// The generator's key, and its counter behind the first word, which counts blocks.
  private var words: (key: [UInt32], counter: [UInt32]) {
    ([key.x, key.y], [counter.y, counter.z, counter.w])
  }
}
