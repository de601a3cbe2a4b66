import ConvNetFiles
import Foundation
import Testing

@Suite("Any JSON, kept") struct JSONValueTests {
  private struct Fields: Codable {
    var seed: UInt64 = .max
    var least: Int64 = .min
    var rate: Float = 0.1
    var limit: Double = .infinity
    var isExact = true
    var name = "a \"b\""
    var factors: [Float] = [1, 0.5, -1e-30]
    var inner: [String: Int?] = ["one": 1, "none": nil]
  }

  @Test("the fields of a value come back from text as they were")
  func roundTrip() throws {
    let value = try JSONValue(of: Fields())
    let text = try JSONEncoder().encode(value)
    #expect(try JSONDecoder().decode(JSONValue.self, from: text) == value)
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let back = try decoder.decode(Fields.self, from: text)
    #expect(back.seed == .max && back.least == .min && back.rate == 0.1)
    #expect(back.limit == .infinity && back.isExact && back.name == "a \"b\"")
    #expect(back.factors == [1, 0.5, -1e-30] && back.inner == ["one": 1, "none": nil])
  }

  @Test("large numbers that differ in their last digit differ", arguments: [0, 1, 1024])
  func large(difference: UInt64) throws {
    let (first, second) = (
      try JSONValue(of: [UInt64.max]), try JSONValue(of: [UInt64.max - difference])
    )
    #expect((first == second) == (difference == 0))
  }

  @Test("what cannot be written as JSON is refused")
  func refused() {
    struct Unwritable: Encodable {
      func encode(to encoder: any Encoder) throws { throw CocoaError(.coderInvalidValue) }
    }
    #expect(throws: (any Error).self) { try JSONValue(of: Unwritable()) }
  }
}
