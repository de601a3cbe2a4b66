import ConvNetFiles
import ConvNetImages
import ConvNetInference
import ConvNetLayers

/// A picture that a protocol cannot show.
struct UnfitPicture: ReadableError {
  var reason: String
  var description: String { reason }
}

/// Views that are made once for all models that prepare pictures alike.
struct PreparationKind: Sendable {
  var preprocessing: Preprocessing
  var views: Views

  static func all(of candidates: [ProtocolEvaluation.Candidate]) throws -> [PreparationKind] {
    var kinds: [PreparationKind] = []
    for candidate in candidates {
      let preprocessing = try candidate.model.requiredPreprocessing()
      for views in candidate.views where !kinds.contains(where: { $0.is(preprocessing, views) }) {
        if views.needsWholePictures, preprocessing.meanPicture != nil {
          throw ViewsError.meanPicture(model: candidate.name)
        }
        // A protocol whose windows do not fit the network shows on any picture: here, before one is read.
        _ = try views.views(
          ofHeight: preprocessing.height, width: preprocessing.width, input: preprocessing)
        kinds.append(PreparationKind(preprocessing: preprocessing, views: views))
      }
    }
    return kinds
  }

  private func `is`(_ preprocessing: Preprocessing, _ views: Views) -> Bool {
    self.preprocessing == preprocessing && self.views.parts == views.parts
  }

  func matches(_ candidate: ProtocolEvaluation.Candidate, _ row: Int) -> Bool {
    candidate.model.preprocessing.map { self.is($0, candidate.views[row]) } ?? false
  }

  /// Of a picture's numbers, about.
  var byteCount: Int {
    let own = preprocessing.height * preprocessing.width
    let pixels = views.parts.reduce(0) { sum, part in
      let dense = part.windows.contains(.dense)
      let sides = part.scales.map { scale in
        if case .shorterSide(let side) = scale, dense { side * side * 3 / 2 } else { own }
      }
      return sum + (sides.max() ?? own) * part.count
    }
    return 4 * preprocessing.channels * pixels
  }
}
