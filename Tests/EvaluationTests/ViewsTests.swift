import ConvNetEvaluation
import ConvNetImages
import ConvNetTestSupport
import Foundation
import Testing

@Suite("The views of a protocol are those of its definition") struct ViewsTests {
  private static func input(_ extent: Int = 224, side: Int? = nil) throws -> Preprocessing {
    try Preprocessing(
      height: extent, width: extent, channels: 3,
      fitting: side.map { .centerCrop(shorterSide: $0) } ?? .squash)
  }

  private struct TenCrops: Decodable {
    var height: Int
    var width: Int
    var crop: Int
    /// Row and column of the first pixel, column of the last of that row.
    var crops: [[Int]]
  }

  @Test("ten crops lie where torchvision's TenCrop cuts them, in its order")
  func tenCrop() throws {
    let rows = try JSONDecoder().decode(
      [TenCrops].self, from: Data(fileBytes(fixturePath("ten-crops.json"))))
    for row in rows {
      let views = Views("ten", scales: [.original], windows: [.corners, .center], reflects: true)
      let actual = try views.views(
        ofHeight: row.height, width: row.width, input: Self.input(row.crop)
      ).map { view in
        let upright = view.uprightRegion
        let last = upright.column + upright.width - 1
        return view.isReflected
          ? [upright.row, last, upright.column] : [upright.row, upright.column, last]
      }
      #expect(actual == row.crops, "\(row.height)x\(row.width)")
    }
  }

  @Test(
    "every protocol has its number of views, all within the picture, which count for one together",
    arguments: [
      ("prepared", 1), ("single", 1), ("whole", 1), ("squash", 1), ("10-crop", 10),
      ("multi-scale", 6), ("dense", 2), ("multi-crop", 150), ("multi-crop+dense", 156),
      ("144-crop", 144), ("12-crop", 12), ("resnet", 50), ("resnet-dense", 10),
    ])
  func counts(name: String, count: Int) throws {
    #expect(Views.names.contains(name) && !Views.summary(of: name).isEmpty)
    for extent in [224, 28, 299] {
      let input = try Self.input(extent)
      let views = try Views.named(name, for: input)
      #expect(views.count == count)
      for (height, width) in [(333, 500), (500, 333), (100, 100), (1, 7), (60, 3)] {
        let all = try views.views(ofHeight: height, width: width, input: input)
        #expect(all.count == count)
        #expect(abs(all.reduce(0) { $0 + $1.weight } - 1) < 1e-12)
        for view in all {
          let region = view.uprightRegion
          #expect(region.row >= 0 && region.row + region.height <= view.height)
          #expect(region.column >= 0 && region.column + region.width <= view.width)
        }
      }
    }
  }

  @Test("GoogLeNet's 144 views of a wide and of a high picture, side by side with the definition")
  func googLeNet() throws {
    let input = try Self.input()
    let views = try Views.named("144-crop", for: input)
    let wide = try views.views(ofHeight: 300, width: 400, input: input)
    #expect(Set(wide.map(\.height)) == [256, 288, 320, 352])
    let upright = wide.filter { $0.height == 288 && !$0.isReflected }
    #expect(upright.count == 18)
    // 288 x 384: squares at columns 0, 48 and 96.
    #expect(upright[0].region == ImageRegion(row: 0, column: 0, height: 224, width: 224))
    #expect(upright[5].region == ImageRegion(row: 0, column: 0, height: 288, width: 288))
    #expect(upright[5].viewHeight == 224)
    #expect(upright[6].region.column == 48 && upright[12].region.column == 96)
    #expect(upright[16].region == ImageRegion(row: 32, column: 128, height: 224, width: 224))
    let high = try views.views(ofHeight: 400, width: 300, input: input)
    let lower = high.filter { $0.width == 288 && !$0.isReflected }[12]
    #expect(lower.region == ImageRegion(row: 96, column: 0, height: 224, width: 224))
  }

  @Test("VGG's grid goes from edge to edge, and its scales are those of the training")
  func vgg() throws {
    let input = try Self.input()
    func sides(_ name: String, _ augmentation: Augmentation?) throws -> [Views.Scale] {
      try Views.named(name, for: input, trainedWith: augmentation).parts[0].scales
    }
    let fixed: Augmentation = [.shorterSide(from: 384, to: 384), .randomCrop()]
    let jittered: Augmentation = [.shorterSide(from: 256, to: 512), .randomCrop()]
    #expect(try sides("multi-scale", fixed) == [352, 384, 416].map { .shorterSide($0) })
    #expect(try sides("multi-scale", jittered) == [256, 384, 512].map { .shorterSide($0) })
    #expect(try sides("multi-scale", nil) == [224, 256, 288].map { .shorterSide($0) })
    #expect(try sides("dense", jittered) == [.shorterSide(384)])
    let grid = try Views("grid", scales: [.shorterSide(256)], windows: [.grid(5)]).views(
      ofHeight: 256, width: 341, input: input)
    #expect(grid.prefix(5).map(\.region.column) == [0, 29, 58, 88, 117])
    #expect(stride(from: 0, to: 25, by: 5).map { grid[$0].region.row } == [0, 8, 16, 24, 32])
  }

