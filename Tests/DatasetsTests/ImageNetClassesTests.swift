import ConvNetDatasets
import ConvNetImages
import ConvNetTestSupport
import Testing

@Suite("The classes of ImageNet") struct ImageNetClassesTests {
  @Test(
    "classes stand in the order of published networks",
    arguments: [
      (0, "tench", "n01440764"), (1, "goldfish", "n01443537"),
      (207, "golden retriever", "n02099601"),
      (281, "tabby", "n02123045"), (463, "bucket", "n02909870"),
      (999, "toilet tissue", "n15075141"),
    ])
  func places(index: Int, name: String, number: String) {
    #expect(ImageNetClasses.names[index] == name)
    #expect(ImageNetClasses.wordNetNumbers[index] == number)
    #expect(ImageNetClasses.otherName(of: name) == number)
    #expect(ImageNetClasses.otherName(of: number) == name)
  }

  @Test("there are 1000, no two alike, and numbers ascend, as the order of the outputs is")
  func whole() {
    let (names, numbers) = (ImageNetClasses.names, ImageNetClasses.wordNetNumbers)
    #expect(names.count == 1000 && Set(names).count == 1000)
    #expect(numbers.count == 1000 && numbers == numbers.sorted() && Set(numbers).count == 1000)
    #expect(numbers.allSatisfy { $0.count == 9 && $0.hasPrefix("n") && Int($0.dropFirst()) != nil })
    #expect(!names.contains { $0.isEmpty || $0.contains("/") || $0.contains(";") })
    #expect(ImageNetClasses.otherName(of: "n00000000") == nil)
  }

  @Test(
    "folders are matched by name and by number, whichever the model has",
    arguments: [false, true])
  func folders(byNumber: Bool) throws {
    let names = byNumber ? ImageNetClasses.wordNetNumbers : ImageNetClasses.names
    let directory = try TemporaryDirectory()
    let image = Image(height: 4, width: 4, color: .white)
    for folder in ["n01443537", "tabby", "tench"] {
      try directory.write(image.encodedPNG(), to: "\(folder)/a.png")
    }
    let source = try DatasetCatalog.source(directory.path)
    let data = try #require(source.load(.test).numbered(as: names))
    let labels = (0..<data.count).map { (data.sampleName(at: $0), data.label(at: $0)) }
    #expect(
      labels.sorted { $0.1 < $1.1 }.map(\.0) == ["tench/a.png", "n01443537/a.png", "tabby/a.png"])
    #expect(labels.map(\.1).sorted() == [0, 1, 281])
    #expect(try source.load(.test).numbered(as: ["tench", "goldfish"]) == nil)
  }
}
