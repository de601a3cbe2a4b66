import ConvNet

/// What a file of weights without a network holds.
struct WeightTable: Encodable {
  struct Row: Encodable {
    var name: String
    var shape: [Int]
    var elementType: ElementType
  }

  var file: String
  var format: WeightFormat.RawValue
  var elements: Int
  var notes: [String]
  var tensors: [Row]

  init(_ file: WeightFile) {
    self.file = file.path
    format = file.format.rawValue
    elements = file.entries.reduce(0) { $0 + $1.shape.count }
    let network = file.row?.entry.name ?? file.network
    notes = file.notes + (network.map { ["the parameters of \($0)"] } ?? [])
    tensors = file.entries.map {
      Row(name: $0.name, shape: $0.shape.dimensions, elementType: $0.elementType)
    }
  }

  var table: Table {
    var table = Table(
      [
        .init("tensor", leastWidth: 16), .init("shape", .right),
        .init("elements", dispensability: 2),
        .init("numbers", .right, dispensability: 1),
      ], footer: [plural(tensors.count, "tensor"), "", "", HumanReadable.count(elements)])
    for tensor in tensors {
      let shape = Shape(tensor.shape)
      table.append([
        tensor.name, shape.description, tensor.elementType.rawValue,
        HumanReadable.count(shape.count),
      ])
    }
    return table
  }
}
