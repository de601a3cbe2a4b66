import ConvNet
import ConvNetTestSupport
import Foundation

/// Classes of grey pictures of 12x12 in a folder, no two of them the same.
func writeClasses(
  _ classes: [String: Int], to folder: String, count: Int = 12, channels: Int = 1
) throws {
  for (name, grey) in classes {
    try FileManager.default.createDirectory(
      atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    for index in 0..<count {
      try Image(
        height: 12, width: 12, color: Image.Color(grey: UInt8(grey + 2 * index)), channels: channels
      ).writePNG(to: "\(folder)/\(name)/\(index).png")
    }
  }
}

/// A short training of LeNet-5 on the folder `pictures`, into `out`, with options that are not the usual ones.
func trainShortly(
  _ directory: borrowing TemporaryDirectory, _ more: [String], output: String = "out"
) throws -> Invocation {
  try Invocation(
    [
      "train", "--model", "lenet5", "--data", "pictures", "--output", output, "--batch-size", "8",
      "--learning-rate", "0.05", "--input", "16x16", "--seed", "3", "--threads", "1",
    ] + more, in: directory.path)
}
