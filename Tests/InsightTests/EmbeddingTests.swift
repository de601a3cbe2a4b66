import ConvNetFormats
import ConvNetInsight
import ConvNetReports
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Points in the plane are scikit-learn's") struct EmbeddingTests {
  private static func fixture() throws -> [String: Tensor] {
    try Safetensors(contentsOf: fixturePath("embedding.safetensors")).tensors
  }

  @Test("principal components, and the shares of their variances")
  func components() throws {
    let fixture = try Self.fixture()
    let points = try #require(fixture["points"] as Tensor?)
    let (coordinates, shares) = try PointCloud(points).principalComponents()
    let expected = try #require(fixture["components"] as Tensor?).elements
    let flat = coordinates.flatMap { $0 }
    #expect(zip(flat, expected).allSatisfy { abs($0 - Double($1)) < 1e-3 })
    for (share, other) in zip(shares, try #require(fixture["shares"] as Tensor?).elements) {
      #expect(abs(share - Double(other)) < 1e-5)
    }
  }

  @Test("trustworthiness, and t-SNE's is at least that of scikit-learn's less two hundredths")
  func trustworthiness() throws {
    let fixture = try Self.fixture()
    let cloud = try PointCloud(try #require(fixture["points"] as Tensor?))
    let expected = try #require(fixture["trustworthiness"] as Tensor?).elements.map(Double.init)
    let components = cloud.principalComponents().coordinates
    #expect(abs(try cloud.trustworthiness(of: components, neighbours: 5) - expected[0]) < 1e-4)
    #expect(abs(try cloud.trustworthiness(of: components, neighbours: 12) - expected[1]) < 1e-4)
    let places = try cloud.neighbourEmbedding(perplexity: 20, iterations: 600)
    #expect(try cloud.trustworthiness(of: places, neighbours: 5) > expected[2] - 0.02)
    #expect(try cloud.trustworthiness(of: places, neighbours: 12) > expected[3] - 0.02)
    // The same again.
    #expect(
      try cloud.neighbourEmbedding(perplexity: 20, iterations: 50)
        == cloud.neighbourEmbedding(perplexity: 20, iterations: 50))
  }

  @Test("the nearest are found, and hostile numbers are refused")
  func nearest() throws {
    let cloud = try PointCloud(Tensor([0, 0, 3, 4, 1, 0, 10, 10] as [Float], shape: [4, 2]))
    #expect(cloud.nearest(to: 0, count: 2).map(\.index) == [2, 1])
    #expect(cloud.nearest(to: [3, 3], count: 1).map(\.distance) == [1])
    #expect(throws: InsightError.self) { try PointCloud(Tensor(zeros: [2, 5])) }
    #expect(throws: InsightError.self) {
      try PointCloud(Tensor([0, 1, .nan] as [Float], shape: [3, 1]))
    }
    #expect(throws: InsightError.self) { try cloud.neighbourEmbedding(perplexity: 30) }
    #expect(throws: InsightError.self) { try cloud.trustworthiness(of: [], neighbours: 1) }
  }

  @Test("points in one place, or in a line, have components all the same")
  func degenerate() throws {
    let one = try PointCloud(Tensor(repeating: Float(2), shape: [5, 3])).principalComponents()
    #expect(one.coordinates.joined().allSatisfy { abs($0) < 1e-9 } && one.shares == [0, 0])
    let line = try PointCloud(
      Tensor((0..<12).map { Float($0 / 3) }, shape: [4, 3])
    ).principalComponents()
    #expect(abs(line.shares[0] - 1) < 1e-9)
    #expect(line.coordinates.joined().allSatisfy { $0.isFinite })
  }
}
