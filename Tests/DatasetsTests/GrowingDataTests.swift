import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import Testing

@Suite("Data that grows") struct GrowingDataTests {
  /// Samples by name, of two classes in turn.
  private struct Names: Dataset {
    let name = "names"
    var names: [String]
    var count: Int { names.count }
    let classNames = ["a", "b"]
    var imageShape: Shape? { nil }
    func label(at index: Int) -> Int { names[index].hasPrefix("a") ? 0 : 1 }
    func sampleName(at index: Int) -> String { names[index] }
    func sample(at index: Int) throws -> Sample {
      Sample(image: Image(height: 1, width: 1, color: .white), label: label(at: index))
    }
  }

  private static func names(_ count: Int) -> [String] {
    (0..<count).flatMap { ["a\($0)", "b\($0)"] }
  }

  private func parts(_ holdout: Holdout, _ names: [String]) throws -> (
    train: Set<String>, test: Set<String>
  ) {
    func named(_ part: any Dataset) -> Set<String> {
      Set((0..<part.count).map { part.sampleName(at: $0) })
    }
    return (
      named(try holdout.part(.train, of: Names(names: names))),
      named(try holdout.part(.test, of: Names(names: names)))
    )
  }

  @Test(
    "a holdout that is kept leaves every sample in its part, whatever comes to the data",
    arguments: [0.1, 0.25, 0.5])
  func stays(share: Double) throws {
    let drawn = Holdout(share: share, seed: 3)
    let first = Self.names(40)
    let kept = drawn.kept(by: try drawn.part(.test, of: Names(names: first)))
    let (before, same) = (try parts(drawn, first), try parts(kept, first))
    #expect(before.train == same.train && before.test == same.test)
    let after = try parts(kept, (Self.names(100) + ["a new", "b new"]).shuffled())
    #expect(after.train.isSuperset(of: before.train) && after.test.isSuperset(of: before.test))
    #expect(after.train.isDisjoint(with: after.test))
    // New ones are held out at about the same share.
    #expect(abs(Double(after.test.count) / 202 - share) < 0.12)
    // Without being kept some change their part.
    if share == 0.25 {
      let anew = try parts(drawn, Self.names(41))
      #expect(anew.test.count >= before.test.count)
    }
  }

  @Test("samples that share a name are held out as often as at first")
  func ties() throws {
    let names = Self.names(3).flatMap { [String](repeating: $0, count: 10) }
    let drawn = Holdout(share: 0.5, seed: 1)
    let part = try drawn.part(.test, of: Names(names: names))
    let kept = drawn.kept(by: part)
    let again = try kept.part(.test, of: Names(names: names))
    #expect(again.count == part.count)
    #expect((0..<part.count).allSatisfy { part.sampleName(at: $0) == again.sampleName(at: $0) })
  }
}
