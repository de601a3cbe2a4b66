import ConvNetReports
import Synchronization
import Testing

/// A terminal whose size changes.
private final class Window: Sendable {
  let width = Mutex(80)
}

@Suite("Progress")
struct ProgressTests {
  static var bar: ProgressBar {
    var bar = ProgressBar("epoch 2/5", unit: "images", total: 60_000)
    bar.completed = 37_500
    bar.elapsed = 1.6
    bar.notes = ["loss 0.412", "accuracy 85.1 %"]
    return bar
  }

  @Test(
    "The line adapts to the width, and never exceeds it",
    arguments: [
      (
        120,
        "epoch 2/5 ━━━━━━━━━━━━━━━━━━╸───────────  62 %  loss 0.412  accuracy 85.1 %  "
          + "23.4 k images/s  1 s left"
      ),
      (
        80,
        "epoch 2/5 ━━━━━───  62 %  loss 0.412  accuracy 85.1 %  23.4 k images/s  1 s left"
      ),
      (79, "epoch 2/5 ━━━━───  62 %  loss 0.412  accuracy 85.1 %  23.4 k images/s  1 s left"),
      (74, "epoch 2/5  62 %  loss 0.412  accuracy 85.1 %  23.4 k images/s  1 s left"),
      (60, "epoch 2/5 ━━━──  62 %  loss 0.412  accuracy 85.1 %  1 s left"),
      (45, "epoch 2/5  62 %  loss 0.412  accuracy 85.1 %"),
      (40, "epoch 2/5  62 %  loss 0.412  1 s left"),
      (30, "epoch 2/5  62 %  loss 0.412"), (20, "epoch 2/5 ━━╸─  62 %"), (15, "epoch 2/5  62 %"),
      (14, "epoch 2/5  62 "),
      (0, ""),
    ])
  func line(width: Int, text: String) {
    #expect(Self.bar.line(width: width) == text)
    #expect(Self.bar.line(width: width).count <= width)
  }

  @Test("No width is exceeded")
  func widths() {
    for width in 0...150 {
      #expect(Self.bar.line(width: width).count <= width)
      #expect(Self.training.line(width: width).count <= width)
    }
  }

  private static var training: ProgressBar {
    var bar = Self.bar
    bar.elapsed = 66
    bar.details = ["rate 0.01", "step 586"]
    bar.secondsAfterwards = 7500
    return bar
  }

  @Test(
    "What is left of the whole stands beside what is left of the job, before the rate and what else there is room for",
    arguments: [
      (
        120,
        "epoch 2/5 ━━━━━━━━━━──────  62 %  loss 0.412  accuracy 85.1 %  rate 0.01  step 586  568 images/s  40 s left (2 h 06 min)"
      ),
      (
        90,
        "epoch 2/5 ━━━━───  62 %  loss 0.412  accuracy 85.1 %  568 images/s  40 s left (2 h 06 min)"
      ),
      (79, "epoch 2/5  62 %  loss 0.412  accuracy 85.1 %  rate 0.01  40 s left (2 h 06 min)"),
      (56, "epoch 2/5  62 %  loss 0.412  accuracy 85.1 %  40 s left"),
      (39, "epoch 2/5  62 %  loss 0.412  40 s left"),
    ])
  func whole(width: Int, text: String) {
    #expect(Self.training.line(width: width) == text)
  }

  @Test("A log's line has all of it")
  func wholeInLog() {
    #expect(
      Self.training.plainLine
        == "epoch 2/5: 62 %, loss 0.412, accuracy 85.1 %, rate 0.01, step 586, 568 images/s, 40 s left (2 h 06 min)"
    )
  }

  @Test("The line of a log says the same in words")
  func plainLine() {
    #expect(
      Self.bar.plainLine
        == "epoch 2/5: 62 %, loss 0.412, accuracy 85.1 %, 23.4 k images/s, 1 s left")
  }

  @Test("Nothing done yet, everything done, and nothing to do")
  func extremes() {
    var bar = ProgressBar("load", unit: "files", total: 10)
    #expect(bar.plainLine == "load: 0 %")
    bar.completed = 10
    bar.elapsed = 5
    #expect(bar.plainLine == "load: 100 %, 2 files/s, in 5.0 s")
    #expect(bar.line(width: 30) == "load ━━━━━━━━━ 100 %  in 5.0 s")
    bar.completed = 12
    #expect(bar.fraction == 1)
    #expect(ProgressBar("none", unit: "files", total: 0).plainLine == "none: 100 %, in 0 µs")
  }

  @Test("A terminal's line is drawn over itself, ten times a second at most")
  func terminal() {
    let bar = ProgressBar("load", unit: "files", total: 10)
    var reporter = ProgressReporter(bar, on: TerminalDevice(width: 40), at: 100)
    #expect(
      reporter.update(completed: 1, notes: [], at: 101)
        == "load ╸──────  10 %  1 files/s  9 s left")
    #expect(reporter.update(completed: 2, notes: [], at: 101.05) == nil)
    #expect(reporter.update(completed: 3, notes: [], at: 101.2) != nil)
    #expect(reporter.finish(completed: 10, notes: [], at: 102)?.hasSuffix("in 2.0 s") == true)
    #expect(reporter.finish(completed: 10, notes: [], at: 103) == nil)
  }

  @Test("The width is that of the terminal when a line is drawn")
  func resized() {
    let window = Window()
    let bar = ProgressBar("load", unit: "files", total: 10)
    var reporter = ProgressReporter(
      bar, on: TerminalDevice(width: window.width.withLock { $0 }), at: 0)
    let notes = ["loss 0.412", "accuracy 85.1 %"]
    for (time, columns) in [(1.0, 80), (2.0, 30), (3.0, 12), (4.0, 60)] {
      window.width.withLock { $0 = columns }
      let line = reporter.update(completed: 5, notes: notes, at: time) ?? ""
      #expect(line.count < columns && line.contains("loss") == (columns >= 30))
    }
  }

  @Test("At 80 columns everything that an epoch has brought is there")
  func results() {
    var bar = ProgressBar("epoch 100/100", unit: "images", total: 60_000)
    bar.completed = 60_000
    bar.elapsed = 754
    bar.notes = ["loss 0.412", "accuracy 85.1 %", "validation 84.2 %"]
    for note in bar.notes { #expect(bar.line(width: 79).contains(note)) }
  }

  @Test("Elsewhere plain lines come now and then, without control characters")
  func log() {
    let bar = ProgressBar("load", unit: "files", total: 10)
    var reporter = ProgressReporter(bar, on: TerminalDevice(width: nil), at: 0)
    #expect(reporter.update(completed: 1, notes: [], at: 2) == nil)
    #expect(
      reporter.update(completed: 5, notes: [], at: 10) == "load: 50 %, 0.5 files/s, 10 s left")
    #expect(reporter.update(completed: 6, notes: [], at: 12) == nil)
    #expect(
      reporter.finish(completed: 10, notes: ["done"], at: 20)
        == "load: 100 %, done, 0.5 files/s, in 20 s")
  }
}
