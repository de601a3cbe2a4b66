import ConvNetEvaluation
import ConvNetFiles
import ConvNetImages
import ConvNetInference
import ConvNetInsight
import ConvNetLayers
import Foundation

// `POST /v1/models/NAME:classify`: pictures as files, one as the body or several as multipart.
extension PictureService {
  private struct Picture {
    var name: String
    var bytes: [UInt8]
  }

  /// What is wanted of each picture.
  private struct Wish {
    /// Answers of a picture at most, as the request says it.
    var top: Int?
    /// The least probability of a label that is told.
    var threshold: Float = 0.5
    var views: Views?
    var explains: Bool
    /// The class that is explained; `nil` for the likeliest.
    var classIndex: Int?
  }

  private struct Answer: Encodable {
    struct Row: Encodable {
      struct Prediction: Encodable {
        var label: String
        var index: Int
        /// Of classes and labels.
        var probability: Float?
        /// Of numbers.
        var value: Float?
      }

      struct Explanation: Encodable {
        var method = "grad-cam"
        var layer: String
        var label: String
        var index: Int
        /// A PNG file in base 64: the picture as the network sees it, in grey, and where it saw the class.
        var picture: String
      }

      var file: String
      var predictions: [Prediction]?
      /// Scores that are not finite, where there are any: there is no answer then.
      var nonFinite: Int?
      var explanation: Explanation?
      var error: String?
    }

    var model: String
    var version: String
    /// The protocol, where one was asked for.
    var views: String?
    /// From the last byte of the request.
    var seconds: Double
    var pictures: [Row]
  }

  private struct Outcome {
    var row: Answer.Row
    /// The picture of the explanation.
    var png: [UInt8]?
    var failure: ServiceResponse?
  }

  func classify(_ request: ServiceRequest, _ model: ServedModel) async throws -> ServiceResponse {
    let start = ContinuousClock.now
    guard let preprocessing = model.preprocessing else {
      throw InferenceError.noPreprocessing(model: model.card.network)
    }
    let wish = try wish(request, model, preprocessing)
    let pictures = try pictures(request)
    let outcomes = try await admission.admit(pictures.count) {
      await withTaskGroup(of: (Int, Outcome).self) { group in
        for (place, picture) in pictures.enumerated() {
          group.addTask { [self] in
            (place, await outcome(of: picture, model, preprocessing, wish))
          }
        }
        var outcomes = [Outcome?](repeating: nil, count: pictures.count)
        for await (place, outcome) in group { outcomes[place] = outcome }
        return outcomes.compactMap { $0 }
      }
    }
    metrics.count(
      "convnet_pictures_total", [("model", model.name)],
      by: Double(outcomes.count { $0.failure == nil }))
    // Of several, each has its own answer; of one, or where all are bad, the failure is the request's.
    if let failure = outcomes.first?.failure, outcomes.allSatisfy({ $0.failure != nil }) {
      return failure
    }
    if wish.explains, outcomes.count == 1, let png = outcomes[0].png,
      request.headers["accept"]?.lowercased().hasPrefix("image/png") == true
    {
      return ServiceResponse(200, png, type: "image/png")
    }
    let seconds = (ContinuousClock.now - start).seconds
    return try ServiceResponse(
      json: Answer(
        model: model.name, version: "\(model.version)", views: wish.views?.description,
        seconds: (seconds * 1e6).rounded() / 1e6, pictures: outcomes.map(\.row)))
  }

