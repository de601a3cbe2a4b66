import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import Testing

@Suite("Settings of loading") struct LoadingOptionsTests {
  @Test(
    "what is out of its range is refused by name, by the value itself and by the loader",
    arguments: [
      (LoadingError.Setting.prefetch, 0), (.prefetch, 1025), (.prefetch, .min), (.workers, 0),
      (.workers, -3), (.workers, 1025), (.workers, .max), (.cache, -1),
    ])
  func refusals(setting: LoadingError.Setting, value: Int) throws {
    var options = LoadingOptions()
    switch setting {
    case .prefetch: options.prefetch = value
    case .workers: options.workers = value
    case .cache: options.cacheByteCount = value
    case .batchSize: Issue.record("the batch size is no option of loading")
    }
    let requirement = setting == .cache ? "zero bytes or more" : "from 1 to 1024"
    let dataset = try IDXDataset(
      name: "tiny", images: Tensor([1, 2, 3, 4] as [UInt8], shape: [1, 2, 2]),
      labels: Tensor([0] as [UInt8]))
    let preprocessing = try Preprocessing(height: 2, width: 2, channels: 1)
    let errors = [
      #expect(throws: LoadingError.self) { try options.validate() },
      #expect(throws: LoadingError.self) {
        try BatchLoader(dataset, batchSize: 1, preprocessing: preprocessing, options: options)
      },
      #expect(throws: LoadingError.self) {
        try Normalization.colors.applied(to: preprocessing, on: dataset, options: options)
      },
    ]
    for error in errors {
      #expect(error?.setting == setting && error?.value == value)
      #expect(
        error.map { "\($0)" } == "\(setting.rawValue) is \(value), must be \(requirement)")
    }
  }

  @Test(
    "the ends of each range are taken",
    arguments: [
      LoadingOptions(), LoadingOptions(workers: 1, prefetch: 1),
      LoadingOptions(workers: 1024, prefetch: 1024, cacheByteCount: .max),
    ])
  func taken(options: LoadingOptions) throws { try options.validate() }
}
