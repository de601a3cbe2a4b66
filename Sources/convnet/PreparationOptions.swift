public import ArgumentParser
public import ConvNet

/// How pictures are prepared, where a file does not say it, or says something else.
struct PreparationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Prepare pictures as published networks want it.",
      discussion: Preprocessing.Preset.all.map { "\($0.name): \($0.summary)." }
        .joined(separator: " "),
      valueName: Preprocessing.Preset.all.map(\.name).joined(separator: "|")))
  var preset: PresetName?

  @Option(
    help: ArgumentHelp(
      "How pictures get the input's size: squash, all of the picture without its proportions; crop, the centre of the resized picture; pad, all of it with black beside.",
      valueName: "squash|crop|pad"))
  var fit: Fit?

  @Option(
    help: ArgumentHelp(
      "Pixels of the shorter side that pictures are resized to, before the centre is cut out.",
      valueName: "side"))
  var resize: Int?

  @Option(
    help: ArgumentHelp(
      "The same as a share: the input's side in that of the resized picture, 0.875 for 224 in 256.",
      valueName: "share"))
  var cropFraction: Double?

  @Option(help: ArgumentHelp("How pixels weigh.", valueName: "box|bilinear|bicubic|lanczos"))
  var filter: ResizingFilter?

  enum Fit: String, ExpressibleByArgument, CaseIterable { case squash, crop, pad }

  /// What was given, as it was typed; `nil` where nothing was.
  var words: String? {
    let words = [
      preset.map { "--preset \($0.preset.name)" }, fit.map { "--fit \($0.rawValue)" },
      resize.map { "--resize \($0)" }, cropFraction.map { "--crop-fraction \($0)" },
      filter.map { "--filter \($0.rawValue)" },
    ].compactMap(\.self)
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  var isGiven: Bool {
    preset != nil || fit != nil || resize != nil || cropFraction != nil || filter != nil
  }

  func validate() throws {
    if let cropFraction, !(cropFraction > 0 && cropFraction <= 1) {
      throw ValidationError("--crop-fraction is \(cropFraction), must be above 0, at most 1")
    }
    if let resize, !(1...1 << 16 ~= resize) {
      throw ValidationError("--resize is \(resize), must be from 1 to 65536")
    }
    guard resize == nil || cropFraction == nil else {
      throw ValidationError("--resize and --crop-fraction say the same thing; give one of them")
    }
    if let fit, fit != .crop, resize != nil || cropFraction != nil {
      throw ValidationError(
        "--\(resize == nil ? "crop-fraction" : "resize") is of --fit crop, not of --fit \(fit.rawValue)"
      )
    }
  }

  /// What a network's pictures are prepared like with these options.
  func applied(to own: Preprocessing) throws -> Preprocessing {
    var result = own
    if let preset { result = try own.applying(preset.preset) }
    if let filter { result.filter = filter }
    let least = max(result.height, result.width)
    func side(_ fraction: Double) -> Int {
      Int(min((Double(min(result.height, result.width)) / fraction).rounded(), 0x1p17))
    }
    if let resize {
      result.fitting = .centerCrop(shorterSide: resize)
    } else if let cropFraction {
      result.fitting = .centerCrop(shorterSide: max(least, side(cropFraction)))
    } else if let fit {
      switch fit {
      case .squash: result.fitting = .squash
      case .pad: result.fitting = .pad(.black)
      case .crop:
        if case .centerCrop = result.fitting { break }
        result.fitting = .centerCrop(
          shorterSide: max(
            least, Preprocessing.Preset.imagenet.shorterSide(forInput: least)))
      }
    }
    // Checked once more: the side depends on the input.
    try result.validate()
    return result
  }
}

/// A preset of the library by its name.
struct PresetName: ExpressibleByArgument {
  var preset: Preprocessing.Preset

  init?(argument: String) {
    guard let preset = Preprocessing.Preset.all.first(where: { $0.name == argument }) else {
      return nil
    }
    self.preset = preset
  }

  static var allValueStrings: [String] { Preprocessing.Preset.all.map(\.name) }
}

extension ResizingFilter: ExpressibleByArgument {}

extension ModelEntry {
  /// How those who publish weights for this row prepare pictures; `nil` where nobody does.
  ///
  /// - Parameter framework: whose names the parameters have, where that is known.
  func preset(framework: String?) -> Preprocessing.Preset? {
    switch (framework ?? publisher?.rawValue) {
    case "timm": name.hasPrefix("inception") ? .inception : .timm
    case "Keras": name.hasPrefix("inception") ? .inception : .kerasCaffe
    case "torchvision":
      switch name {
      case _ where name.hasPrefix("inception") || name.hasPrefix("googlenet"): .inception
      case "convnext-tiny": .convNeXt
      // Its weights are timm's.
      case "efficientnet-b0": .timm
      default: .imagenet
      }
    default: nil
    }
  }
}
