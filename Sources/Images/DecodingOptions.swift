/// What becomes of a picture while it is decoded.
public struct DecodingOptions: Hashable, Sendable {
  /// Whether the picture is turned and mirrored as its Exif data says (in JPEG, PNG, WebP and TIFF).
  public var appliesOrientation = true
  /// 1, 3 or 4 for a picture of so many channels (see ``Image/converted(toChannels:background:)``),
  /// `nil` for as many as the file has.
  public var channels: Int?
  /// What shines through transparent pixels where alpha is lost.
  public var background = Image.Color.white
  /// Pixels of the shorter side to which the picture will be resized with antialiasing. A JPEG
  /// picture may then be decoded at a half, a quarter or an eighth of its size, as long as twice as
  /// many pixels are left: several times quicker for large photographs.
  ///
  /// Beside a full decode, the bilinear, bicubic and Lanczos filters then give values that differ by
  /// less than one level on average (half of one in photographs) and by at most 4 for 999 in 1000.
  /// The box filter differs more where the factor left is no whole number. `nil` for always the full
  /// size.
  public var resizedExtent: Int?
  /// Whether a damaged or truncated JPEG file gives a picture all the same, with grey or garbage in
  /// place of what is lost.
  public var acceptsDamage = false
  /// A header that claims more pixels is refused before memory is asked for.
  public var pixelLimit = Image.pixelLimit

  /// Options, each with its usual value where none is given.
  public init(
    appliesOrientation: Bool = true, channels: Int? = nil, background: Image.Color = .white,
    resizedExtent: Int? = nil, acceptsDamage: Bool = false, pixelLimit: Int = Image.pixelLimit
  ) {
    self.appliesOrientation = appliesOrientation
    self.channels = channels
    self.background = background
    self.resizedExtent = resizedExtent
    self.acceptsDamage = acceptsDamage
    self.pixelLimit = pixelLimit
  }
}
