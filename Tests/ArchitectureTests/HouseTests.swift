import Foundation
import Testing

@Suite("The house is what its plan says") struct HouseTests {
  @Test("The table of rooms, the package and the imports of the sources agree")
  func repository() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let house = try House(repository: root.path)
    #expect(house.sources.count > 300)
    #expect(Manifest(parsing: house.manifest).targets.count { $0.kind == .room } >= 18)
    for fault in house.faults() { Issue.record("\(fault)") }
  }

  // MARK: A small house

  private static let page = """
    ## Rooms

    | room | holds | imports |
    |---|---|---|
    | `CZip`, `CFast` | shims | – |
    | `Files` | files | CZip |
    | `Tensors` | numbers | Files |
    | `Engine` | a machine | Tensors, CFast |
    | `convnet` | the command | all |

    Text between | two | tables |.
    """

  private static let manifest = """
    let low = ["Tensors", "Files"]
    func room(_ name: String, imports: [String] = [], shims: [String] = []) -> Target { }
    let package = Package(
      targets: [
        .target(name: "CZip", linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CFast"),
        room("Files", shims: ["CZip"]),
        room("Tensors", imports: ["Files"]),
        room(
          "Engine", imports: [] + low,
          shims: ["CFast"]),
        .target(
          name: "ConvNet", dependencies: [
            "ConvNetFiles", "ConvNetTensors", "ConvNetEngine",
          ], swiftSettings: settings),
        .executableTarget(
          name: "ConvNetCommand", dependencies: ["ConvNet", .product(name: "X", package: "x")],
          path: "Sources/convnet"),
        .target(name: "CTestSupport", path: "Tests/CTestSupport"),
        tests(of: "Engine", imports: low, shims: ["CTestSupport"]),
      ])
    """

  private static let sources = [
    ("Sources/CZip/Zip.c", "#include <zip.h>"),
    ("Sources/CFast/Fast.c", ""),
    ("Sources/Files/File.swift", "import CZip\nimport Foundation"),
    ("Sources/Tensors/Tensor.swift", "// import ConvNetEngine\npublic import ConvNetFiles\n"),
    ("Sources/Engine/Engine.swift", "import CFast\nimport struct ConvNetFiles.File\n"),
    ("Sources/Engine/Kernels/A.swift", "package import ConvNetTensors"),
    (
      "Sources/ConvNet/All.swift",
      "@_exported import ConvNetEngine\n@_exported import ConvNetFiles\n@_exported import ConvNetTensors"
    ),
    ("Sources/convnet/Main.swift", "import ConvNet"),
    (
      "Tests/EngineTests/A.swift",
      "import CTestSupport\nimport ConvNetEngine\nimport ConvNetTensors\nimport ConvNetTestSupport\nimport ConvNetFiles"
    ),
  ]

  private static func house(
    page: String = page, manifest: String = manifest, sources: [(String, String)] = sources
  ) -> House {
    House(
      page: page, manifest: manifest,
      sources: sources.map { House.Source(path: $0.0, text: $0.1) })
  }

  @Test("A small house has no fault")
  func sound() {
    #expect(Self.house().faults() == [])
  }

  @Test(
    "A fault of the table is told with its line",
    arguments: [
      (
        "| `Tensors` | numbers | Files |\n", "",
        "docs/architecture.md: no row of Tensors, a target in Package.swift:8"
      ),
      (", `CFast`", "", "docs/architecture.md: no row of CFast, a target in Package.swift:6"),
      ("| `Tensors`", "| `Tensor`", "docs/architecture.md:7: Tensor is no target of Package.swift"),
      (
        "| `convnet`", "| `Files` | again | CZip |\n| `convnet`",
        "docs/architecture.md:9: Files has a row already"
      ),
      (
        "Tensors, CFast |", "Tensors |",
        "docs/architecture.md:8: Engine imports CFast too, as Package.swift:9 says"
      ),
      (
        "| numbers | Files", "| numbers | Files, CZip",
        "docs/architecture.md:7: Tensors imports no CZip, as Package.swift:8 says"
      ),
      (
        "Tensors, CFast |", "Files, Tensors, CFast |",
        "docs/architecture.md:8: that Engine imports Files follows from another import; leave it out"
      ),
      (
        "| `Files` | files | CZip |\n| `Tensors` | numbers | Files |\n",
        "| `Tensors` | numbers | Files |\n| `Files` | files | CZip |\n",
        "docs/architecture.md: the rooms stand in another order than in Package.swift"
      ),
    ])
  func table(text: String, replacement: String, fault: String) {
    let page = Self.page.replacing(text, with: replacement)
    #expect(page != Self.page)
    #expect(Self.house(page: page).faults().contains(fault))
  }

  @Test(
    "A fault of the package is told with its line",
    arguments: [
      (
        #"room("Files", shims"#, #"room("Files", imports: ["Engine"], shims"#,
        "Package.swift:7: Files imports Engine, which does not stand above it"
      ),
      (
        #"room("Tensors", imports: ["Files"])"#, #"room("Tensors", imports: ["Tensors", "Files"])"#,
        "Package.swift:8: Tensors imports Tensors, which does not stand above it"
      ),
      (
        #"room("Tensors", imports: ["Files"])"#, #"room("Tensors")"#,
        "Sources/Tensors/Tensor.swift:2: imports ConvNetFiles, which Package.swift:8 does not declare for ConvNetTensors"
      ),
      (
        #"room("Tensors", imports: ["Files"])"#,
        #"room("Tensors", imports: ["Files"], shims: ["CFast"])"#,
        "Package.swift:8: no file of ConvNetTensors imports CFast"
      ),
      (
        #"let low = ["Tensors", "Files"]"#, #"let low = ["Tensors"]"#,
        "Sources/Engine/Engine.swift:2: imports ConvNetFiles, which Package.swift:9 does not declare for ConvNetEngine"
      ),
      (
        #"tests(of: "Engine", imports: low, "#, #"tests(of: "Engine", imports: ["Tensors"], "#,
        "Tests/EngineTests/A.swift:5: imports ConvNetFiles, which Package.swift:20 does not declare for EngineTests"
      ),
      (
        #"shims: ["CTestSupport"]"#, #"shims: ["CTestSupport", "CFast"]"#,
        "Package.swift:20: no file of EngineTests imports CFast"
      ),
    ])
  func package(text: String, replacement: String, fault: String) {
    let manifest = Self.manifest.replacing(text, with: replacement)
    #expect(manifest != Self.manifest)
    #expect(Self.house(manifest: manifest).faults().contains(fault))
  }

  @Test(
    "A fault of the sources is told with its line",
    arguments: [
      (
        "Sources/Files/Other.swift", "\n  package import ConvNetTensors",
        "Sources/Files/Other.swift:2: imports ConvNetTensors, which Package.swift:7 does not declare for ConvNetFiles"
      ),
      (
        "Sources/Tensors/Other.swift", "internal import CZip",
        "Sources/Tensors/Other.swift:1: imports CZip, which Package.swift:8 does not declare for ConvNetTensors"
      ),
      (
        "Sources/Tensors/Other.swift", "@preconcurrency import ConvNet",
        "Sources/Tensors/Other.swift:1: imports ConvNet, which Package.swift:8 does not declare for ConvNetTensors"
      ),
      (
        "Sources/convnet/Other.swift", "import ConvNetEngine",
        "Sources/convnet/Other.swift:1: imports ConvNetEngine, which Package.swift:16 does not declare for ConvNetCommand"
      ),
      ("Sources/Attic/A.swift", "", "Sources/Attic: no target of Package.swift lies here"),
    ])
  func source(path: String, text: String, fault: String) {
    #expect(Self.house(sources: Self.sources + [(path, text)]).faults() == [fault])
  }

  @Test("A room that the product does not export is told")
  func product() {
    let sources = Self.sources.map {
      ($0.0, $0.1.replacing("@_exported import ConvNetFiles\n", with: ""))
    }
    #expect(
      Self.house(sources: sources).faults() == [
        "Sources/ConvNet: ConvNetFiles, a room in Package.swift:7, is not exported"
      ])
  }
}
