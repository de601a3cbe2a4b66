import ConvNetReports
import Testing

@Suite("Ticks of an axis")
struct AxisTests {
  @Test("Linear ticks are round, share their digits, and enclose the data")
  func linear() {
    let ticks = Ticks(for: [0.31, 1.42], on: Axis("loss"), count: 5)
    #expect(ticks.labels == ["0", "0.5", "1.0", "1.5"])
    #expect(ticks.range == 0...1.5)
    #expect(ticks.fraction(of: 0.75) == 0.5)
  }

  @Test("Tight ticks stay inside the data")
  func tight() {
    let ticks = Ticks(for: [1, 20], on: Axis("epoch", isInteger: true), count: 5, isTight: true)
    #expect(ticks.positions == [5, 10, 15, 20])
    #expect(ticks.range == 1...20)
  }

  @Test(
    "Where a tight range has hardly a tick, they stand closer, but at whole numbers if need be",
    arguments: [
      (1, 8, ["2", "4", "6", "8"]), (1, 80, ["20", "40", "60", "80"]), (1, 2, ["1", "2"]),
      (0, 100, ["0", "50", "100"]),
    ] as [(Double, Double, [String])])
  func few(first: Double, last: Double, labels: [String]) {
    let axis = Axis("epoch", isInteger: true)
    #expect(Ticks(for: [first, last], on: axis, count: 3, isTight: true).labels == labels)
  }

  @Test("An axis ends at its limit, whatever is beyond it")
  func limit() {
    let axis = Axis("loss", upperLimit: 3)
    let ticks = Ticks(for: [0.5, 2, 40], on: axis, count: 5)
    #expect(ticks.range == 0.5...3 && ticks.fraction(of: 40) > 1)
    #expect(Ticks(for: [0.5, 2], on: axis, count: 5).range == 0.5...2)
    #expect(Ticks(for: [5, 6], on: axis, count: 5).range.contains(3))
    #expect(Ticks(for: [0, 10], on: Axis("y", upperLimit: .nan), count: 5).range == 0...10)
  }

  @Test("An integer axis has no ticks between whole numbers")
  func integers() {
    let ticks = Ticks(for: [1, 3], on: Axis("epoch", isInteger: true), count: 10, isTight: true)
    #expect(ticks.labels == ["1", "2", "3"])
  }

  @Test("Large values share a suffix")
  func suffix() {
    let ticks = Ticks(for: [0, 45_000], on: Axis("step"), count: 5)
    #expect(ticks.labels == ["0", "10 k", "20 k", "30 k", "40 k", "50 k"])
  }

  @Test("The range includes what the axis asks for")
  func including() {
    let ticks = Ticks(for: [0.8, 0.9], on: Axis("accuracy", including: 0...1), count: 5)
    #expect(ticks.range == 0...1)
  }

  @Test("Logarithmic ticks are decades, with twos and fives where the span is short")
  func logarithmic() {
    let axis = Axis("loss", scale: .logarithmic)
    let wide = Ticks(for: [0.002, 300], on: axis, count: 5)
    #expect(wide.labels == ["0.001", "0.01", "0.1", "1", "10", "100", "1000"])
    let narrow = Ticks(for: [0.3, 4], on: axis, count: 5)
    #expect(narrow.labels == ["0.2", "0.5", "1", "2", "5"])
    #expect(abs(wide.fraction(of: 1) - 0.5) < 1e-12)
    // The ends of a sweep, as single precision has them.
    let sweep = Ticks(for: [9.999999747378752e-6, 10], on: axis, count: 5, isTight: true)
    #expect(sweep.labels == ["10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1", "1", "10"])
    let tiny = Ticks(for: [2e-7, 3e-5], on: axis, count: 5)
    #expect(tiny.labels == ["10⁻⁷", "10⁻⁶", "10⁻⁵", "10⁻⁴"])
  }

  @Test(
    "Every input makes a finite range that is not empty, with ticks in order inside it",
    arguments: [
      [], [0], [5], [-3], [.nan, .infinity], [1e300, -1e300], [1, 1 + 1e-15], [1e-300, 2e-300],
      [-1, 1e9], [0, 0], [1e15, 1e15 + 2], [.leastNonzeroMagnitude], [1e308, -1e308],
      [-1e-99, 1e-99],
      [.greatestFiniteMagnitude],
    ] as [[Double]], [Axis.Scale.linear, .logarithmic])
  func anyValues(values: [Double], scale: Axis.Scale) {
    for isInteger in [false, true] {
      for isTight in [false, true] {
        let axis = Axis("value", scale: scale, isInteger: isInteger)
        let ticks = Ticks(for: values, on: axis, count: 5, isTight: isTight)
        #expect(ticks.range.lowerBound < ticks.range.upperBound)
        #expect(ticks.range.lowerBound.isFinite && ticks.range.upperBound.isFinite)
        #expect(ticks.positions.count == ticks.labels.count)
        #expect(ticks.positions.count < 20)
        #expect(zip(ticks.positions, ticks.positions.dropFirst()).allSatisfy(<))
        for value in values where abs(value) <= 1e100 && (scale == .linear || value >= 1e-100) {
          #expect((-1e-6...1 + 1e-6).contains(ticks.fraction(of: value)))
        }
      }
    }
  }
}
