/// Steps of a training for a curve: of a long one no more than a plot can show, evenly thinned.
struct StepCurve: Sendable {
  /// Steps kept at most.
  static let limit = 1000

  private(set) var steps: [RunStep] = []
  private var every = 1
  private var count = 0

  mutating func add(_ step: RunStep) {
    defer { count += 1 }
    guard count.isMultiple(of: every) else { return }
    steps.append(step)
    guard steps.count > Self.limit else { return }
    every *= 2
    steps = steps.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
  }
}
