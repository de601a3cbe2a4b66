import ConvNetFiles
import ConvNetGraphs
import ConvNetTensors

/// Where an HDF5 file's bytes are.
enum HDF5Source: Sendable {
  case mapped(MappedFile)
  /// Of an archive's entry.
  case held([UInt8])

  var byteCount: Int {
    switch self {
    case .mapped(let file): file.byteCount
    case .held(let bytes): bytes.count
    }
  }

  func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch self {
    case .mapped(let file): try file.withBytes(body)
    case .held(let bytes): try body(bytes.span.bytes)
    }
  }
}

/// Keras's weights: `.weights.h5`, `.h5`, and the file within a `.keras` archive.
///
/// Names are those of `weight.path` in Keras: `block1_conv1/kernel`, as an `.npz` of its weights has them.
struct HDF5File: Sendable {
  /// What an archive of Keras's holds its weights in.
  static let archiveEntry = "model.weights.h5"

  let path: String
  let entries: [WeightFile.Entry]
  private let source: HDF5Source
  private let datasets: [HDF5Dataset]

  init(_ source: HDF5Source, path: String) throws {
    self.source = source
    self.path = path
    var reader = HDF5Reader(source)
    let found = try Self.problems(in: path) { () throws(HDF5Error.Problem) in
      try reader.datasets()
    }
    var entries: [WeightFile.Entry] = []
    var datasets: [HDF5Dataset] = []
    var taken: Set<String> = []
    for (dataset, name) in zip(found, Self.names(found)) {
      // States of optimizers and of generators of random numbers are no weights.
      guard dataset.type.isFloatingPoint, !dataset.path[0].hasPrefix("optimizer") else { continue }
      guard let shape = Shape(checking: dataset.shape) else {
        throw HDF5Error(
          file: path, problem: .dataset(name, reason: "it has the extents \(dataset.shape)"))
      }
      guard shape.count > 0 else { continue }
      guard taken.insert(name).inserted else {
        throw HDF5Error(file: path, problem: .dataset(name, reason: "there are two of this name"))
      }
      entries.append(.init(name: name, shape: shape, elementType: dataset.type))
      datasets.append(dataset)
    }
    guard !entries.isEmpty else { throw HDF5Error(file: path, problem: .noWeights) }
    self.entries = entries
    self.datasets = datasets
  }

  private static func problems<Result>(
    in path: String, _ body: () throws(HDF5Error.Problem) -> Result
  ) throws(HDF5Error) -> Result {
    do throws(HDF5Error.Problem) {
      return try body()
    } catch {
      throw HDF5Error(file: path, problem: error)
    }
  }

  // MARK: Names

  private static let kinds: Set<String> = [
    "kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance",
  ]

  /// Each dataset's layer and part, as Keras calls them; what is not Keras's keeps its path.
  private static func names(_ datasets: [HDF5Dataset]) -> [String] {
    /// Of groups of variables, how many each has, and whether its first is a kernel.
    var variables: [[String]: (count: Int, hasKernel: Bool)] = [:]
    for dataset in datasets where dataset.path.dropLast().last == "vars" {
      let group = Array(dataset.path.dropLast())
      variables[group, default: (0, false)].count += 1
      if dataset.path.last == "0", dataset.shape.count > 1 { variables[group]?.hasKernel = true }
    }
    return datasets.map { dataset in
      let (path, last) = (dataset.path, dataset.path.last ?? "")
      guard path.count > 1 else { return last }
      if let (count, hasKernel) = variables[Array(path.dropLast())] {
        // Since Keras 3, in the order in which a layer makes them.
        let parts =
          switch (hasKernel, count) {
          case (true, _): ["kernel", "bias"]
          case (false, 3): ["beta", "moving_mean", "moving_variance"]
          default: ["gamma", "beta", "moving_mean", "moving_variance"]
          }
        let layer = dataset.labels.last.flatMap { $0 } ?? path[path.count - 3]
        guard let index = Int(last), parts.indices.contains(index) else {
          return path.joined(separator: "/")
        }
        return "\(layer)/\(parts[index])"
      }
      // Before it, by their names: `block1_conv1/kernel:0`, and once `block1_conv1_W_1:0`.
      var part = last.hasSuffix(":0") ? String(last.dropLast(2)) : last
      if part.hasSuffix("_W_1") { part = "kernel" }
      if part.hasSuffix("_b_1") { part = "bias" }
      guard kinds.contains(part) else { return path.joined(separator: "/") }
      return "\(path[path.count - 2])/\(part)"
    }
  }

  // MARK: Numbers

