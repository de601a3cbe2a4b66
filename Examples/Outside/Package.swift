// swift-tools-version: 6.2
import PackageDescription

// What somebody builds who depends on ConvNet: each file of `Sources/Outside` goes through one of its doors, with `import
// ConvNet` alone. `make test-outside` builds and runs them.
let package = Package(
  name: "Outside",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "ConvNet", path: "../..")],
  targets: [
    .executableTarget(
      name: "Outside", dependencies: [.product(name: "ConvNet", package: "ConvNet")])
  ]
)
