import ConvNetFiles

/// Formats that are known by their beginnings and not read, so that it can be said what a file is.
enum UnreadFormat {
  /// The name of the format; `nil` where the bytes are of none of these.
  static func name(of bytes: RawSpan) -> String? {
    let beginning = (0..<min(bytes.byteCount, 512)).map { bytes.byte($0) }
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
    return markup(beginning)
  }

  private static let starts = [
    ("8BPS", "PSD"), ("gimp xcf", "XCF"), ("%PDF", "PDF"), ("%!PS", "PostScript"),
    ("qoif", "QOI"), ("DDS ", "DDS"), ("#?RADIANCE", "Radiance HDR"), ("FLIF", "FLIF"),
    ("P7\n", "PAM"), ("PF\n", "PFM"), ("Pf\n", "PFM"), ("icns", "ICNS"),
    ("FUJIFILMCCD-RAW", "the raw data of a camera (RAF)"),
    ("IIRO", "the raw data of a camera (ORF)"), ("IIRS", "the raw data of a camera (ORF)"),
    ("MMOR", "the raw data of a camera (ORF)"), ("FOVb", "the raw data of a camera (X3F)"),
    ("SIMPLE  =", "FITS"), ("PK\u{3}\u{4}", "a zip archive"),
  ]

  private static let rawStarts: [([UInt8], String)] = [
    ([0x49, 0x49, 0x55, 0x00], "the raw data of a camera (RW2)"),
    ([0x49, 0x49, 0xBC], "JPEG XR"), ([0x76, 0x2F, 0x31, 0x01], "OpenEXR"),
    ([0x1F, 0x8B], "gzip"), ([0x42, 0x50, 0x47, 0xFB], "BPG"),
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

  private static func markup(_ beginning: [UInt8]) -> String? {
    let text = String(decoding: beginning, as: UTF8.self).lowercased()
    guard let first = text.first(where: { !$0.isWhitespace && $0 != "\u{FEFF}" }), first == "<"
    else {
      return nil
    }
    if text.contains("<svg") { return "SVG" }
    if text.contains("<html") || text.contains("<!doctype html") { return "a web page (HTML)" }
    return text.contains("<?xml") ? "XML" : nil
  }
}
