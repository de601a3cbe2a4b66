/// What a file is that was taken for another, told by its beginning: so that an error says what was found.
public struct FileKind: Hashable, Sendable {
  /// As in "it is a web page (HTML)".
  public let name: String
  /// What to do with a file of which something else was expected; `nil` where it is of data too, only in another format.
  public let remedy: String?
  /// Whether it is a picture of a format that is not read, or seldom.
  package let isPicture: Bool
  /// Whether it holds other files, or one compressed.
  package let isArchive: Bool

  /// The kind of a file with these bytes; `nil` where they are of none that is known.
  public init?(of bytes: RawSpan) {
    let beginning = bytes.array(0..<min(bytes.byteCount, 512))
    for (start, name, remedy) in Self.archives where beginning.starts(with: start) {
      self.init(name: name, remedy: remedy, isArchive: true)
      return
    }
    for (start, name, remedy) in Self.others where beginning.starts(with: start) {
      self.init(name: name, remedy: remedy)
      return
    }
    if beginning.dropFirst(257).starts(with: "ustar".utf8) {
      self.init(name: "a tar archive", remedy: nil, isArchive: true)
      return
    }
    if let page = Self.page(beginning) {
      self = page
    } else if let name = Self.format(of: beginning) {
      self.init(name: name, remedy: nil, isPicture: true)
    } else {
      return nil
    }
  }

  private init(
    name: String, remedy: String?, isPicture: Bool = false, isArchive: Bool = false
  ) {
    self.name = name
    self.remedy = remedy
    self.isPicture = isPicture
    self.isArchive = isArchive
  }

  /// For errors: "is a web page (HTML), not an IDX file; …".
  ///
  /// - Parameter expected: `an IDX file`.
  package func sentence(expected: String) -> String {
    "is \(name), not \(expected)" + (remedy.map { "; " + $0 } ?? "")
  }

  private static let fetch = "fetch the file itself: this is what a server answered instead"

  /// How a file begins, what it is, and what to do.
  private typealias Beginning = (start: [UInt8], name: String, remedy: String?)

  private static let archives: [Beginning] = [
    ([0x1F, 0x8B], "compressed by gzip", "unpack it with gunzip"),
    ([UInt8]("BZh".utf8), "compressed by bzip2", "unpack it with bunzip2"),
    ([0xFD] + [UInt8]("7zXZ".utf8), "compressed by xz", "unpack it with unxz"),
    ([0x28, 0xB5, 0x2F, 0xFD], "compressed by Zstandard", "unpack it with unzstd"),
    ([UInt8]("PK\u{3}\u{4}".utf8), "a zip archive", "unpack it"),
    ([UInt8]("7z".utf8) + [0xBC, 0xAF], "a 7z archive", "unpack it"),
    ([UInt8]("Rar!".utf8), "a RAR archive", "unpack it"),
  ]

  private static let others: [Beginning] = [
    (
      [UInt8]("version https://git-lfs".utf8), "a pointer of Git LFS",
      "fetch the file itself with git lfs pull"
    ),
    ([0x93] + [UInt8]("NUMPY".utf8), "a NumPy array (.npy)", nil),
    ([0x89] + [UInt8]("HDF".utf8), "an HDF5 file", nil),
    ([UInt8]("GGUF".utf8), "a GGUF file", nil),
    ([0x89] + [UInt8]("PNG\r\n".utf8), "a PNG picture", nil),
    ([0xFF, 0xD8, 0xFF], "a JPEG picture", nil),
    ([UInt8]("GIF8".utf8), "a GIF picture", nil),
  ]

  /// The name of a format that is known and not read.
  private static func format(of beginning: [UInt8]) -> String? {
    func begins(_ text: String, at offset: Int = 0) -> Bool {
      beginning.dropFirst(offset).starts(with: text.utf8)
    }
    func begins(_ values: [UInt8]) -> Bool { beginning.starts(with: values) }
    if begins("ftyp", at: 4) { return container(brand: beginning.dropFirst(8).prefix(4)) }
    if begins([0, 0, 0, 12]) || begins([0xFF, 0x4F, 0xFF, 0x51]) || begins([0xFF, 0x0A]) {
      if begins("jP  ", at: 4) || begins([0xFF, 0x4F]) { return "JPEG 2000" }
      if begins("JXL ", at: 4) || begins([0xFF, 0x0A]) { return "JPEG XL" }
    }
    for (start, name) in starts where begins(start) { return name }
    for (start, name) in rawStarts where begins(start) { return name }
    if begins([0, 0, 1, 0]) { return "ICO" }
    if begins([0, 0, 2, 0]) { return "CUR" }
    return nil
  }

  private static let starts = [
    ("8BPS", "PSD"), ("gimp xcf", "XCF"), ("%PDF", "PDF"), ("%!PS", "PostScript"),
    ("qoif", "QOI"), ("DDS ", "DDS"), ("#?RADIANCE", "Radiance HDR"), ("FLIF", "FLIF"),
    ("P7\n", "PAM"), ("PF\n", "PFM"), ("Pf\n", "PFM"), ("icns", "ICNS"),
    ("FUJIFILMCCD-RAW", "the raw data of a camera (RAF)"),
    ("IIRO", "the raw data of a camera (ORF)"), ("IIRS", "the raw data of a camera (ORF)"),
    ("MMOR", "the raw data of a camera (ORF)"), ("FOVb", "the raw data of a camera (X3F)"),
    ("SIMPLE  =", "FITS"),
  ]

  private static let rawStarts: [([UInt8], String)] = [
    ([0x49, 0x49, 0x55, 0x00], "the raw data of a camera (RW2)"),
    ([0x49, 0x49, 0xBC], "JPEG XR"), ([0x76, 0x2F, 0x31, 0x01], "OpenEXR"),
    ([0x42, 0x50, 0x47, 0xFB], "BPG"),
  ]

  /// The formats that share the container of MP4.
  private static func container(brand: ArraySlice<UInt8>) -> String {
    switch String(decoding: brand, as: UTF8.self) {
    case "avif", "avis": "AVIF"
    case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1": "HEIC"
    case "crx ": "the raw data of a camera (CR3)"
    default: "a video or another file of MP4's kind"
    }
  }

  /// What servers answer, and drawings in the same language.
  private static func page(_ beginning: [UInt8]) -> FileKind? {
    // Of UTF-16 every second byte is left, which is enough of such a page.
    let isWide = beginning.starts(with: [0xFF, 0xFE]) || beginning.starts(with: [0xFE, 0xFF])
    let bytes = isWide ? beginning.dropFirst(2).filter { $0 != 0 } : beginning
    let text = String(decoding: bytes, as: UTF8.self).lowercased()
    guard let first = text.first(where: { !$0.isWhitespace && $0 != "\u{FEFF}" }), first == "<"
    else { return nil }
    if text.contains("<svg") { return FileKind(name: "SVG", remedy: nil, isPicture: true) }
    if text.contains("<html") || text.contains("<!doctype html") {
      return FileKind(name: "a web page (HTML)", remedy: fetch)
    }
    return text.contains("<?xml") ? FileKind(name: "XML", remedy: fetch) : nil
  }
}
