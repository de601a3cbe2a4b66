extension Augmentation {
  /// An augmentation that is known by name.
  public struct Preset: Hashable, Sendable {
    /// By which the command knows it: `--augment inception`.
    public let name: String
    /// What it is for, and whose it is.
    public let summary: String
    /// Its steps.
    public let augmentation: Augmentation
  }

  /// The augmentations that are known by name.
  public static let presets: [Preset] = [
    Preset(name: "none", summary: "pictures as they are", augmentation: .none),
    Preset(
      name: "alexnet",
      summary:
        "AlexNet's: random windows of the central 256x256, reflection, color shift (Krizhevsky et al., 2012)",
      augmentation: [
        .shorterSide(from: 256, to: 256, square: true), .randomCrop(), .horizontalReflection(),
        .colorShift(),
      ]),
    Preset(
      name: "vgg",
      summary: "VGG's: the same of a shorter side jittered in [256, 512] (Simonyan et al., 2015)",
      augmentation: [
        .shorterSide(from: 256, to: 512), .randomCrop(), .horizontalReflection(), .colorShift(),
      ]),
    Preset(
      name: "inception",
      summary: "windows of random area and aspect, reflection (Szegedy et al., 2015)",
      augmentation: [.randomResizedCrop(), .horizontalReflection()]),
    Preset(
      name: "cifar",
      summary: "windows of the picture padded by 4, reflection (He et al., 2016)",
      augmentation: [.randomCrop(padding: 4), .horizontalReflection()]),
    Preset(
      name: "shift",
      summary: "windows of the picture padded by 2: for digits, which have no mirror",
      augmentation: [.randomCrop(padding: 2)]),
    Preset(
      name: "trivial",
      summary: "as inception, with TrivialAugment and erasing (Müller and Hutter, 2021)",
      augmentation: [
        .randomResizedCrop(), .horizontalReflection(), .trivialAugment(),
        .erasing(probability: 0.1),
      ]),
    Preset(
      name: "strong",
      summary:
        "as trivial, with mixup and CutMix: for long trainings (torchvision's recipe of 2021)",
      augmentation: [
        .randomResizedCrop(), .horizontalReflection(), .trivialAugment(),
        .erasing(probability: 0.1), .mixup(), .cutMix(),
      ]),
  ]

  /// The augmentation of a preset; `nil` where there is none of that name.
  public init?(preset name: String) {
    guard let preset = Self.presets.first(where: { $0.name == name }) else { return nil }
    self = preset.augmentation
  }
}
