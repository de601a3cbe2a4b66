import ConvNetFiles
import ConvNetImages
import ConvNetInference
import ConvNetLayers

/// A picture that a protocol cannot show.
struct UnfitPicture: ReadableError {
  var reason: String
  var description: String { reason }
}

/// Views that are made once for all models that are shown the same pixels, whatever numbers they make of them.
struct PreparationKind: Sendable {
  var preprocessing: Preprocessing
  var views: Views

  static func all(of candidates: [ProtocolEvaluation.Candidate]) throws -> [PreparationKind] {
    var kinds: [PreparationKind] = []
    for candidate in candidates {
      let preprocessing = try candidate.model.requiredPreprocessing()
      for views in candidate.views {
        if views.needsWholePictures, preprocessing.meanPicture != nil {
          throw ViewsError.meanPicture(model: candidate.name)
        }
        guard !kinds.contains(where: { $0.is(preprocessing, views) }) else { continue }
        // A protocol whose windows do not fit the network shows on any picture: here, before one is read.
        _ = try views.views(
          ofHeight: preprocessing.height, width: preprocessing.width, input: preprocessing)
        kinds.append(PreparationKind(preprocessing: preprocessing, views: views))
      }
    }
    return kinds
  }

  private func `is`(_ preprocessing: Preprocessing, _ views: Views) -> Bool {
    var other = preprocessing
    (other.mean, other.deviation) = (self.preprocessing.mean, self.preprocessing.deviation)
    (other.meanPicture, other.channelOrder) =
      (self.preprocessing.meanPicture, self.preprocessing.channelOrder)
    other.dataFormat = self.preprocessing.dataFormat
    return self.preprocessing == other && self.views.parts == views.parts
  }

  func matches(_ candidate: ProtocolEvaluation.Candidate, _ row: Int) -> Bool {
    candidate.model.preprocessing.map { self.is($0, candidate.views[row]) } ?? false
  }

  /// Of the sizes of a picture that its views are windows of, about.
  var byteCount: Int {
    let own = preprocessing.height * preprocessing.width
    let pixels = views.parts.reduce(0) { sum, part in
      let squashed = part.windows.contains(.whole) ? own * max(1, part.squares.rawValue) : 0
      return part.scales.reduce(sum) { sum, scale in
        if case .shorterSide(let side) = scale {
          sum + side * side * 3 / 2 + squashed
        } else {
          sum + own
        }
      }
    }
    return preprocessing.channels * pixels
  }
}
