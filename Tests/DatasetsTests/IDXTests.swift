import ConvNetDatasets
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("IDX")
struct IDXTests {
  @Test("Every element type is read, big-endian")
  func types() throws {
    func parse(_ type: UInt8, _ data: [UInt8]) throws -> Tensor {
      try Tensor(parsingIDX: IDXSamples.file(type: type, [2], data).span.bytes)
    }
    #expect(try parse(0x08, [1, 255]) == Tensor([1, 255] as [UInt8]))
    #expect(try parse(0x09, [1, 255]) == Tensor([1, -1] as [Int8]))
    #expect(try parse(0x0B, [1, 2, 255, 254]) == Tensor([258, -2] as [Int16]))
    #expect(try parse(0x0C, [0, 0, 1, 2, 255, 255, 255, 254]) == Tensor([258, -2] as [Int32]))
    #expect(try parse(0x0D, [0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0]) == Tensor([1, -2] as [Float]))
    #expect(
      try parse(0x0E, [0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0])
        == Tensor([1, -2] as [Double]))
  }

  @Test("Compressed files are told by their contents, of one member or several")
  func compressed() throws {
    let images = IDXSamples.images
    let plain = try Tensor(parsingIDX: images.span.bytes)
    #expect(plain.shape == [25, 2, 3])
    let packed = IDXSamples.gzip(images)
    #expect(try Tensor(parsingIDX: packed.span.bytes) == plain)
    let parts =
      IDXSamples.gzip(Array(images[..<50])) + IDXSamples.gzip(Array(images[50...]))
    #expect(try Tensor(parsingIDX: parts.span.bytes) == plain)
  }

  @Test("Other files are named, also what a compressed one holds")
  func named() {
    func text(_ bytes: [UInt8]) -> String {
      let error = #expect(throws: IDXError.self) { try Tensor(parsingIDX: bytes.span.bytes) }
      return error?.description ?? ""
    }
    let page = [UInt8]("<!DOCTYPE html>\n<html><head>".utf8)
    #expect(text(page).contains("is a web page (HTML), not an IDX file; fetch the file itself"))
    #expect(
      text(IDXSamples.gzip(page)).contains("what it holds compressed is a web page (HTML)"))
    #expect(
      text(IDXSamples.gzip(IDXSamples.gzip(IDXSamples.images))).contains(
        "what it holds compressed is compressed by gzip, not an IDX file; unpack it with gunzip"))
    #expect(
      text([UInt8]("version https://git-lfs.github.com/spec/v1".utf8)).contains("git lfs pull"))
    #expect(text([1, 2, 3, 4]).contains("begins with the bytes 01020304"))
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    var offset: Int
    var problem: IDXError.Problem
  }

  static let refusals: [Refusal] = [
    Refusal(
      testDescription: "empty", bytes: [], offset: 0,
      problem: .truncatedHeader(needed: 4, available: 0)),
    Refusal(
      testDescription: "wrong magic", bytes: [1, 2, 3, 4], offset: 0,
      problem: .wrongMagic(0x0102_0304)),
    Refusal(
      testDescription: "unknown type", bytes: [0, 0, 10, 1, 0, 0, 0, 0], offset: 2,
      problem: .unknownElementType(10)),
    Refusal(
      testDescription: "header ends early", bytes: [0, 0, 8, 3, 0, 0, 0, 1], offset: 4,
      problem: .truncatedHeader(needed: 16, available: 8)),
    Refusal(
      testDescription: "size overflows", bytes: IDXSamples.file([.max, .max, .max], []),
      offset: 4, problem: .shapeTooLarge([4_294_967_295, 4_294_967_295, 4_294_967_295])),
    Refusal(
      testDescription: "a size overflows beside none",
      bytes: IDXSamples.file([0, 1 << 31, 1 << 31], []), offset: 4,
      problem: .shapeTooLarge([0, 1 << 31, 1 << 31])),
    Refusal(
      testDescription: "bytes overflow",
      bytes: IDXSamples.file(type: 0x0E, [1 << 31, 1 << 31], []), offset: 4,
      problem: .shapeTooLarge([1 << 31, 1 << 31])),
    Refusal(
      testDescription: "truncated", bytes: Array(IDXSamples.images.dropLast()), offset: 16,
      problem: .dataSize(expected: 150, actual: 149)),
    Refusal(
      testDescription: "trailing byte", bytes: IDXSamples.images + [0], offset: 16,
      problem: .dataSize(expected: 150, actual: 151)),
    Refusal(
      testDescription: "compressed, and more than the head says",
      bytes: IDXSamples.gzip(IDXSamples.images + [7]), offset: 0,
      problem: .inflatedTooLarge(limit: IDXSamples.images.count)),
    Refusal(
      testDescription: "compressed, the head says more than can be",
      bytes: IDXSamples.gzip(IDXSamples.file([1 << 20], [1, 2, 3])), offset: 0,
      problem: .inflatedTooLarge(limit: 1032 * 34)),
    Refusal(
      testDescription: "compressed, truncated",
      bytes: Array(IDXSamples.gzip(IDXSamples.images).dropLast(30)), offset: 0,
      problem: .compression(reason: "the compressed data is truncated")),
    Refusal(
      testDescription: "compressed, then something else",
      bytes: IDXSamples.gzip(IDXSamples.images) + [7, 7, 7], offset: 0,
      problem: .compression(reason: "incorrect header check")),
    Refusal(
      testDescription: "compressed, the contents truncated",
      bytes: IDXSamples.gzip(Array(IDXSamples.images.dropLast(10))), offset: 16,
      problem: .dataSize(expected: 150, actual: 140)),
  ]

  @Test("Ill-formed files are refused with the place and the values", arguments: refusals)
  func refuses(refusal: Refusal) {
    let error = #expect(throws: IDXError.self) {
      try Tensor(parsingIDX: refusal.bytes.span.bytes, file: "x")
    }
    #expect(error?.problem == refusal.problem)
    #expect(error?.offset == refusal.offset)
    #expect(error?.file == "x")
  }

  @Test("A checksum that does not fit is refused")
  func checksum() {
    var packed = IDXSamples.gzip(IDXSamples.images)
    packed[40] ^= 1
    #expect(throws: IDXError.self) { try Tensor(parsingIDX: packed.span.bytes) }
  }
}
