import ConvNetDatasets
import ConvNetFiles
import ConvNetImages
import ConvNetTestSupport
import Testing

@Suite("CSV files of labels and numbers") struct TargetManifestTests {
  private static func list(_ lines: [String]) throws -> TemporaryDirectory {
    let directory = try pictureFolder(["a.png", "b.png", "c.png"])
    try directory.write([UInt8](lines.joined(separator: "\n").utf8), to: "list.csv")
    return directory
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var lines: [String]
    var selection = TargetSelection()
    var kind: TargetKind
    var names: [String]
    var targets: [[Float]]
  }

  static let cases = [
    Case(
      testDescription: "labels between bars",
      lines: ["path,labels", "a.png,dog|cat 2", "b.png,", "c.png, cat 10 |dog"],
      kind: .labels, names: ["cat 2", "cat 10", "dog"],
      targets: [[1, 0, 1], [0, 0, 0], [0, 1, 1]]),
    Case(
      testDescription: "labels between semicolons",
      lines: ["file,tags", "a.png,x;y", "b.png,y;y;"],
      kind: .labels, names: ["x", "y"], targets: [[1, 1], [0, 1]]),
    Case(
      testDescription: "labels between commas, in quotation marks",
      lines: ["tags,file", "\"red car, dog\",a.png", "dog,b.png"],
      kind: .labels, names: ["dog", "red car"], targets: [[1, 1], [1, 0]]),
    Case(
      testDescription: "labels between spaces", lines: ["image,tags", "a.png,x y", "b.png,y"],
      kind: .labels, names: ["x", "y"], targets: [[1, 1], [0, 1]]),
    Case(
      testDescription: "columns of 0 and 1", lines: ["path,zebra,ant", "a.png,1,0", "b.png,0,1.0"],
      kind: .labels, names: ["zebra", "ant"], targets: [[1, 0], [0, 1]]),
    Case(
      testDescription: "columns of numbers, and of parts",
      lines: ["path,split,age,height", "a.png,train,4,1e2", "b.png,train,-0.5,1"],
      kind: .numbers, names: ["age", "height"], targets: [[4, 100], [-0.5, 1]]),
    Case(
      testDescription: "a table's own index has no name",
      lines: [",path,age", "0,a.png,4", "1,b.png,5"],
      kind: .numbers, names: ["age"], targets: [[4], [5]]),
    Case(
      testDescription: "0 and 1 as numbers", lines: ["path,x", "a.png,1", "b.png,0"],
      selection: TargetSelection(.numbers), kind: .numbers, names: ["x"], targets: [[1], [0]]),
    Case(
      testDescription: "columns that are named, in their order",
      lines: ["path,id,y,x", "a.png,q,1,2.5", "b.png,r,2,3"],
      selection: TargetSelection(columns: ["x", "Y"]), kind: .numbers, names: ["x", "y"],
      targets: [[2.5, 1], [3, 2]]),
    Case(
      testDescription: "a class's column as labels", lines: ["path,label", "a.png,x;y", "b.png,x"],
      selection: TargetSelection(.labels), kind: .labels, names: ["x", "y"],
      targets: [[1, 1], [1, 0]]),
    Case(
      testDescription: "a class's column as a number",
      lines: ["path,label", "a.png,1.5", "b.png,3"],
      selection: TargetSelection(.numbers), kind: .numbers, names: ["label"],
      targets: [[1.5], [3]]),
    Case(
      testDescription: "numbers without a header", lines: ["a.png,1.5,2", "b.png,3,4"],
      selection: TargetSelection(.numbers), kind: .numbers, names: ["number 1", "number 2"],
      targets: [[1.5, 2], [3, 4]]),
    Case(
      testDescription: "labels without a header", lines: ["a.png,x|y", "b.png,y"],
      selection: TargetSelection(.labels), kind: .labels, names: ["x", "y"],
      targets: [[1, 1], [0, 1]]),
    Case(
      testDescription: "a label beside other columns is a class",
      lines: ["path,label,age", "a.png,x,3", "b.png,y,4"], kind: .classes, names: ["x", "y"],
      targets: [[1, 0], [0, 1]]),
    Case(
      testDescription: "columns of one name that tell nothing",
      lines: ["path,label,note,note", "a.png,x,3,4", "b.png,y,4,5"], kind: .classes,
      names: ["x", "y"], targets: [[1, 0], [0, 1]]),
    Case(
      testDescription: "large numbers that differ enough",
      lines: ["path,when", "a.png,1700000000", "b.png, 1800000000 "], kind: .numbers,
      names: ["when"], targets: [[1.7e9], [1.8e9]]),
    Case(
      testDescription: "a number that no sum has exactly, in every row",
      lines: ["path,dose", "a.png,0.1", "b.png,0.1", "c.png,0.1"], kind: .numbers,
      names: ["dose"], targets: [[0.1], [0.1], [0.1]]),
    Case(
      testDescription: "a few numbers close to each other",
      lines: ["path,degrees", "a.png,36.6", "b.png,36.6001"], kind: .numbers,
      names: ["degrees"], targets: [[36.6], [36.6001]]),
    Case(
      testDescription: "another column as the class",
      lines: ["path,label,kind", "a.png,x,q", "b.png,y,q"],
      selection: TargetSelection(.classes, columns: ["kind"]), kind: .classes, names: ["q"],
      targets: [[1], [1]]),
  ]

