import COneDNN

extension Step {
  /// Bytes that a run of the step must read and write at least: each of its places once, scratch memory left out. What is
  /// changed in place is read and written; what is given twice to be read is read once.
  var byteCount: Int {
    switch work {
    case .kernel(_, let places), .calls(_, _, _, let places):
      return places.reduce(0) { $0 + ($1.isScratch ? 0 : $1.layout.contentByteCount) }
    case .primitive(let primitive, let arguments):
      var read: [Place] = []
      var written = 0
      for (argument, place) in arguments where !place.isScratch {
        let byteCount = place.layout.contentByteCount
        switch argument {
        case CDNN_DST, CDNN_DIFF_SRC, CDNN_DIFF_WEIGHTS, CDNN_DIFF_BIAS:
          // A fused sum reads what it adds to.
          written += argument == CDNN_DST && primitive.accumulates ? 2 * byteCount : byteCount
        case _ where !read.contains { $0.buffer == place.buffer && $0.layout == place.layout }:
          read.append(place)
        default:
          break
        }
      }
      return read.reduce(written) { $0 + $1.layout.contentByteCount }
    }
  }
}
