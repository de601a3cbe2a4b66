import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// Samples that are a label and a name.
private struct Labels: Dataset {
  let name = "labels"
  var labels: [Int]
  var names: [String]
  var classNames: [String] { (0...(labels.max() ?? 0)).map { "\($0)" } }
  var count: Int { labels.count }
  var imageShape: Shape? { nil }

  init(_ labels: [Int], names: [String]? = nil) {
    self.labels = labels
    self.names = names ?? labels.indices.map { "\($0)" }
  }

  func label(at index: Int) -> Int { labels[index] }
  func sampleName(at index: Int) -> String { names[index] }
  func sample(at index: Int) throws -> Sample {
    Sample(image: Image(height: 1, width: 1, color: .white), label: labels[index])
  }
}

@Suite("Data in parts that test each other") struct FoldsTests {
  @Test(
    "parts differ by one sample of a class and by one in all, and each sample is in one",
    arguments: [2, 3, 5, 10], [UInt64(0), 9])
  func even(count: Int, seed: UInt64) throws {
    let data = Labels((0..<203).map { $0 % 7 < 4 ? 0 : $0 % 3 })
    let folds = try DatasetFolds(of: data, count: count, seed: seed)
    var sizes: [Int] = []
    for fold in 0..<count {
      let test = folds.part(.test, fold: fold, of: data)
      let train = folds.part(.train, fold: fold, of: data)
      #expect(test.count + train.count == data.count)
      let names = { (part: any Dataset) in Set((0..<part.count).map { part.sampleName(at: $0) }) }
      #expect(names(test).isDisjoint(with: names(train)))
      sizes.append(test.count)
    }
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 9) <= 1)
    for label in 0..<3 {
      let own = (0..<count).map { fold in
        folds.parts.indices.count { folds.parts[$0] == fold && data.labels[$0] == label }
      }
      #expect((own.max() ?? 0) - (own.min() ?? 9) <= 1)
    }
  }

  @Test("parts follow names and seed, not the order of the data")
  func order() throws {
    let labels = (0..<60).map { $0 % 2 }
    let data = Labels(labels)
    let turned = Labels(labels.reversed(), names: data.names.reversed())
    let one = try DatasetFolds(of: data, count: 4, seed: 3)
    #expect(try DatasetFolds(of: turned, count: 4, seed: 3).parts == one.parts.reversed())
    #expect(try DatasetFolds(of: data, count: 4, seed: 4).parts != one.parts)
    #expect(try DatasetFolds(of: data, count: 4, seed: 3) == one)
  }

  @Test("a group is in one part, and classes are spread as far as groups allow")
  func groups() throws {
    // 40 patients of one to nine pictures, each mostly of one class.
    var (labels, groups): ([Int], [String?]) = ([], [])
    for patient in 0..<40 {
      for picture in 0..<(1 + patient * 7 % 9) {
        labels.append(picture == 0 ? 1 - patient % 2 : patient % 2)
        groups.append("patient \(patient)")
      }
    }
    labels.append(0)
    groups.append(nil)
    let data = Labels(labels)
    let folds = try DatasetFolds(of: data, count: 4, seed: 1, groups: groups)
    var parts: [String: Set<Int>] = [:]
    for (index, group) in groups.enumerated() {
      parts[group ?? "", default: []].insert(folds.parts[index])
    }
    #expect(parts.values.allSatisfy { $0.count == 1 })
    for label in 0..<2 {
      let own = (0..<4).map { fold in
        labels.indices.count { folds.parts[$0] == fold && labels[$0] == label }
      }
      let mean = Double(labels.count { $0 == label }) / 4
      #expect(own.allSatisfy { abs(Double($0) - mean) <= 4 }, "\(own) about \(mean)")
    }
  }

  @Test("what cannot be divided is refused")
  func refusals() {
    let data = Labels([0, 1, 0])
    #expect(throws: FoldsError.count(1)) { try DatasetFolds(of: data, count: 1) }
    #expect(throws: FoldsError.tooFew(count: 4, of: 3, areGroups: false)) {
      try DatasetFolds(of: data, count: 4)
    }
    #expect(throws: FoldsError.tooFew(count: 3, of: 2, areGroups: true)) {
      try DatasetFolds(of: data, count: 3, groups: ["a", "a", nil])
    }
    #expect(throws: FoldsError.groupCount(2, samples: 3)) {
      try DatasetFolds(of: data, count: 2, groups: ["a", nil])
    }
  }

  @Test("groups by a pattern in names, and by a list; what says nothing is refused")
  func sources() throws {
    let directory = try TemporaryDirectory()
    let data = Labels([0, 0, 1, 1], names: ["a/p1_x.png", "a/p2_x.png", "b/p1_y.png", "b/other"])
    #expect(
      try PictureGroups.pattern("/(p[0-9]+)_").groups(of: data) == ["p1", "p2", "p1", nil])
    #expect(try PictureGroups.pattern("^.").groups(of: data) == ["a", "a", "b", "b"])
    #expect(throws: GroupsError.pattern("(")) { try PictureGroups.pattern("(").groups(of: data) }
    #expect(throws: GroupsError.none(data: "labels", example: "a/p1_x.png")) {
      try PictureGroups.pattern("q").groups(of: data)
    }
    let path = directory.file("g.csv")
    func list(_ text: String) throws -> [String?] {
      try directory.write(Array(text.utf8), to: "g.csv")
      return try PictureGroups.list(path: path).groups(of: data)
    }
    #expect(
      try list("path,group\na/p1_x.png,\"x, y\"\nb/other,z\n") == ["x, y", nil, nil, "z"])
    #expect(throws: GroupsError.row(file: path, line: 2)) { try list("a/p1_x.png,1\nb\n") }
    #expect(throws: GroupsError.twice(file: path, line: 2, name: "b/other")) {
      try list("b/other,1\nb/other,2\n")
    }
  }

  @Test("lists name the same pictures from where they lie, whatever they are called")
  func lists() throws {
    let directory = try TemporaryDirectory()
    for index in 0..<6 {
      let name = ["plain", "with, comma", "with \"marks\""][index % 3]
      try directory.write(
        Image(height: 4 + index, width: 5, color: .white).encodedPNG(),
        to: "data/\(index < 3 ? "a" : "b, c")/\(name).png")
    }
    let data = try DatasetCatalog.source(directory.file("data")).load(.test)
    let folds = try DatasetFolds(of: data, count: 3)
    for (fold, place) in ["list.csv", "deep/er/list.csv", "data/list.csv"].enumerated() {
      try directory.write([], to: place)
      try FoldLists(folds, of: data).write(fold: fold, to: directory.file(place))
      let source = try DatasetCatalog.source(directory.file(place))
      for split in [DatasetSplit.train, .test] {
        let expected = folds.part(split, fold: fold, of: data)
        let actual = try source.load(split)
        #expect(actual.count == expected.count && actual.classNames == data.classNames)
        for index in 0..<actual.count {
          #expect(try actual.sample(at: index).image == expected.sample(at: index).image)
          #expect(actual.label(at: index) == expected.label(at: index))
        }
      }
    }
  }

  @Test(
    "lists of labels and numbers have their columns, and are read as what they were",
    arguments: [
      (
        TargetKind.labels, ["path,tags", "a.png,\"x|y, z\"", "b.png,", "c.png,x", "d.png,\"y, z\""]
      ),
      (
        .numbers,
        ["path,\"height, m\",age", "a.png,1.5,3", "b.png,-0.25,1e-7", "c.png,0,1", "d.png,1,0"]
      ),
    ])
  func targets(kind: TargetKind, lines: [String]) throws {
    let directory = try TemporaryDirectory()
    for (place, name) in ["a.png", "b.png", "c.png", "d.png"].enumerated() {
      try directory.write(
        Image(height: 4 + place, width: 5, color: .white).encodedPNG(), to: name)
    }
    try directory.write(Array(lines.joined(separator: "\n").utf8), to: "all.csv")
    let data = try DatasetCatalog.source(
      directory.file("all.csv"), targets: TargetSelection(kind)
    ).load(.test)
    #expect(data.count == 4 && data.targetKind == kind)
    let folds = try DatasetFolds(of: data, count: 2)
    for fold in 0..<2 {
      let path = directory.file("fold\(fold).csv")
      try FoldLists(folds, of: data).write(fold: fold, to: path)
      let source = try DatasetCatalog.source(path)
      for split in [DatasetSplit.train, .test] {
        let (expected, actual) = (
          folds.part(split, fold: fold, of: data), try source.load(split)
        )
        #expect(actual.targetKind == kind && actual.classNames == data.classNames)
        #expect(actual.count == expected.count)
        for index in 0..<actual.count {
          #expect(actual.targets(at: index) == expected.targets(at: index))
        }
      }
    }
  }

  @Test("pictures that are no files of their own are in no list")
  func noFiles() {
    #expect(throws: NoPictureFiles.self) {
      let labels = Labels([0, 1])
      _ = try FoldLists(try DatasetFolds(of: labels, count: 2), of: labels)
    }
  }
}
