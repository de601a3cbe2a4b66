import ConvNetTensors

extension Image {
  /// The largest number of pixels that is decoded where nothing else is asked for (2^28, 16,384
  /// squared).
  public static let pixelLimit = 1 << 28

  /// Decodes a picture file: PNG (any depth, palette, transparency, interlaced), JPEG (baseline,
  /// progressive, grey, CMYK), WebP and GIF (of an animation, the first picture), BMP, TIFF (the
  /// first page), PGM, PPM or PBM, told apart by their contents and not by the name. It is turned upright as its Exif data says.
  ///
  /// For many pictures, ``ImageDecoder`` is quicker.
  ///
  /// - Throws: ``FileError`` where the file cannot be read, ``ImageError`` where it cannot be
  ///   decoded.
  public init(contentsOf path: String, options: DecodingOptions = DecodingOptions()) throws {
    var decoder = ImageDecoder(options)
    self.init(height: 1, width: 1, color: .black)
    try decoder.decode(contentsOf: path, into: &self)
  }

  /// Decodes the contents of a picture file.
  ///
  /// - Parameter file: the name that errors carry.
  /// - Throws: ``ImageError``.
  public init(
    decoding bytes: RawSpan, file: String? = nil, options: DecodingOptions = DecodingOptions()
  ) throws(ImageError) {
    var decoder = ImageDecoder(options)
    self.init(height: 1, width: 1, color: .black)
    try decoder.decode(bytes, file: file, into: &self)
  }
}
