import ConvNetImages
import ConvNetTestSupport

/// A picture file of one grey.
func picture(_ grey: UInt8, height: Int = 2, width: Int = 2) throws -> [UInt8] {
  try Image(height: height, width: width, color: .init(grey: grey), channels: 1).encodedPNG()
}

/// A folder with a picture for each name; the first is black, each further one a level lighter.
func pictureFolder(_ names: [String]) throws -> TemporaryDirectory {
  let directory = try TemporaryDirectory()
  for (index, name) in names.enumerated() {
    try directory.write(picture(UInt8(index)), to: name)
  }
  return directory
}
