import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Published weights are brought by name") struct PullTests {
  private func pull(
    _ directory: borrowing TemporaryDirectory, _ arguments: String...
  ) throws -> Invocation {
    try Invocation(
      ["pull"] + arguments, in: directory.path,
      settings: ["CONVNET_CACHE": directory.file("cache"), "https_proxy": "http://127.0.0.1:9"])
  }

  @Test("the list says what each is of and whether it is here")
  func list() throws {
    let directory = try TemporaryDirectory()
    try directory.write([1], to: "cache/weights/resnet18-f37072fd.pth")
    let run = try pull(directory, "--list", "--json")
    let rows = try #require(try run.json() as? [[String: Any]])
    #expect(rows.count == PublishedWeights.all.count)
    for row in rows {
      let network = try #require(row["network"] as? String)
      #expect(ModelRegistry[network]?.publisher == .torchvision, "\(network)")
      #expect((row["path"] != nil) == (row["name"] as? String == "resnet18"))
    }
    let text = try pull(directory, "--list").output
    #expect(text.contains("resnet50-2") && text.contains("80.86 %"))
  }

  @Test("what is not here and cannot be asked for, or has no such name, is an error")
  func refusals() throws {
    let directory = try TemporaryDirectory()
    // A file that is not what was published is none.
    try directory.write([1], to: "cache/weights/resnet18-f37072fd.pth")
    let offline = try pull(directory, "resnet18", "--offline", "--quiet").failure()
    #expect(offline.contains("was not brought yet") && offline.hasSuffix("without --offline it is"))
    #expect(try pull(directory, "resnet18", "--quiet").failure().contains("download.pytorch.org"))
    #expect(try pull(directory, "resnet5").failure().contains("did you mean"))
    #expect(try pull(directory).status == 64)
    #expect(try pull(directory, "resnet18", "--list").status == 64)
    #expect(try pull(directory, "lenet5").failure().contains("no published weights"))
  }
}