  @Test("what columns hold is recognized, or as it is asked for", arguments: cases)
  func recognized(given: Case) throws {
    let directory = try Self.list(given.lines)
    let dataset = try ImageManifest(directory.file("list.csv"), targets: given.selection)
    #expect(dataset.targetKind == given.kind)
    #expect(dataset.classNames == given.names)
    #expect((0..<dataset.count).map { dataset.targets(at: $0) } == given.targets)
    let source = try DatasetCatalog.source(directory.file("list.csv"), targets: given.selection)
    #expect(try source.load(.train).targetKind == given.kind)
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var lines: [String]
    var selection = TargetSelection()
    var line: Int
    var problem: CSVError.Problem
  }

  static let refusals = [
    Refusal(
      testDescription: "a missing number", lines: ["path,age", "a.png,3", "b.png,"], line: 3,
      problem: .emptyField(column: "age")),
    Refusal(
      testDescription: "a text among numbers",
      lines: ["path,age", "a.png,3", "b.png,n/a", "c.png,4"],
      line: 3, problem: .notANumber(column: "age", "n/a")),
    Refusal(
      testDescription: "what is not finite",
      lines: ["path,age", "a.png,3", "b.png,inf", "c.png,4"],
      line: 3, problem: .notANumber(column: "age", "inf")),
    Refusal(
      testDescription: "more than a number can be",
      lines: ["path,age", "a.png,3", "b.png,1e60", "c.png,4"],
      line: 3, problem: .notANumber(column: "age", "1e60")),
    Refusal(
      testDescription: "a comma in a number",
      lines: ["path,age", "a.png,3", "b.png,\"1,5\"", "c.png,4"],
      line: 3, problem: .notANumber(column: "age", "1,5")),
    Refusal(
      testDescription: "neither 0 nor 1", lines: ["path,cat,dog", "a.png,1,0", "b.png,2,0"],
      selection: TargetSelection(.labels), line: 3, problem: .notZeroOrOne(column: "cat", "2")),
    Refusal(
      testDescription: "a column that is not there", lines: ["path,age,size", "a.png,1,2"],
      selection: TargetSelection(columns: ["agee"]), line: 1,
      problem: .unknownColumn("agee", known: ["age", "size"], suggestions: ["age"])),
    Refusal(
      testDescription: "a column without a header", lines: ["a.png,1"],
      selection: TargetSelection(columns: ["age"]), line: 1,
      problem: .unknownColumn("age", known: [], suggestions: [])),
    Refusal(
      testDescription: "a column twice", lines: ["path,age", "a.png,1"],
      selection: TargetSelection(columns: ["age", "AGE"]), line: 1,
      problem: .repeatedColumn("AGE")),
    Refusal(
      testDescription: "two numbers of one name", lines: ["path,age,age", "a.png,1,2"], line: 1,
      problem: .sharedName("age")),
    Refusal(
      testDescription: "two labels of one name", lines: ["path,dog,dog", "a.png,0,1"], line: 1,
      problem: .sharedName("dog")),
    Refusal(
      testDescription: "two columns of the class", lines: ["path,label,Label", "a.png,x,y"],
      line: 1, problem: .sharedName("label")),
    Refusal(
      testDescription: "two columns of the path", lines: ["path,path,label", "a.png,b.png,y"],
      line: 1, problem: .sharedName("path")),
    Refusal(
      testDescription: "numbers that 32 bits do not tell apart",
      lines: ["path,when", "a.png,1700000007", "b.png,1700000017"], line: 3,
      problem: .unfitNumber(column: "when", value: 1_700_000_017, deviation: 5)),
    Refusal(
      testDescription: "more labels in more rows than there is memory for",
      lines: ["path,labels"] + (0..<8193).map { "a.png,l\($0)" }, line: 2,
      problem: .tooManyTargets(rows: 8193, labels: 8193)),
    Refusal(
      testDescription: "nothing to tell", lines: ["path,split", "a.png,train"],
      selection: TargetSelection(.numbers), line: 1,
      problem: .noTargets(columns: ["path", "split"], kind: .numbers)),
    Refusal(
      testDescription: "no label at all", lines: ["path,labels", "a.png,", "b.png, | "], line: 2,
      problem: .noLabel),
    Refusal(
      testDescription: "texts that are no list", lines: ["path,name,note", "a.png,x,y"], line: 1,
      problem: .columns(["path", "name", "note"])),
  ]

