// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A room of the house: target `ConvNet<name>` in `Sources/<name>`, importing only rooms above it.
func room(
  _ name: String, imports rooms: [String] = [], shims: [String] = [],
  products: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
  .target(
    name: "ConvNet\(name)",
    dependencies: rooms.map { .target(name: "ConvNet\($0)") } + shims.map { .target(name: $0) }
      + products,
    path: "Sources/\(name)",
    resources: resources,
    swiftSettings: settings
  )
}

/// Of tests that leave computing to what they test: they compile in about half the time.
let unoptimized = settings + [.unsafeFlags(["-Onone"])]

/// The tests of a room: `Tests/<name>Tests` mirrors `Sources/<name>`.
func tests(
  of name: String, imports rooms: [String] = [], shims: [String] = [],
  settings: [SwiftSetting] = settings
) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: ([name, "TestSupport"] + rooms).map { .target(name: "ConvNet\($0)") }
      + shims.map { .target(name: $0) },
    path: "Tests/\(name)Tests",
    exclude: [
      "Tensors", "Formats", "Images", "Datasets", "Graphs", "Engine", "Models", "Training",
      "Evaluation", "Insight", "Inference",
    ].contains(name) ? ["Fixtures"] : [],
    swiftSettings: settings
  )
}

extension Target.Dependency {
  /// A product of another package, for builds that serve.
  static func whenServing(_ product: String, of package: String) -> Target.Dependency {
    .product(name: product, package: package, condition: .when(traits: ["Serving"]))
  }
}

let graphRooms = ["Graphs", "Tensors"]
let engineRooms = ["Engine", "Compiler"] + graphRooms