  private func wish(
    _ request: ServiceRequest, _ model: ServedModel, _ preprocessing: Preprocessing
  ) throws -> Wish {
    let known = ["top", "threshold", "views", "explain", "class", "name"]
    if let other = request.query.keys.filter({ !known.contains($0) }).min() {
      throw Refusal(400, "unknown parameter \(other); there are \(known.joined(separator: ", "))")
    }
    var wish = Wish(explains: false)
    if let text = request.query["threshold"] {
      guard let threshold = Float(text), 0...1 ~= threshold else {
        throw Refusal(400, "threshold is \(text), must be a probability from 0 to 1")
      }
      wish.threshold = threshold
    }
    if let text = request.query["top"] {
      guard let top = Int(text), top > 0 else {
        throw Refusal(400, "top is \(text), must be a number of classes, at least 1")
      }
      wish.top = top
    }
    if let name = request.query["views"] {
      wish.views = try Views.named(name, for: preprocessing, trainedWith: model.augmentation)
    }
    if let method = request.query["explain"] {
      guard method == "grad-cam" else {
        throw Refusal(400, "unknown explanation \(method); there is grad-cam")
      }
      guard model.card.explainedLayer != nil else {
        throw Refusal(400, "\(model.name) has no layer with height and width to explain")
      }
      wish.explains = true
    }
    if let name = request.query["class"] {
      let index =
        model.classNames.firstIndex(of: name)
        ?? Int(name).flatMap { 0..<model.card.classCount ~= $0 ? $0 : nil }
      guard let index else {
        let nearest = nearestNames(to: name, among: model.classNames)
        throw Refusal(
          400,
          "\(model.name) has no class \(name); "
            + (nearest.isEmpty
              ? "classes have names or numbers from 0 to \(model.card.classCount - 1)"
              : "did you mean \(nearest.joined(separator: " or "))?"))
      }
      wish.classIndex = index
    }
    return wish
  }

  private func pictures(_ request: ServiceRequest) throws -> [Picture] {
    let type = request.headers["content-type"] ?? ""
    guard type.lowercased().hasPrefix("multipart/") else {
      guard !request.body.isEmpty else {
        throw Refusal(400, "the body is empty; send a picture file")
      }
      return [Picture(name: request.query["name"] ?? "picture", bytes: request.body)]
    }
    // More would not be accepted anyway.
    let limit = max(limits.pictures, 16)
    let parts = try MultipartBody(request.body, contentType: type, limit: limit).parts
    guard !parts.isEmpty else {
      throw Refusal(400, "the body has no part; send a picture file in each")
    }
    return parts.enumerated().map { place, part in
      Picture(
        name: part.fileName ?? part.name ?? "picture \(place + 1)",
        bytes: Array(request.body[part.range]))
    }
  }

  private static func predictions(
    _ classification: Classification, _ wish: Wish
  ) -> [Answer.Row.Prediction] {
    let told: [Classification.RankedClass]
    switch classification.targetKind {
    case .classes: told = classification.top(wish.top ?? 5)
    case .labels:
      told = Array(classification.labels(from: wish.threshold).prefix(wish.top ?? .max))
    case .numbers:
      return classification.namedNumbers.map {
        .init(label: $0.label, index: $0.index, value: $0.value)
      }
    }
    return told.map { .init(label: $0.label, index: $0.index, probability: $0.probability) }
  }

  private func outcome(
    of picture: Picture, _ model: ServedModel, _ preprocessing: Preprocessing, _ wish: Wish
  ) async -> Outcome {
    var row = Answer.Row(file: picture.name)
    do {
      let prepared = try await preparation.prepared(
        .init(
          bytes: picture.bytes, name: picture.name, preprocessing: preprocessing,
          pixelLimit: limits.pixels, keepsImage: wish.views != nil || wish.explains))
      let classification: Classification
      if let views = wish.views, let image = prepared.image {
        classification = try await model.classification(of: image, by: views)
      } else {
        classification = try await model.classification(of: prepared.row)
      }
      row.predictions = Self.predictions(classification, wish)
      if classification.nonFiniteCount > 0 { row.nonFinite = classification.nonFiniteCount }
      var png: [UInt8]?
      if wish.explains, let image = prepared.image,
        let index = wish.classIndex ?? row.predictions?.first?.index
      {
        let (attribution, layer) = try await model.gradCAM(of: prepared.row, classIndex: index)
        let base = preprocessing.fitted(image).enlarged(to: 224)
        let plane = attribution.plane
        let drawn = try plane.overlay(on: base, .heat, unit: plane.largestMagnitude).encodedPNG()
        png = drawn
        row.explanation = .init(
          layer: layer, label: model.classNames.className(index), index: index,
          picture: Data(drawn).base64EncodedString())
      }
      return Outcome(row: row, png: png)
    } catch {
      row.error = "\(error)"
      return Outcome(row: row, failure: failure(error))
    }
  }
}
