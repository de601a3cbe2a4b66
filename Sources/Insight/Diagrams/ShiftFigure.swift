public import ConvNetReports

/// A signal through convolution and max pooling, and the same moved by some positions: the result of the convolution moves along
/// (equivariance), that of the pooling hardly changes (near-invariance). After I. Goodfellow, Y. Bengio, A. Courville, "Deep
/// Learning", 2016, section 9.3.
public struct ShiftFigure: Figure {
  /// The signal.
  public let signal: [Double]
  /// The kernel of the cross-correlation, as layers compute it.
  public let kernel: [Double]
  /// Numbers under a window of the pooling, whose stride is one.
  public let window: Int
  /// Positions by which the signal moves to the right.
  public let shift: Int

  /// The figure of a signal.
  ///
  /// - Throws: ``InsightError`` where kernel, window or shift do not fit the signal.
  public init(signal: [Double], kernel: [Double], window: Int = 3, shift: Int = 1)
    throws(InsightError)
  {
    guard 3...ConvolutionSteps.limit ~= signal.count else {
      throw .setting(
        name: "the signal", value: "\(signal.count) numbers",
        requirement: "from 3 to \(ConvolutionSteps.limit)")
    }
    guard 1...signal.count ~= kernel.count else {
      throw .setting(
        name: "the kernel", value: "\(kernel.count) numbers",
        requirement: "from 1 to the \(signal.count) of the signal")
    }
    guard 1...signal.count ~= window else {
      throw .setting(
        name: "the window", value: "\(window)", requirement: "from 1 to \(signal.count)")
    }
    guard 0..<signal.count ~= shift else {
      throw .setting(
        name: "the shift", value: "\(shift)", requirement: "from 0 to \(signal.count - 1)")
    }
    guard (signal + kernel).allSatisfy({ abs($0) < 1e9 }) else {
      throw .setting(name: "a number", value: "not finite", requirement: "below a billion")
    }
    (self.signal, self.kernel, self.window, self.shift) = (signal, kernel, window, shift)
  }

  /// What a signal becomes: itself, convolved and pooled, all of its length, with zeros around.
  public struct Stages: Hashable, Sendable {
    /// The signal.
    public var input: [Double]
    /// Its cross-correlation with the kernel.
    public var convolved: [Double]
    /// The largest in each window.
    public var pooled: [Double]
  }

  /// The stages of the signal, moved to the right.
  public func stages(shift: Int) -> Stages {
    let count = signal.count
    let input = (0..<count).map { $0 >= shift ? signal[$0 - shift] : 0 }
    let convolved = (0..<count).map { place in
      kernel.indices.reduce(0.0) { sum, index in
        let source = place + index - kernel.count / 2
        return sum + (input.indices.contains(source) ? kernel[index] * input[source] : 0)
      }
    }
    let pooled = (0..<count).map { place in
      let start = place - window / 2
      return convolved[max(0, start)..<min(count, start + window)].max() ?? 0
    }
    return Stages(input: input, convolved: convolved, pooled: pooled)
  }

  /// How many numbers of each stage are others once the signal has moved.
  public var changed: (input: Int, convolved: Int, pooled: Int) {
    let (before, after) = (stages(shift: 0), stages(shift: shift))
    func count(_ first: [Double], _ second: [Double]) -> Int {
      zip(first, second).count { $0 != $1 }
    }
    return (
      count(before.input, after.input), count(before.convolved, after.convolved),
      count(before.pooled, after.pooled)
    )
  }

  /// How many numbers of the convolution are those from before, `shift` positions on, and how many could be.
  public var moved: (equal: Int, of: Int) {
    let (before, after) = (stages(shift: 0).convolved, stages(shift: shift).convolved)
    let pairs = zip(before, after.dropFirst(shift))
    return (pairs.count { $0 == $1 }, before.count - shift)
  }

  public var title: String { "A signal moved by \(shift) through convolution and max pooling" }

  private var cell: Double {
    let all = [stages(shift: 0), stages(shift: shift)]
    let texts = all.flatMap { $0.input + $0.convolved + $0.pooled }.map(HumanReadable.plain)
    return max(30, (texts.map { textWidth($0) }.max() ?? 0) + 10)
  }
  private static let left = 118.0
  private static let row = 30.0

  public var size: (width: Double, height: Double) {
    (max(Self.left + cell * Double(signal.count) + 8, 640), 62 + 2 * (3 * Self.row + 34) + 26)
  }

  public var drawing: String {
    let before = stages(shift: 0)
    let (changed, moved) = (changed, moved)
    let count = signal.count
    var parts = [
      label(title, x: 0, y: 14, "head"),
      label(
        "Changed: \(changed.input) of \(count) inputs, \(changed.convolved) of \(count) results of the convolution, \(changed.pooled) of \(count) after pooling.",
        x: 0, y: 34, "soft"),
      label(
        "\(moved.equal) of \(moved.of) results of the convolution are those from before, \(shift) further on.",
        x: 0, y: 50, "soft"),
    ]
    for (index, amount) in [0, shift].enumerated() {
      let stages = stages(shift: amount)
      let y = 76 + Double(index) * (3 * Self.row + 34)
      parts.append(label(index == 0 ? "before" : "moved by \(amount)", x: 0, y: y + 4, ""))
      for (line, (name, now, old)) in [
        ("pooled", stages.pooled, before.pooled),
        ("convolved", stages.convolved, before.convolved),
        ("signal", stages.input, before.input),
      ].enumerated() {
        let top = y + 8 + Self.row * Double(line)
        parts.append(label(name, x: Self.left - 10, y: top + 16, "soft end"))
        for place in now.indices {
          let isNew = now[place] != old[place]
          let x = Self.left + cell * Double(place)
          parts.append(
            rect(
              x: x, y: top, width: cell - 3, height: 23,
              ["class": isNew ? "f1" : "f0", "fill-opacity": isNew ? "0.4" : "0.18"]))
          parts.append(
            label(HumanReadable.plain(now[place]), x: x + cell / 2 - 1.5, y: top + 16, "mid"))
        }
      }
    }
    let y = size.height - 10
    parts.append(
      rect(x: Self.left, y: y - 10, width: 11, height: 11, ["class": "f1", "fill-opacity": "0.4"]))
    parts.append(label("another number than before", x: Self.left + 17, y: y, "soft"))
    return parts.joined(separator: "\n")
  }
}
