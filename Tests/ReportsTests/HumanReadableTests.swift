import ConvNetReports
import Testing

@Suite("Numbers as people read them")
struct HumanReadableTests {
  @Test(
    "A count keeps three digits and moves to the next suffix when it would round to a thousand",
    arguments: [
      (0, "0"), (7, "7"), (-42, "-42"), (999, "999"), (1000, "1 k"), (1234, "1.23 k"),
      (61_706, "61.7 k"), (999_499, "999 k"), (999_500, "1 M"), (1_200_000, "1.2 M"),
      (4_089_284_608, "4.09 G"), (-61_706, "-61.7 k"), (Int.max, "9.22 E"),
    ])
  func count(value: Int, text: String) {
    #expect(HumanReadable.count(value) == text)
  }

  @Test(
    "A quantity keeps three significant digits",
    arguments: [
      (0, "0"), (0.25, "0.25"), (0.41237, "0.412"), (12.5, "12.5"), (9.999, "10"), (999.4, "999"),
      (23_412.7, "23.4 k"), (0.000_01, "1e-05"), (-1.5, "-1.5"), (1e300, "1e+300"),
      (.infinity, "infinite"),
      (-.infinity, "-infinite"), (.nan, "not a number"),
    ] as [(Double, String)])
  func quantity(value: Double, text: String) {
    #expect(HumanReadable.quantity(value) == text)
  }

  @Test(
    "Bytes are decimal",
    arguments: [(0, "0 B"), (512, "512 B"), (2_048, "2.05 kB"), (3_400_000_000, "3.4 GB")])
  func bytes(value: Int, text: String) {
    #expect(HumanReadable.bytes(value) == text)
  }

  @Test(
    "A duration has two units at most, and carries between them",
    arguments: [
      (0, "0 µs"), (12e-6, "12 µs"), (0.0082, "8.2 ms"), (0.9996, "1.0 s"), (4.04, "4.0 s"),
      (41.2, "41 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (3599.7, "1 h 00 min"),
      (4020, "1 h 07 min"), (86_399, "1 d 00 h"), (273_600, "3 d 04 h"), (-90, "-1 min 30 s"),
      (.infinity, "infinite"), (1e300, "ages"),
    ] as [(Double, String)])
  func duration(seconds: Double, text: String) {
    #expect(HumanReadable.duration(seconds) == text)
  }

  @Test("A percentage has the digits asked for, and no negative zero")
  func percent() {
    #expect(HumanReadable.percent(0.8937) == "89.4 %")
    #expect(HumanReadable.percent(1, digits: 0) == "100 %")
    #expect(HumanReadable.percent(-0.000_01) == "0.0 %")
    #expect(HumanReadable.percent(.nan) == "not a number")
  }
}