let package = Package(
  name: "ConvNet",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "ConvNet", targets: ["ConvNet"]),
    .executable(name: "convnet", targets: ["ConvNetCommand"]),
  ],
  traits: [
    .trait(name: "MPI", description: "Training by several processes: links MPI."),
    .trait(
      name: "Serving",
      description:
        "HTTP and gRPC for `convnet serve`: brings Hummingbird, gRPC and SwiftNIO."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // Of the trait alone: without it neither is fetched or built.
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // Shims: the only files that include a C library's headers, and the vector kernels.
    .target(name: "COneDNN", linkerSettings: [.linkedLibrary("dnnl")]),
    .target(
      name: "CImages",
      linkerSettings: ["png", "z", "jpeg", "webp", "webpdemux", "gif", "tiff"].map {
        .linkedLibrary($0)
      }),
    .target(
      name: "CArchives", linkerSettings: [.linkedLibrary("zip"), .linkedLibrary("z")]),
    .target(name: "CTar", linkerSettings: [.linkedLibrary("archive")]),
    // libcurl is looked for when it is needed: nothing is linked.
    .target(name: "CTransfer"),
    // Empty without the trait: the compiler and linker are told of MPI by `make mpi`.
    .target(name: "CMPI", cSettings: [.define("CONVNET_MPI", .when(traits: ["MPI"]))]),
    .target(name: "CKernels", linkerSettings: [.linkedLibrary("m")]),

    // Rooms.
    room("Files", shims: ["CArchives", "CKernels"]),
    room("Tensors", imports: ["Files"], shims: ["CKernels"]),
    room("Images", imports: ["Tensors", "Files"], shims: ["CImages"]),
    room("Graphs", imports: ["Tensors", "Files"]),
    room("Compiler", imports: graphRooms),
    room("Engine", imports: ["Compiler", "Files"] + graphRooms, shims: ["COneDNN", "CKernels"]),
    room("Layers", imports: ["Images", "Files"] + graphRooms),
    room("Models", imports: ["Layers"] + graphRooms),
    room(
      "Formats", imports: ["Models", "Layers", "Images", "Files"] + graphRooms,
      shims: ["CArchives"]),
    room("Datasets", imports: ["Images", "Tensors", "Files"], shims: ["CTar"]),
    room("Downloads", imports: ["Files"], shims: ["CTransfer"]),
    room("Reports", imports: ["Files"]),
    room(
      "Inference", imports: ["Formats", "Datasets", "Layers", "Images", "Files"] + engineRooms,
      shims: ["CKernels"]),
    room(
      "Evaluation",
      imports: ["Inference", "Reports", "Datasets", "Layers", "Images", "Engine", "Files"]
        + graphRooms),
    room(
      "Training",
      imports: [
        "Evaluation", "Inference", "Reports", "Datasets", "Formats", "Models", "Layers", "Images",
        "Files",
      ] + engineRooms, shims: ["CKernels"]),
    room("Distribution", imports: ["Evaluation", "Files"], shims: ["CMPI"]),
    room(
      "Insight",
      imports: [
        "Training", "Evaluation", "Inference", "Reports", "Formats", "Datasets", "Layers",
        "Images", "Files",
      ] + engineRooms, shims: ["CKernels"]),
    room(
      "Serving",
      imports: [
        "Insight", "Evaluation", "Inference", "Layers", "Images", "Engine", "Files",
      ] + graphRooms,
      products: [
        .whenServing("HummingbirdCore", of: "hummingbird"),
        .whenServing("HummingbirdTLS", of: "hummingbird"),
        .whenServing("GRPCCore", of: "grpc-swift-2"),
        .whenServing("GRPCNIOTransportHTTP2Posix", of: "grpc-swift-nio-transport"),
        .whenServing("NIOCore", of: "swift-nio"), .whenServing("NIOPosix", of: "swift-nio"),
        .whenServing("NIOHTTP2", of: "swift-nio-http2"),
        .whenServing("NIOHPACK", of: "swift-nio-http2"),
        .whenServing("NIOSSL", of: "swift-nio-ssl"), .whenServing("Logging", of: "swift-log"),
        .whenServing("HTTPTypes", of: "swift-http-types"),
        .whenServing("ServiceLifecycle", of: "swift-service-lifecycle"),
      ], resources: [.embedInCode("Page/index.html")]),

    // Products.
    .target(
      name: "ConvNet",
      dependencies: [
        "ConvNetFiles", "ConvNetTensors", "ConvNetGraphs", "ConvNetCompiler", "ConvNetEngine",
        "ConvNetLayers", "ConvNetModels", "ConvNetFormats", "ConvNetImages", "ConvNetDatasets",
        "ConvNetInference", "ConvNetEvaluation", "ConvNetTraining", "ConvNetInsight",
        "ConvNetReports", "ConvNetDownloads", "ConvNetDistribution", "ConvNetServing",
      ], swiftSettings: settings),
    .executableTarget(
      name: "ConvNetCommand",
      dependencies: [
        "ConvNet", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Sources/convnet", swiftSettings: settings),
    .executableTarget(
      name: "TrainAndClassify", dependencies: ["ConvNet"], path: "Examples/TrainAndClassify",
      swiftSettings: settings),
    .executableTarget(
      name: "Targets", dependencies: ["ConvNet"], path: "Examples/Targets", swiftSettings: settings),
    .executableTarget(
      name: "Lecture", dependencies: ["ConvNet"], path: "Examples/Lecture",
      swiftSettings: settings),
    .executableTarget(
      name: "Articles", dependencies: ["ConvNet"], path: "Examples/Articles",
      swiftSettings: settings),
    .executableTarget(
      name: "PictureJobs", dependencies: ["ConvNet"], path: "Benchmarks/Pictures",
      swiftSettings: settings),
    .executableTarget(
      name: "TrainingJobs", dependencies: ["ConvNet"], path: "Benchmarks/Training",
      swiftSettings: settings),

    .executableTarget(
      name: "FuzzReaders",
      dependencies: [
        "ConvNetFuzzing", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Benchmarks/Fuzz", swiftSettings: settings),

    // Tests.
    .target(
      name: "ConvNetTestSupport", dependencies: ["ConvNetTensors", "ConvNetGraphs"],
      path: "Tests/TestSupport", swiftSettings: settings),
    .target(name: "CTestSupport", path: "Tests/CTestSupport"),
    // Threads in place of processes that compute together.
    .target(
      name: "ConvNetProcessSupport", dependencies: ["ConvNetEvaluation"],
      path: "Tests/ProcessSupport", swiftSettings: settings),
    // Damaged files of every format, for the tests and for `FuzzReaders`.
    .target(
      name: "ConvNetFuzzing",
      dependencies: [
        "ConvNetTestSupport", "ConvNetTraining", "ConvNetDatasets", "ConvNetFormats",
        "ConvNetLayers", "ConvNetImages", "ConvNetEngine", "ConvNetCompiler", "ConvNetGraphs",
        "ConvNetFiles", "ConvNetTensors",
      ], path: "Tests/Fuzzing", swiftSettings: settings),
    .testTarget(
      name: "FuzzingTests", dependencies: ["ConvNetFuzzing", "ConvNetTestSupport"],
      path: "Tests/FuzzingTests", swiftSettings: unoptimized),
    .testTarget(
      name: "ArchitectureTests", path: "Tests/ArchitectureTests", swiftSettings: unoptimized),
    tests(of: "Files", settings: unoptimized),
    tests(of: "Tensors", imports: ["Files"]),
    tests(of: "Graphs", imports: ["Tensors"]),
    tests(of: "Compiler", imports: graphRooms, settings: unoptimized),
    tests(
      of: "Engine", imports: ["Compiler", "Files"] + graphRooms,
      shims: ["CTestSupport", "COneDNN", "CKernels"]),
    tests(of: "Layers", imports: ["Images"] + graphRooms, settings: unoptimized),
    tests(
      of: "Models", imports: ["Layers", "Formats", "Inference", "Training"] + engineRooms),
    tests(
      of: "Formats", imports: ["Layers", "Images", "Files"] + graphRooms, settings: unoptimized),
    tests(of: "Images", imports: ["Tensors", "Files"], shims: ["CTestSupport"]),
    tests(
      of: "Datasets", imports: ["Images", "Tensors", "Files"], shims: ["CTestSupport"],
      settings: unoptimized),
    tests(
      of: "Inference",
      imports: ["Layers", "Models", "Formats", "Datasets", "Images", "Engine"] + graphRooms),
    tests(
      of: "Evaluation",
      imports: ["Inference", "Reports", "Layers", "Formats", "Datasets", "Images", "Engine"]
        + graphRooms),
    tests(
      of: "Training",
      imports: [
        "ProcessSupport", "Evaluation", "Inference", "Reports", "Layers", "Models", "Formats",
        "Datasets", "Images", "Engine", "Files",
      ] + graphRooms, shims: ["CKernels"]),
    tests(of: "Reports", imports: ["Files"], settings: unoptimized),
    tests(of: "Downloads", imports: ["Files"], settings: unoptimized),
    tests(
      of: "Insight",
      imports: [
        "ProcessSupport", "Inference", "Reports", "Models", "Layers", "Formats", "Datasets",
        "Images", "Engine",
      ] + graphRooms),
    tests(
      of: "Serving",
      imports: [
        "Evaluation", "Insight", "Inference", "Layers", "Images", "Engine", "Files",
      ] + graphRooms, settings: unoptimized),
    .testTarget(
      name: "CommandTests",
      dependencies: ["ConvNet", "ConvNetTestSupport", "ConvNetCommand", "Lecture", "Articles"],
      path: "Tests/CommandTests", swiftSettings: unoptimized),
  ]
)
