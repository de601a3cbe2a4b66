import ConvNetFiles

/// What the Open Inference Protocol has a server say of itself.
struct ServerMetadata: Encodable {
  var name = "convnet"
  var version = packageVersion
  var extensions = ["binary_tensor_data", "classification", "model_repository"]
}

/// What it has a server say of a model.
struct ModelMetadata: Encodable {
  struct Tensor: Encodable {
    var name: String
    var datatype = "FP32"
    /// -1 for any number of examples.
    var shape: [Int]
  }

  var name: String
  var versions: [String]
  var platform = "convnet"
  var inputs: [Tensor]
  var outputs: [Tensor]

  init(_ model: ServedModel) {
    name = model.name
    versions = ["\(model.version)"]
    inputs = [.init(name: model.inputName, shape: [-1] + model.inputShape)]
    outputs = [.init(name: model.outputName, shape: [-1] + model.outputShape)]
  }
}

/// A row of the list of models.
struct ModelIndexRow: Encodable {
  var name: String
  var version: String?
  var state: String
  var reason = ""

  init(_ name: String, _ model: ServedModel?) {
    self.name = name
    version = model.map { "\($0.version)" }
    state = model == nil ? "UNAVAILABLE" : "READY"
  }
}

extension PictureService {
  /// Whether every model that is to serve does.
  var isReady: Bool { store.models.count == store.sources.count }

  var modelIndex: [ModelIndexRow] {
    store.sources.map { ModelIndexRow($0.name, store[$0.name]) }
  }
}
