import ConvNetFiles
public import ConvNetImages

extension Views {
  /// The protocols that have names.
  public static let names = [
    "prepared", "single", "whole", "squash", "10-crop", "multi-scale", "dense", "multi-crop",
    "multi-crop+dense", "144-crop", "12-crop", "resnet", "resnet-dense",
  ]

  /// What a named protocol is, in a line.
  public static func summary(of name: String) -> String {
    switch name {
    case "prepared": "as the model's file prepares pictures"
    case "single": "shorter side resized, center crop"
    case "whole": "shorter side resized, no crop, network applied to all of it"
    case "squash": "all of the picture resized to the input"
    case "10-crop": "AlexNet: central square, four corners, center, reflections"
    case "multi-scale": "VGG: dense at three scales, reflections"
    case "dense": "VGG: fully connected layers as convolutions on the uncropped picture, reflection"
    case "multi-crop": "VGG: 5x5 grid and reflections at three scales"
    case "multi-crop+dense": "VGG: the means of both, averaged"
    case "144-crop": "GoogLeNet: four scales, three squares, six crops, reflections"
    case "12-crop": "GoogLeNet's six crops and reflections of one square"
    case "resnet": "ten crops at each of five scales"
    case "resnet-dense": "ResNet: dense at five scales, reflections"
    default: ""
    }
  }

  /// A protocol by its name, for a model. Sizes are the papers', which are of an input of 224, in proportion
  /// to the model's input;
  /// where one scale is wanted, that of the model's file, or 256 of 224. VGG's scales follow the scales that it was
  /// trained at, where the file says them: of a fixed one it and 32 less and more, of a range both ends and their middle.
  ///
  /// - Parameters:
  ///   - preprocessing: of the model.
  ///   - augmentation: that it was trained with.
  /// - Throws: ``ViewsError/unknown(_:nearest:)``.
  public static func named(
    _ name: String, for preprocessing: Preprocessing, trainedWith augmentation: Augmentation? = nil
  ) throws(ViewsError) -> Views {
    let input = min(preprocessing.height, preprocessing.width)
    let least = max(preprocessing.height, preprocessing.width)
    func side(_ published: Int) -> Int {
      max(least, Int((Double(published * input) / 224).rounded()))
    }
    func scales(_ published: Int...) -> [Scale] {
      published.map { .shorterSide(side($0)) }
    }
    var own = side(256)
    if case .centerCrop(let given) = preprocessing.fitting { own = given }
    var trained = [own - side32(input), own, own + side32(input)]
    var middle = own
    for case .shorterSide(let step) in augmentation?.steps ?? [] {
      middle = (step.from + step.to) / 2
      trained =
        step.from == step.to
        ? [step.from - side32(input), step.from, step.from + side32(input)]
        : [step.from, middle, step.to]
    }
    let three = trained.map { Scale.shorterSide(max(least, $0)) }
    let one = [Scale.shorterSide(own)]
    let trainedOne = [Scale.shorterSide(max(least, middle))]
    let dense = Part(scales: three, windows: [.dense], reflects: true)
    let grid = Part(scales: three, windows: [.grid(5)], reflects: true)
    switch name {
    case "prepared": return Views(name, scales: [.prepared], windows: [.whole])
    case "single": return Views(name, scales: one, windows: [.center])
    case "whole": return Views(name, scales: one, windows: [.dense])
    case "squash": return Views(name, scales: [.original], windows: [.whole])
    case "10-crop":
      return Views(
        name, scales: one, squares: .center, windows: [.corners, .center], reflects: true)
    case "multi-scale": return Views(name, [dense])
    case "dense": return Views(name, scales: trainedOne, windows: [.dense], reflects: true)
    case "multi-crop": return Views(name, [grid])
    case "multi-crop+dense": return Views(name, [grid, dense])
    case "144-crop":
      return Views(
        name, scales: scales(256, 288, 320, 352), squares: .three,
        windows: [.corners, .center, .whole], reflects: true)
    case "12-crop":
      return Views(
        name, scales: one, squares: .center, windows: [.corners, .center, .whole], reflects: true)
    case "resnet":
      return Views(
        name, scales: scales(224, 256, 384, 480, 640), squares: .center,
        windows: [.corners, .center], reflects: true)
    case "resnet-dense":
      return Views(
        name, scales: scales(224, 256, 384, 480, 640), windows: [.dense], reflects: true)
    default:
      throw .unknown(name, nearest: nearestNames(to: name, among: names))
    }
  }

  private static func side32(_ input: Int) -> Int {
    max(1, Int((Double(32 * input) / 224).rounded()))
  }
}
