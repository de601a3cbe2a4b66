import ConvNetFormats
import Foundation

/// The good files that are damaged.
extension FuzzedFormat {
  private static func fixture(_ room: String, _ name: String) throws -> [UInt8] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
    return [UInt8](
      try Data(contentsOf: tests.appendingPathComponent("\(room)Tests/Fixtures/\(name)")))
  }

  private static func fixtures(_ room: String, _ names: String...) throws -> [[UInt8]] {
    try names.map { try fixture(room, $0) }
  }

  /// Of the files that say how a picture stands, those of one format.
  private static func orientations(_ format: String) throws -> [[UInt8]] {
    struct Sample: Decodable {
      let name: String
      let file: Data
    }
    let all = try JSONDecoder().decode(
      [Sample].self, from: Data(fixture("Images", "orientations.json")))
    return all.filter { $0.name.hasPrefix(format) }.map { [UInt8]($0.file) }
  }

  static let idxImages: [UInt8] = {
    let header: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 25, 0, 0, 0, 2, 0, 0, 0, 3]
    return (0..<25).reduce(into: header) { $0 += [UInt8($1), 10, 20, 30, 40, 255] }
  }()

  static let cifarRecords: [UInt8] = (0..<2).reduce(into: []) { bytes, record in
    bytes += [UInt8(record), UInt8(record)]
    bytes += (0..<3072).map { UInt8(truncatingIfNeeded: $0 / 7 + record) }
  }

  private static func formats(_ names: String...) throws -> [[UInt8]] {
    try names.flatMap { try fixtures("Images", "formats/\($0)") }
  }

  func samples() throws -> [[UInt8]] {
    func text(_ texts: String...) -> [[UInt8]] { texts.map { [UInt8]($0.utf8) } }
    switch self {
    case .png:
      return try Self.fixtures(
        "Images", "rgb8.png", "palette4-transparent.png", "interlaced.png", "grey1.png",
        "rgb16.png", "grey-alpha8.png", "orientation6.png") + Self.orientations("PNG")
    case .jpeg:
      return try Self.fixtures(
        "Images", "baseline.jpg", "progressive.jpg", "restart.jpg", "cmyk.jpg", "ycck.jpg",
        "grey.jpg", "orientation.jpg") + Self.orientations("JPEG")
    case .webp:
      return try Self.fixtures(
        "Images", "lossless.webp", "lossy.webp", "alpha.webp", "animation.webp",
        "orientation.webp") + Self.orientations("WebP")
    case .gif:
      return try Self.formats(
        "interlaced.gif", "transparent.gif", "grey.gif", "animation.gif", "smaller.gif")
    case .tiff:
      return try Self.formats(
        "rgb.tiff", "lzw.tiff", "deflate.tiff", "packbits.tiff", "jpeg.tiff", "fax3.tiff",
        "fax4.tiff", "palette.tiff", "cmyk.tiff", "tiled-planes.tiff", "strips.tiff",
        "rgb16-big.tiff", "grey-alpha.tiff", "orientation6.tiff")
    case .bitmap:
      return try Self.formats(
        "rgb.bmp", "palette4.bmp", "core.bmp", "rgb565.bmp", "version4.bmp", "rle8.bmp",
        "rle4.bmp", "top-down.bmp")
    case .netpbm:
      return text(
        "P1 9 2 010010100 111000110", "P3 2 2 9 1 2 3 4 5 6 7 8 9 8 7 6 ", "P2 # x\n3 1 7 5 6 7 ")
        + [
          [UInt8]("P4 9 2\n".utf8) + [1, 2, 3, 4],
          [UInt8]("P6 3 2 255\n".utf8) + (0..<18).map { UInt8($0) },
          [UInt8]("P5 2 2 65535\n".utf8) + (0..<8).map { UInt8($0) },
        ]
    case .idx:
      return [
        Self.idxImages, [0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3],
        ([0, 0, 0x0D, 2, 0, 0, 0, 2, 0, 0, 0, 2] as [UInt8]) + [UInt8](repeating: 1, count: 16),
        Framing.gzip(Self.idxImages),
      ]
    case .gzip:
      return try [Framing.gzip(Self.idxImages), Self.fixture("Datasets", "compressed.tar.gz")]
    case .cifar:
      let archive = Framing.tar([
        ("train.bin", Self.cifarRecords), ("test.bin", Array(Self.cifarRecords.prefix(3074))),
      ])
      return [archive, Framing.gzip(archive)]
    case .csv:
      return text(
        "path,label,split\r\na.png,x,train\r\n\"b\"\"c.png\",\"y\nz\",val\r\n",
        "a.png,1\nb.png,2\n\n\"c,d\",3", "label\tpath\nx\ty\n",
        "\u{FEFF}path,label\n\u{E4}.png,\u{732B}\n")
    case .tar:
      return try Self.fixtures("Datasets", "pax.tar", "gnu.tar") + [
        Framing.tar([
          ("a.png", [1, 2, 3]), ("a.cls", [48]), ("b.png", [9]), ("b.cls", [49]),
          ("c.jpg", [9]), ("c.json", [49]),
        ])
      ]
    case .classes: return text("cat\ndog\n", "cat\r\n dog \r\n\r\n\u{FEFF}\u{E9}\n", "0\n1\n2")
    case .npy:
      return try Self.fixtures(
        "Tensors", "little-f4.npy", "big-i8.npy", "fortran-f4.npy", "version-2.npy",
        "scalar-f4.npy", "empty-f4.npy")
    case .npz:
      return try Self.fixtures("Formats", "all-types.npz", "all-types-deflated.npz", "texts.npz")
    case .pth:
      return try Self.fixtures(
        "Formats", "network.pth", "network-checkpoint-protocol5.pth", "views.pth",
        "all-types-unchecked.pth", "all-types-deflated.pth", "old-format.pth", "several.pth")
    case .hdf5:
      return try Self.fixtures(
        "Formats", "hdf5-new.h5", "hdf5-chunks.h5", "keras-first.h5", "keras.weights.h5")
    case .pickle: return PickleSamples.whole
    case .safetensors:
      return try Self.fixtures("Formats", "all-types.safetensors", "views.safetensors") + [
        Framing.safetensors(
          "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}   ",
          data: [0, 0, 128, 63])
      ]
    case .onnx: return ONNXSamples.models.map(\.bytes)
    case .graph: return try ModelSamples.descriptions().map { [UInt8]($0.utf8) }
    case .checkpoint: return try ModelSamples.checkpoints()
    case .preparation: return ModelSamples.preparations.map { [UInt8]($0.utf8) }
    }
  }
}
