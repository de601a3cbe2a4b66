import ArgumentParser
import ConvNet

struct PullCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull", abstract: "Bring published weights, and keep them.",
    discussion: """
      Prints the path of the file, which stays in the cache folder (CONVNET_CACHE, or
      where the system keeps caches) and is checked against the digest that its
      publisher says. What was interrupted goes on. Proxies are those of http_proxy,
      https_proxy and no_proxy. The weights are their publisher's, who says how they
      may be used.

      EXAMPLES
        convnet pull --list
        convnet pull resnet50
        convnet predict $(convnet pull resnet50) cat.jpg
        convnet evaluate $(convnet pull resnet50-2) --resize 232 --preset imagenet \\
          --data pictures
      """)

  @Argument(help: "What to bring: a name of --list, or of `convnet models`.") var name: String?
  @Flag(help: "List what there is.") var list = false
  @Flag(help: "Ask no server: the file must have been brought before.") var offline = false
  @Option(
    help: ArgumentHelp("Where to keep files, in place of the cache folder.", valueName: "folder"))
  var output: String?
  @OptionGroup var shared: SharedOptions

  private struct Row: Encodable {
    var name: String
    var network: String
    var publisher: String
    var address: String
    /// The first digits.
    var sha256: String
    var bytes: Int
    var resize: Int
    var top1: Double
    var top5: Double
    /// The file, where it is there.
    var path: String?
  }

  func validate() throws {
    guard list != (name != nil) else {
      throw ValidationError(
        list ? "--list takes no name" : "name what to bring; --list has the names")
    }
  }

  func run() throws {
    let cache = WeightCache(folder: output ?? "\(AlgorithmTable.cacheFolder)/weights")
    guard let name else { return try printList(cache) }
    let weights = try Self.weights(name)
    let entry = ModelRegistry[weights.network]
    shared.note(
      "\(weights.name): \(weights.publisher)'s weights of \(weights.network)\(entry?.note.map { " (\($0))" } ?? ""), \(HumanReadable.bytes(weights.byteCount)); pictures: --preset \(entry?.preset(framework: weights.publisher)?.name ?? "imagenet") --resize \(weights.resize)"
    )
    let progress = Progress("bringing", unit: "bytes", total: weights.byteCount, shared, after: 1)
    let path = try cache.pull(weights, isOffline: offline) { done, total in
      progress.update(min(done, total ?? weights.byteCount))
    }
    progress.finish()
    if shared.json { return try printJSON(row(weights, cache)) }
    try print(path)
  }

  /// By its own name, or any of its network.
  private static func weights(_ name: String) throws -> PublishedWeights {
    do {
      return try PublishedWeights.named(name)
    } catch {
      guard let entry = ModelRegistry[name] else { throw error }
      return try PublishedWeights.named(entry.name)
    }
  }

  private func row(_ weights: PublishedWeights, _ cache: WeightCache) -> Row {
    Row(
      name: weights.name, network: weights.network, publisher: weights.publisher,
      address: weights.address, sha256: weights.digest, bytes: weights.byteCount,
      resize: weights.resize, top1: weights.top1, top5: weights.top5,
      path: cache.holds(weights) ? cache.path(of: weights) : nil)
  }

  private func printList(_ cache: WeightCache) throws {
    if shared.json {
      return try printJSON(PublishedWeights.all.map { row($0, cache) })
    }
    var table = Table([
      .init("name", leastWidth: 12), .init("network", leastWidth: 16), .init("size", .right),
      .init("top-1", .right), .init("top-5", .right, dispensability: 1),
      .init("resize", .right, dispensability: 2), .init("here"),
    ])
    for weights in PublishedWeights.all {
      table.append([
        weights.name, weights.network, HumanReadable.bytes(weights.byteCount),
        "\(HumanReadable.fixed(weights.top1, digits: 2)) %",
        "\(HumanReadable.fixed(weights.top5, digits: 2)) %", "\(weights.resize)",
        cache.holds(weights) ? "yes" : "",
      ])
    }
    try Console.write(table)
    try Console.write(
      wrapping:
        "torchvision's, with the accuracy on ImageNet's pictures to validate on that it says; --resize is the shorter side before the centre is cut out"
    )
  }
}
