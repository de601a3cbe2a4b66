import COneDNN
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// The shim's arrays have room for so many axes; numbers of axes come from files.
@Suite struct LibraryDescriptorTests {
  private static let refused = Int32(CDNN_INVALID_ARGUMENTS)

  /// The status of making a descriptor, which is destroyed again.
  private func status(_ create: (inout OpaquePointer?) -> Int32) -> Int32 {
    var handle: OpaquePointer?
    let status = create(&handle)
    #expect((status == 0) == (handle != nil))
    cdnn_desc_destroy(handle)
    return status
  }

  private func withPicture(_ body: (OpaquePointer) -> Void) throws {
    var handle: OpaquePointer?
    #expect(cdnn_desc_create(&handle, 4, [2, 16, 5, 5], CDNN_F32, nil) == 0)
    body(try #require(handle))
    cdnn_desc_destroy(handle)
  }

  @Test("the graph's limit of dimensions is the shim's")
  func limit() {
    #expect(rankLimit == Int(CDNN_MAX_RANK))
  }

  @Test(
    "descriptors of no axes, or more than there is room for, are refused",
    arguments: [-1, 0, 13, 14, 64, 4096, Int32.max])
  func rank(_ rank: Int32) throws {
    // The numbers that a file could have, which would be written where there is no room.
    let extents = [Int64](repeating: 3, count: Int(min(max(rank, 1), 4096)))
    let picture = [Int64](repeating: 1, count: extents.count)
    #expect(status { cdnn_desc_create(&$0, rank, picture, CDNN_F32, nil) } == Self.refused)
    #expect(status { cdnn_desc_create(&$0, rank, extents, CDNN_F32, picture) } == Self.refused)
    #expect(status { cdnn_desc_create_any(&$0, rank, extents, CDNN_F32) } == Self.refused)
    #expect(status { cdnn_desc_create_blocked(&$0, rank, extents, CDNN_F32) } == Self.refused)
    let permutation = extents.indices.map(Int32.init)
    try withPicture { picture in
      #expect(status { cdnn_desc_reshape(&$0, picture, rank, extents) } == Self.refused)
      #expect(
        status { cdnn_desc_create_part(&$0, picture, rank, extents, extents) } == Self.refused)
      #expect(status { cdnn_desc_permute(&$0, picture, rank, permutation) } == Self.refused)
      #expect(
        status { cdnn_desc_create_like(&$0, picture, rank, extents, CDNN_F32) } == Self.refused)
      var strides = [Int64](repeating: 0, count: extents.count)
      #expect(!cdnn_desc_plain_strides(picture, rank, &strides))
    }
  }

  @Test("as many as there is room for are taken", arguments: [Int32(1), 4, 11, 12])
  func mostAxes(rank: Int32) {
    let extents = [Int64](repeating: 2, count: Int(rank))
    #expect(status { cdnn_desc_create(&$0, rank, extents, CDNN_F32, nil) } == 0)
  }

  @Test("strides that overflow are refused")
  func overflow() {
    let extents = [Int64](repeating: 1 << 30, count: 4)
    #expect(status { cdnn_desc_create(&$0, 4, extents, CDNN_F32, nil) } == Self.refused)
  }

  @Test(
    "parts and orders of other axes than the descriptor's are refused", arguments: [Int32(3), 5])
  func otherRank(rank: Int32) throws {
    let numbers = [Int64](repeating: 1, count: Int(rank))
    try withPicture { picture in
      #expect(
        status { cdnn_desc_create_part(&$0, picture, rank, numbers, numbers) } == Self.refused)
      #expect(status { cdnn_desc_permute(&$0, picture, rank, [0, 1, 2, 3, 4]) } == Self.refused)
      var strides = [Int64](repeating: 0, count: 5)
      #expect(!cdnn_desc_plain_strides(picture, rank, &strides))
      #expect(cdnn_desc_plain_strides(picture, 4, &strides))
      #expect(strides == [400, 25, 5, 1, 0])
    }
  }

  @Test(
    "windows of other axes than the source's are refused", arguments: [Int32(-1), 0, 1, 3, 11, 64])
  func windows(axes: Int32) throws {
    let ones = [Int64](repeating: 1, count: 64)
    let zeros = [Int64](repeating: 0, count: 64)
    try withPicture { picture in
      ones.withUnsafeBufferPointer { ones in
        zeros.withUnsafeBufferPointer { zeros in
          var window = cdnn_window(
            axes: axes, strides: ones.baseAddress,
            dilations: ones.baseAddress, padding_before: zeros.baseAddress,
            padding_after: zeros.baseAddress)
          var primitive: OpaquePointer?
          #expect(
            cdnn_convolution_forward(
              &primitive, false, CDNN_CONVOLUTION_DIRECT, picture, picture, nil, picture, &window,
              nil) == Self.refused)
          #expect(
            cdnn_convolution_backward_data(
              &primitive, CDNN_CONVOLUTION_DIRECT, picture, picture, picture, &window)
              == Self.refused)
          #expect(
            cdnn_convolution_backward_weights(
              &primitive, CDNN_CONVOLUTION_DIRECT, picture, picture, nil, picture, &window)
              == Self.refused)
        }
      }
    }
  }

  @Test("no text is written where there is room for none, and no more than there is room for")
  func text() throws {
    try withPicture { picture in
      var text = [CChar](repeating: 1, count: 8)
      cdnn_desc_text(picture, &text, 0)
      #expect(text[0] == 1)
      cdnn_desc_text(picture, &text, 3)
      #expect(text == [97, 98, 0, 1, 1, 1, 1, 1])
    }
  }

  @Test(
    "sums and concatenations of no or too many sources are refused", arguments: [Int32(0), 1025])
  func sources(count: Int32) throws {
    try withPicture { picture in
      let sources = [OpaquePointer?](repeating: picture, count: 1025)
      let scales = [Float](repeating: 1, count: 1025)
      var primitive: OpaquePointer?
      #expect(cdnn_sum(&primitive, picture, count, scales, sources) == Self.refused)
      #expect(cdnn_concat(&primitive, picture, count, 1, sources) == Self.refused)
    }
  }
}