  /// A dataset's numbers, of the type that they are of in the file.
  func tensor(at index: Int) throws -> Tensor {
    let (entry, dataset) = (entries[index], datasets[index])
    func problem(_ reason: String) -> HDF5Error {
      HDF5Error(file: path, problem: .dataset(entry.name, reason: reason))
    }
    switch dataset.layout {
    case .nothing: throw problem("nothing was written into it")
    case .piece(let range):
      guard range.count == entry.byteCount, dataset.filters.isEmpty else {
        throw problem("\(range.count) bytes for the shape \(entry.shape) of \(entry.elementType)")
      }
      try Memory.require(entry.byteCount, for: "dataset \(entry.name) of \(path)")
      return source.withBytes {
        Tensor(
          copying: $0.extracting(range), of: entry.elementType, shape: entry.shape,
          as: entry.elementType)
      }
    case .chunks(let tree, let extents):
      let rank = entry.shape.rank
      guard extents.count == rank else { throw problem("chunks of \(extents)") }
      let chunkBytes = saturatingProduct(extents + [entry.elementType.byteCount])
      let chunkCount = saturatingProduct(
        zip(entry.shape.dimensions, extents).map { ($0 - 1) / $1 + 1 })
      var reader = HDF5Reader(source)
      let chunks = try Self.problems(in: path) { () throws(HDF5Error.Problem) in
        try reader.chunks(tree: tree, rank: rank)
      }
      guard chunks.count == chunkCount else {
        throw problem("\(chunks.count) chunks of \(extents) for the shape \(entry.shape)")
      }
      // Deflate cannot have made so few bytes of more.
      guard
        chunks.allSatisfy({ chunkBytes / InflatedBytes.largestRatio <= $0.bytes.count })
      else { throw problem("its chunks have fewer bytes than \(extents) needs") }
      try Memory.require(
        entry.byteCount + 2 * chunkBytes, for: "dataset \(entry.name) of \(path)")
      var target = [UInt8](repeating: 0, count: entry.byteCount)
      for chunk in chunks {
        guard
          zip(zip(chunk.offsets, extents), entry.shape.dimensions).allSatisfy({
            $0.0 < $1 && $0.0 % $0.1 == 0
          })
        else { throw problem("a chunk at \(chunk.offsets)") }
        let bytes = try unfiltered(
          chunk, dataset.filters, byteCount: chunkBytes, width: entry.elementType.byteCount,
          problem)
        Self.place(bytes, chunk.offsets, extents, entry, into: &target)
      }
      return Tensor(
        copying: target.span.bytes, of: entry.elementType, shape: entry.shape,
        as: entry.elementType)
    }
  }

  /// A chunk's elements, as they were before filters.
  private func unfiltered(
    _ chunk: HDF5Chunk, _ filters: [HDF5Filter], byteCount: Int, width: Int,
    _ problem: (String) -> HDF5Error
  ) throws -> [UInt8] {
    var bytes = source.withBytes { $0.array(chunk.bytes) }
    for (index, filter) in filters.enumerated().reversed() where chunk.skipped >> index & 1 == 0 {
      let checksums = filters[..<index].enumerated().count {
        if case .checksum = $1 { chunk.skipped >> $0 & 1 == 0 } else { false }
      }
      switch filter {
      case .checksum: bytes.removeLast(min(4, bytes.count))
      case .deflate:
        guard bytes.count > 2 else { throw problem("a chunk is too short") }
        do {
          // Behind two bytes that say how it was deflated.
          let inflated = try InflatedBytes(
            inflating: bytes.span.bytes.extracting(2..<bytes.count),
            byteCount: byteCount + 4 * checksums, isWhole: false)
          bytes = inflated.withBytes { $0.array(0..<$0.byteCount) }
        } catch {
          throw problem("a chunk does not inflate: \(error)")
        }
      case .shuffle:
        guard bytes.count % width == 0 else {
          throw problem("a chunk of \(bytes.count) bytes is no number of elements")
        }
        let count = bytes.count / width
        var ordered = bytes
        for element in 0..<count {
          for byte in 0..<width { ordered[element * width + byte] = bytes[byte * count + element] }
        }
        bytes = ordered
      }
    }
    guard bytes.count == byteCount else {
      throw problem("a chunk has \(bytes.count) bytes, needs \(byteCount)")
    }
    return bytes
  }

  /// Copies the rows of a chunk that are within the dataset.
  private static func place(
    _ bytes: [UInt8], _ offsets: [Int], _ extents: [Int], _ entry: WeightFile.Entry,
    into target: inout [UInt8]
  ) {
    let width = entry.elementType.byteCount
    let own = Shape(extents).rowMajorStrides
    let whole = entry.shape.rowMajorStrides
    var rows = [(source: 0, target: 0)]
    for (axis, extent) in entry.shape.dimensions.dropLast().enumerated() {
      let count = min(extents[axis], extent - offsets[axis])
      rows = rows.flatMap { row in
        (0..<count).map {
          (row.source + $0 * own[axis], row.target + (offsets[axis] + $0) * whole[axis])
        }
      }
    }
    let last = entry.shape.rank - 1
    guard last >= 0 else { return }
    let count = min(extents[last], entry.shape.dimensions[last] - offsets[last]) * width
    for row in rows {
      let (from, to) = (row.source * width, (row.target + offsets[last]) * width)
      target.replaceSubrange(to..<to + count, with: bytes[from..<from + count])
    }
  }
}
