// The tables of the lecture that differ in how networks were evaluated. Errors in per cent, on ImageNet's pictures to validate
// on unless a column says otherwise.

extension PublishedTable {
  /// All that have names, in the order of the lecture.
  public static let all = [
    vgg3, vgg4, vggMethods, googLeNet, bn3, inception3, inception4, inception5, resNet4, resNet5,
  ]

  /// A table by its name; `nil` where there is none.
  public static func named(_ name: String) -> PublishedTable? { all.first { $0.name == name } }

  private static let errors = ["top-1 error", "top-5 error"]
  private static let vggPaper =
    "K. Simonyan and A. Zisserman, \"Very Deep Convolutional Networks for Large-Scale Image Recognition\", 2015"
  private static let batchNormalizationPaper =
    "S. Ioffe and C. Szegedy, \"Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift\", 2015"
  private static let inceptionPaper =
    "C. Szegedy et al., \"Rethinking the Inception Architecture for Computer Vision\", 2015"
  private static let resNetPaper =
    "K. He et al., \"Deep Residual Learning for Image Recognition\", 2015"

  private static let fixed = 256...256
  private static let large = 384...384
  private static let jitter = 256...512

  private static func words(_ range: ClosedRange<Int>) -> String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }

  private static func vggRow(
    _ name: String, _ training: ClosedRange<Int>, _ sides: [Int], _ top1: Double, _ top5: Double,
    by protocolName: String
  ) -> Row {
    Row(
      [name.uppercased(), words(training), sides.map(String.init).joined(separator: ", ")],
      [top1, top5],
      fit: Fit(
        ["vgg-\(name)"], [protocolName], training: training, sides: sides))
  }

  static let vgg3 = PublishedTable(
    "vgg-3", title: "VGG at one scale", source: "\(vggPaper), table 3",
    labels: ["configuration", "side in training", "in the test"], columns: errors,
    rows: [
      ("a", fixed, 256, 29.6, 10.4), ("a-lrn", fixed, 256, 29.7, 10.5),
      ("b", fixed, 256, 28.7, 9.9),
      ("c", fixed, 256, 28.1, 9.4), ("c", large, 384, 28.1, 9.3), ("c", jitter, 384, 27.3, 8.8),
      ("d", fixed, 256, 27.0, 8.8), ("d", large, 384, 26.8, 8.7), ("d", jitter, 384, 25.6, 8.1),
      ("e", fixed, 256, 27.3, 9.0), ("e", large, 384, 26.9, 8.7), ("e", jitter, 384, 25.5, 8.0),
    ].map { vggRow($0.0, $0.1, [$0.2], $0.3, $0.4, by: "dense") })

  static let vgg4 = PublishedTable(
    "vgg-4", title: "VGG at several scales", source: "\(vggPaper), table 4",
    labels: ["configuration", "side in training", "in the test"], columns: errors,
    rows: [
      ("b", fixed, 28.2, 9.6), ("c", fixed, 27.7, 9.2), ("c", large, 27.8, 9.2),
      ("c", jitter, 26.3, 8.2), ("d", fixed, 26.6, 8.6), ("d", large, 26.5, 8.6),
      ("d", jitter, 24.8, 7.5), ("e", fixed, 26.9, 8.7), ("e", large, 26.7, 8.6),
      ("e", jitter, 24.8, 7.5),
    ].map { row in
      let (low, high) = (row.1.lowerBound, row.1.upperBound)
      return vggRow(
        row.0, row.1, low == high ? [low - 32, low, low + 32] : [low, (low + high) / 2, high],
        row.2, row.3, by: "multi-scale")
    })

  private static let vggNames = ["vgg-d", "vgg-e"]
  private static let googLeNetNames = ["googlenet", "googlenet-torchvision"]
  private static let alexNetNames = ["alexnet", "alexnet-torchvision"]

  static let vggMethods = PublishedTable(
    "vgg-methods", title: "VGG beside others", source: "\(vggPaper), table 7",
    labels: ["method"], columns: errors + ["top-5 error, test part"],
    rows: [
      Row(
        ["VGG, 2 networks, multi-crop and dense"], [23.7, 6.8, 6.8],
        fit: Fit(vggNames, ["multi-crop+dense"], members: 2...2)),
      Row(
        ["VGG, 1 network, multi-crop and dense"], [24.4, 7.1, 7.0],
        fit: Fit(vggNames, ["multi-crop+dense"])),
      Row(
        ["VGG as submitted, 7 networks, dense"], [24.7, 7.5, 7.3],
        fit: Fit(["vgg-c"] + vggNames, ["dense", "multi-scale"], members: 7...7)),
      Row(
        ["GoogLeNet, 1 network"], [nil, 7.9, nil], fit: Fit(googLeNetNames, ["144-crop"])),
      Row(
        ["GoogLeNet, 7 networks"], [nil, 6.7, nil],
        fit: Fit(googLeNetNames, ["144-crop"], members: 7...7)),
      Row(["MSRA, 11 networks"], [nil, nil, 8.1]), Row(["MSRA, 1 network"], [27.9, 9.1, 9.1]),
      Row(["Clarifai, several networks"], [nil, nil, 11.7]),
      Row(["Clarifai, 1 network"], [nil, nil, 12.5]),
      Row(["Zeiler and Fergus, 6 networks"], [36.0, 14.7, 14.8]),
      Row(["Zeiler and Fergus, 1 network"], [37.5, 16.0, 16.1]),
      Row(["OverFeat, 7 networks"], [34.0, 13.2, 13.6]),
      Row(["OverFeat, 1 network"], [35.7, 14.2, nil]),
      Row(
        ["AlexNet, 5 networks"], [38.1, 16.4, 16.4],
        fit: Fit(alexNetNames, ["10-crop"], members: 5...5)),
      Row(["AlexNet, 1 network"], [40.7, 18.2, nil], fit: Fit(alexNetNames, ["10-crop"])),
    ])

  static let googLeNet = PublishedTable(
    "googlenet", title: "GoogLeNet by networks and crops",
    source:
      "C. Szegedy et al., \"Going Deeper with Convolutions\", 2015, table 3, whose last difference is printed as -3.45",
    labels: ["networks", "crops", "cost"], columns: ["top-5 error", "beside the first row"],
    rows: [
      ("single", 1, 1, 10.07, 0), ("10-crop", 1, 10, 9.15, -0.92),
      ("144-crop", 1, 144, 7.89, -2.18),
      ("single", 7, 1, 8.09, -1.98), ("10-crop", 7, 10, 7.62, -2.45),
      ("144-crop", 7, 144, 6.67, -3.40),
    ].map { name, models, crops, error, gain in
      Row(
        ["\(models)", "\(crops)", "\(models * crops)"], [error, gain],
        fit: Fit(
          googLeNetNames, name == "single" ? oneView : [name],
          members: models...models))
    })

  private static let oneView = ["single", "prepared"]

  private static func stepsRow(
    _ label: String, _ steps: Double?, _ accuracy: Double, of network: String
  ) -> Row {
    // To a tenth, as they are printed.
    let error = (1000 - 10 * accuracy).rounded() / 10
    return Row([label], [steps, accuracy, error], fit: Fit([network], oneView))
  }

  static let bn3 = PublishedTable(
    "bn-3", title: "Inception with batch normalization, by steps",
    source:
      "\(batchNormalizationPaper), figure 3, which has the accuracies: errors are what they lack of 100. Networks of one's own stand in the first row of their kind, however they were trained",
    labels: ["model"],
    columns: ["million steps to 72.2 %", "best top-1 accuracy", "top-1 error"],
    rows: [
      stepsRow("Inception", 31.0, 72.2, of: "bn-inception-plain"),
      stepsRow("BN-Baseline", 13.3, 72.7, of: "bn-inception"),
      stepsRow("BN-x5", 2.1, 73.0, of: "bn-inception"),
      stepsRow("BN-x30", 2.7, 74.8, of: "bn-inception"),
      stepsRow("BN-x5-Sigmoid", nil, 69.8, of: "bn-inception-sigmoid"),
    ])

  static let inception3 = PublishedTable(
    "inception-3", title: "Inception v2, change by change",
    source:
      "\(inceptionPaper), table 3: each Inception v2 has the changes of the rows before it. The last row's is called Inception v3; the registry's inception-v2 is the row before that",
    labels: ["network"], columns: errors + ["billion operations"],
    rows: [
      Row(["GoogLeNet"], [29, 9.2, 1.5], fit: Fit(googLeNetNames, oneView)),
      Row(["BN-GoogLeNet"], [26.8, nil, 1.5]),
      Row(["BN-Inception"], [25.2, 7.8, 2.0], fit: Fit(["bn-inception"], oneView)),
      Row(["Inception v2"], [23.4, nil, 3.8]),
      Row(["Inception v2, RMSProp"], [23.1, 6.3, 3.8]),
      Row(["Inception v2, label smoothing"], [22.8, 6.1, 3.8]),
      Row(
        ["Inception v2, factorized 7x7"], [21.6, 5.8, 4.8], fit: Fit(["inception-v2"], oneView)),
      Row(
        ["Inception v2, BN auxiliary"], [21.2, 5.6, 4.8], fit: Fit(inceptionNames, oneView)),
    ])

  private static let inceptionNames = [
    "inception-v3", "inception-v3-torchvision", "inception-v3-keras",
  ]

  static let inception4 = PublishedTable(
    "inception-4", title: "One network, many crops",
    source:
      "\(inceptionPaper), table 4, whose two headings are exchanged: here each error is under its own",
    labels: ["network", "crops"], columns: errors,
    rows: [
      Row(["GoogLeNet", "10"], [nil, 9.15], fit: Fit(googLeNetNames, ["10-crop"])),
      Row(["GoogLeNet", "144"], [nil, 7.89], fit: Fit(googLeNetNames, ["144-crop"])),
      Row(["VGG", "-"], [24.4, 6.8], fit: Fit(vggNames, ["multi-crop+dense"])),
      Row(["BN-Inception", "144"], [22, 5.82], fit: Fit(["bn-inception"], ["144-crop"])),
      Row(["PReLU", "10"], [24.27, 7.38]), Row(["PReLU", "-"], [21.59, 5.71]),
      Row(["Inception v3", "12"], [19.47, 4.48], fit: Fit(inceptionNames, ["12-crop"])),
      Row(["Inception v3", "144"], [18.77, 4.2], fit: Fit(inceptionNames, ["144-crop"])),
    ])

  static let inception5 = PublishedTable(
    "inception-5", title: "Several networks, many crops",
    source:
      "\(inceptionPaper), table 5; the top-5 error of Inception v3 was reported by the test server",
    labels: ["network", "networks", "crops"], columns: errors,
    rows: [
      Row(
        ["VGG", "2", "-"], [23.7, 6.8], fit: Fit(vggNames, ["multi-crop+dense"], members: 2...2)),
      Row(
        ["GoogLeNet", "7", "144"], [nil, 6.67],
        fit: Fit(googLeNetNames, ["144-crop"], members: 7...7)),
      Row(["PReLU", "-", "-"], [nil, 4.94]),
      Row(
        ["BN-Inception", "6", "144"], [20.1, 4.9],
        fit: Fit(["bn-inception"], ["144-crop"], members: 6...6)),
      Row(
        ["Inception v3", "4", "144"], [17.2, 3.58],
        fit: Fit(inceptionNames, ["144-crop"], members: 4...4)),
    ])

  private static let resNetProtocols = ["resnet-dense", "resnet"]

  private static func resNetNames(_ depth: Int) -> [String] {
    ["", "-torchvision", "-v1.5", "-keras"].map { "resnet\(depth)\($0)" }
  }

  static let resNet4 = PublishedTable(
    "resnet-4", title: "One network at five scales",
    source:
      "\(resNetPaper), table 4; the first VGG's error is on the test part. ResNet-34 B projects where the shape changes, as the registry's does; C everywhere",
    labels: ["method"], columns: errors,
    rows: [
      Row(["VGG, as submitted"], [nil, 8.43]),
      Row(["GoogLeNet"], [nil, 7.89], fit: Fit(googLeNetNames, ["144-crop"])),
      Row(["VGG, version 5"], [24.4, 7.1], fit: Fit(vggNames, ["multi-crop+dense"])),
      Row(["PReLU-net"], [21.59, 5.71]),
      Row(["BN-Inception"], [21.99, 5.81], fit: Fit(["bn-inception"], ["144-crop"])),
      Row(["ResNet-34 B"], [21.84, 5.71], fit: Fit(resNetNames(34), resNetProtocols)),
      Row(["ResNet-34 C"], [21.53, 5.60]),
      Row(["ResNet-50"], [20.74, 5.25], fit: Fit(resNetNames(50), resNetProtocols)),
      Row(["ResNet-101"], [19.87, 4.60], fit: Fit(resNetNames(101), resNetProtocols)),
      Row(["ResNet-152"], [19.38, 4.49], fit: Fit(resNetNames(152), resNetProtocols)),
    ])

  static let resNet5 = PublishedTable(
    "resnet-5", title: "Several networks", source: "\(resNetPaper), table 5: on the test part",
    labels: ["method"], columns: ["top-5 error, test part"],
    rows: [
      Row(["VGG, as submitted"], [7.32]),
      Row(["GoogLeNet"], [6.66], fit: Fit(googLeNetNames, ["144-crop"], members: 2...16)),
      Row(["VGG, version 5"], [6.8], fit: Fit(vggNames, ["multi-crop+dense"], members: 2...16)),
      Row(["PReLU-net"], [4.94]),
      Row(["BN-Inception"], [4.82], fit: Fit(["bn-inception"], ["144-crop"], members: 2...16)),
      Row(
        ["ResNet"], [3.57],
        fit: Fit([34, 50, 101, 152].flatMap(resNetNames), resNetProtocols, members: 2...16)),
    ])
}
