import ConvNetFiles
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Tensors that lie in a file") struct MappedTensorTests {
  private static let elements = (0..<50_000).map { Float($0) * 0.5 }

  private func mapped(_ path: String, from start: Int = 0) throws -> Tensor? {
    try Tensor(
      mapping: start..<start + Self.elements.count * 4, of: MappedFile(path: path),
      shape: [Self.elements.count], elementType: .float32)
  }

  private func write(to directory: borrowing TemporaryDirectory, before: [UInt8] = []) throws
    -> String
  {
    try directory.write(before + Self.elements.withUnsafeBytes { [UInt8]($0) }, to: "numbers")
  }

  @Test("are read from there, also after their memory was given back")
  func reading() throws {
    let directory = try TemporaryDirectory()
    let tensor = try #require(try mapped(write(to: directory)))
    #expect(tensor.isMapped)
    #expect(tensor.elements == Self.elements)
    tensor.releasePages()
    #expect(tensor.elements == Self.elements)
    #expect(tensor == Tensor(Self.elements))
  }

  @Test("are copied when they are written, the only one too, and the file stays as it is")
  func writing() throws {
    let directory = try TemporaryDirectory()
    let path = try write(to: directory)
    var tensor = try #require(try mapped(path))
    let other = tensor
    tensor[3] = -1
    #expect(!tensor.isMapped && other.isMapped)
    #expect(tensor[3] == -1 && other[3] == 1.5)
    #expect(try #require(try mapped(path)).elements == Self.elements)
    let storage = try #require(try mapped(path)).takeStorage(for: "a test")
    #expect(!storage.isMapped)
  }

  @Test("must begin at a multiple of an element's size", arguments: [1, 2, 3, 4, 7, 8])
  func alignment(start: Int) throws {
    let directory = try TemporaryDirectory()
    let path = try write(to: directory, before: [UInt8](repeating: 9, count: start))
    let tensor = try mapped(path, from: start)
    #expect((tensor == nil) == (start % 4 != 0))
    if let tensor { #expect(tensor.elements == Self.elements) }
  }

  @Test("keep nothing that is not theirs: memory of its own is not given back")
  func ownMemory() {
    let tensor = Tensor(Self.elements)
    tensor.releasePages()
    #expect(tensor.elements == Self.elements)
  }
}
