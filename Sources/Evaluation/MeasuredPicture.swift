import ConvNetFiles

/// What all candidates say of a picture by all protocols, or why it has no answer.
struct MeasuredPicture {
  /// Why a picture cannot be shown.
  struct Failure {
    var reason: String
    /// `nil` where another process has it.
    var error: (any Error)?
  }

  /// In the data set.
  var index: Int
  /// By protocol, then by candidate.
  var answers: [[ViewAnswer]] = []
  var failure: Failure?
}

/// Measured pictures as bytes, by which processes tell each other: every number as it is.
enum MeasuredPictures {
  static func bytes(of pictures: [MeasuredPicture]) -> [UInt8] {
    var bytes: [UInt8] = []
    func append(_ number: Int) { withUnsafeBytes(of: Int64(number)) { bytes += $0 } }
    func append(_ number: Double) { withUnsafeBytes(of: number) { bytes += $0 } }
    for picture in pictures {
      append(picture.index)
      let text = picture.failure.map { Array($0.reason.utf8) }
      append(text?.count ?? -1)
      bytes += text ?? []
      guard text == nil else { continue }
      for answer in picture.answers.joined() {
        append(answer.loss)
        append(answer.multiplyAdds)
        for probability in answer.probabilities { append(probability) }
      }
    }
    return bytes
  }

  /// - Parameters:
  ///   - protocols, candidates, classes: of each answer, so many.
  /// - Returns: `nil` where the bytes are of others.
  static func read(
    _ bytes: [UInt8], protocols: Int, candidates: Int, classes: Int
  ) -> [MeasuredPicture]? {
    var place = 0
    func word() -> UInt64? {
      guard place + 8 <= bytes.count else { return nil }
      defer { place += 8 }
      return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: UInt64.self) }
    }
    func number() -> Double? { word().map { Double(bitPattern: $0) } }
    func answer() -> ViewAnswer? {
      guard let loss = number(), let multiplyAdds = number(),
        bytes.count - place >= 8 * classes
      else { return nil }
      return ViewAnswer(
        probabilities: (0..<classes).compactMap { _ in number() }, loss: loss,
        multiplyAdds: multiplyAdds)
    }
    var pictures: [MeasuredPicture] = []
    while place < bytes.count {
      guard let index = word(), let length = word().map({ Int(Int64(bitPattern: $0)) }) else {
        return nil
      }
      var picture = MeasuredPicture(index: Int(Int64(bitPattern: index)))
      if length >= 0 {
        guard length <= bytes.count - place else { return nil }
        picture.failure = .init(
          reason: String(decoding: bytes[place..<place + length], as: UTF8.self))
        place += length
      } else {
        for _ in 0..<protocols {
          let row = (0..<candidates).compactMap { _ in answer() }
          guard row.count == candidates else { return nil }
          picture.answers.append(row)
        }
      }
      pictures.append(picture)
    }
    return pictures
  }
}