  @Test("what is missing or wrong is refused with its line", arguments: refusals)
  func refused(refusal: Refusal) throws {
    let directory = try Self.list(refusal.lines)
    let path = directory.file("list.csv")
    let error = #expect(throws: CSVError.self) {
      try ImageManifest(path, targets: refusal.selection)
    }
    #expect(error?.file == path && error?.line == refusal.line && error?.problem == refusal.problem)
  }

  @Test("only CSV files have labels and numbers")
  func onlyLists() throws {
    let directory = try pictureFolder(["x/a.png", "y/b.png"])
    for selection in [
      TargetSelection(.labels), TargetSelection(.numbers), TargetSelection(columns: ["age"]),
    ] {
      let error = #expect(throws: DatasetError.self) {
        try DatasetCatalog.source(directory.path, targets: selection)
      }
      #expect(error?.problem == .onlyClasses(asked: selection.kind))
      #expect(throws: DatasetError.self) {
        try DatasetCatalog.source("mnist", targets: selection)
      }
    }
    #expect(
      try DatasetCatalog.source(directory.path, targets: .init(.classes)).load(.train).count == 2)
  }

  @Test("all that is wrong with a list is found, and what its numbers are")
  func verification() throws {
    let directory = try Self.list([
      "path,age", "a.png,3", "b.png,", "missing.png,4", "c.png,five", "a.png,7", "b.png,5",
    ])
    let source = try DatasetCatalog.source(directory.file("list.csv"))
    let result = try DatasetVerification(of: source, threads: 2)
    #expect(result.targetKind == .numbers && result.classNames == ["age"] && result.counts.isEmpty)
    #expect(result.bad.count == 3, "\(result.bad)")
    let numbers = try #require(result.numbers.first)
    #expect(numbers.least == 3 && numbers.greatest == 7 && numbers.mean == 4.75)
    // The same picture with two ages.
    #expect(result.duplicates.map(\.classNames.count) == [2])
  }

  @Test("labels are counted, one picture for several")
  func labelCounts() throws {
    let directory = try Self.list(["path,tags", "a.png,x|y", "b.png,y", "c.png,"])
    let source = try DatasetCatalog.source(directory.file("list.csv"))
    #expect(try DatasetVerification(of: source, threads: 1).counts == [1, 2])
    let data = try source.load(.train)
    #expect(data.balancedPositiveWeights == [2, 0.5])
    let inspection = try DatasetInspection(of: data, specimens: 3, threads: 1)
    #expect(inspection.counts == [1, 2] && inspection.specimens.count == 3)
    #expect(Set(inspection.specimens.map(\.className)) == ["x, y", "y", ""])
  }
}