  @Test("the side of the model's file is the one scale, and sizes follow the input")
  func sides() throws {
    let own = try Views.named("10-crop", for: Self.input(side: 232))
    #expect(own.parts[0].scales == [.shorterSide(232)])
    #expect(try Views.named("10-crop", for: Self.input(28)).parts[0].scales == [.shorterSide(32)])
    #expect(
      try Views.named("resnet", for: Self.input(112)).parts[0].scales
        == [112, 128, 192, 240, 320].map { .shorterSide($0) })
  }

  @Test("the views of a picture are what resizing, cutting and reflecting one after the other make")
  func pixels() throws {
    var pixels: [UInt8] = []
    for index in 0..<40 * 61 * 3 { pixels.append(UInt8(truncatingIfNeeded: index * index / 7)) }
    let picture = Image(height: 40, width: 61, channels: 3, pixels: pixels)
    var input = try Self.input(24, side: 30)
    for filter in [ResizingFilter.bilinear, .bicubic] {
      input.filter = filter
      let views = Views(
        "all", scales: [.shorterSide(30), .original], squares: .three,
        windows: [.corners, .center, .whole, .grid(3), .dense], reflects: true)
      let shown = try views.pictures(of: picture, input: input)
      let definitions = try views.views(ofHeight: 40, width: 61, input: input)
      #expect(shown.count == definitions.count && shown.count == views.count)
      for (view, shown) in zip(definitions, shown) {
        var image = picture.resized(height: view.height, width: view.width, filter: filter)
        if view.isReflected {
          let old = image
          for row in 0..<image.height {
            for column in 0..<image.width {
              for channel in 0..<3 {
                image[row, column, channel] = old[row, image.width - 1 - column, channel]
              }
            }
          }
        }
        var expected = image.cropped(to: view.region)
        if view.viewHeight != view.region.height {
          // The square is resized before it is reflected, which rounds otherwise by a level at most.
          expected = expected.resized(
            height: view.viewHeight, width: view.viewWidth, filter: filter)
        }
        let gap = zip(expected.pixels, shown.image.pixels).map { abs(Int($0) - Int($1)) }.max()
        #expect(expected.height == shown.image.height && expected.width == shown.image.width)
        #expect(try #require(gap) <= (view.viewHeight == view.region.height ? 0 : 2), "\(view)")
      }
    }
  }

  @Test("of a picture is kept what some view shows, and nothing twice")
  func keptBytes() throws {
    let picture = Image(height: 300, width: 400, color: Image.Color(grey: 9))
    func kept(_ views: Views) throws -> [Int] {
      var preparation = ViewPreparation()
      return try preparation.prepare(picture, Self.input(), views).pictures.map {
        $0.count / 3
      }
    }
    let own = 224 * 224
    #expect(try kept(Views.named("squash", for: Self.input())) == [own])
    #expect(
      try kept(Views("one", scales: [.original], windows: [.center], reflects: true)) == [own])
    #expect(
      try kept(
        Views("ten", scales: [.shorterSide(256)], squares: .center, windows: [.corners, .center]))
        == [256 * 256])
    #expect(
      try kept(Views("both", scales: [.original], windows: [.whole], reflects: true)) == [own])
    #expect(try kept(Views("all", scales: [.original], windows: [.dense])) == [300 * 400])
  }

  @Test("what does not fit is refused before a picture is read or memory is asked for")
  func refusals() throws {
    let input = try Self.input()
    func refused(_ views: Views, _ height: Int = 300, _ width: Int = 400) -> ViewsError? {
      do {
        _ = try views.views(ofHeight: height, width: width, input: input)
        return nil
      } catch { return error }
    }
    #expect(
      refused(Views("mine", scales: [.shorterSide(200)], windows: [.center]))
        == .windowTooLarge("mine", window: [224, 224], whole: [200, 266]))
    #expect(
      refused(Views("d", scales: [.shorterSide(256)], windows: [.dense]), 1, 1 << 20)
        == .tooLarge(height: 256, width: 1 << 28))
    #expect(refused(Views("none", [])) == ViewsError.none("none"))
    #expect(refused(Views("none", scales: [.original], windows: [])) == ViewsError.none("none"))
    #expect(refused(Views("0", scales: [.shorterSide(0)], windows: [.center])) == .scale(0))
    #expect(refused(Views("g", scales: [.original], windows: [.grid(33)])) == .grid(33))
    #expect(
      refused(
        Views("m", scales: (0..<5).map { .shorterSide(256 + $0) }, windows: [.grid(32)]))
        == .tooMany(5120))
    #expect(throws: ViewsError.unknown("10crop", nearest: ["10-crop", "12-crop"])) {
      try Views.named("10crop", for: input)
    }
  }
}
