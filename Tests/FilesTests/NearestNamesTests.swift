import ConvNetFiles
import Testing

@Suite("Nearest names") struct NearestNamesTests {
  @Test(
    "The edit distance counts inserted, removed and replaced characters",
    arguments: [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("flaw", "lawn", 2)])
  func distance(first: String, second: String, distance: Int) {
    #expect(editDistance(first, second) == distance)
    #expect(editDistance(second, first) == distance)
  }

  @Test(
    "A mistyped name finds those that it may have meant, best first and no more than three",
    arguments: [
      ("resnet5O", ["resnet50", "resnet10", "resnet18"]),
      ("VGG16", ["vgg16", "vgg11", "vgg13"]),
      ("inception", ["inception-v3"]),
      ("lenet", ["lenet5"]),
      ("transformer", []),
    ])
  func nearest(name: String, nearest: [String]) {
    let names = [
      "lenet5", "vgg11", "vgg13", "vgg16", "vgg19", "resnet10", "resnet18", "resnet50",
      "inception-v3",
    ]
    #expect(nearestNames(to: name, among: names) == nearest)
  }

  @Test("Two letters find no name that merely contains them")
  func short() {
    #expect(nearestNames(to: "ne", among: ["lenet5", "alexnet", "nin"]) == ["nin"])
  }
}
