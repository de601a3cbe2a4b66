import ConvNetEngine
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

/// Reads what the writer wrote, from the format's description alone.
private struct EventReader {
  var rest: ArraySlice<UInt8>

  init(_ bytes: some Sequence<UInt8>) { rest = ArraySlice(bytes) }

  mutating func take(_ count: Int) throws -> [UInt8] {
    try #require(rest.count >= count)
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  mutating func integer(_ byteCount: Int) throws -> UInt64 {
    try take(byteCount).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func varint() throws -> UInt64 {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while true {
      let byte = try integer(1)
      value |= (byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }

  /// The data of a record, both of whose check sums are right.
  mutating func record() throws -> [UInt8] {
    let length = try take(8)
    #expect(try integer(4) == Self.masked(length))
    let data = try take(Int(length.reversed().reduce(0) { $0 << 8 | UInt64($1) }))
    #expect(try integer(4) == Self.masked(data))
    return data
  }

  private static func masked(_ bytes: [UInt8]) -> UInt64 {
    let sum = UInt64(checkSumCastagnoli(bytes))
    return (((sum >> 15 | sum << 17) & 0xFFFF_FFFF) + 0xA282_EAD8) & 0xFFFF_FFFF
  }

  /// The fields of a message: numbers of any wire type as bits, bytes as they are.
  static func fields(_ bytes: [UInt8]) throws -> [(field: Int, number: UInt64, bytes: [UInt8])] {
    var reader = EventReader(bytes)
    var fields: [(field: Int, number: UInt64, bytes: [UInt8])] = []
    while !reader.rest.isEmpty {
      let key = try reader.varint()
      let field = Int(key >> 3)
      switch key & 7 {
      case 0: fields.append((field, try reader.varint(), []))
      case 1: fields.append((field, try reader.integer(8), []))
      case 2: fields.append((field, 0, try reader.take(Int(reader.varint()))))
      case 5: fields.append((field, try reader.integer(4), []))
      default: Issue.record("wire type \(key & 7)")
      }
    }
    return fields
  }
}

@Suite("Event file") struct EventFileTests {
  @Test(
    "CRC-32C has its published values (RFC 3720, section B.4)",
    arguments: [
      ([UInt8]("123456789".utf8), 0xE306_9283), ([], 0),
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      ([UInt8](0..<32), 0x46DD_794E), ([UInt8]((0..<32).reversed()), 0x113F_DB5C),
    ] as [([UInt8], UInt32)])
  func checkSum(bytes: [UInt8], expected: UInt32) {
    #expect(checkSumCastagnoli(bytes) == expected)
  }

  @Test("the first record names the version, the others hold time, step and scalars")
  func contents() throws {
    var file = EventFile(wallTime: 1000.5)
    file.append([("loss", 0.25), ("Genauigkeit, größte", 1)], step: 300, wallTime: 1001)
    file.append([("loss", .infinity)], step: 301, wallTime: 1002)
    var reader = EventReader(file.bytes)

    let version = try EventReader.fields(reader.record())
    #expect(version.map(\.field) == [1, 3])
    #expect(Double(bitPattern: version[0].number) == 1000.5)
    #expect(version[1].bytes == [UInt8]("brain.Event:2".utf8))

    var scalars: [String] = []
    while !reader.rest.isEmpty {
      let event = try EventReader.fields(reader.record())
      #expect(event.map(\.field) == [1, 2, 5])
      for value in try EventReader.fields(event[2].bytes) {
        let parts = try EventReader.fields(value.bytes)
        #expect(value.field == 1 && parts.map(\.field) == [1, 2])
        let number = Float(bitPattern: UInt32(parts[1].number))
        scalars.append(
          "\(event[1].number) \(String(decoding: parts[0].bytes, as: UTF8.self)) \(number)")
      }
    }
    #expect(scalars == ["300 loss 0.25", "300 Genauigkeit, größte 1.0", "301 loss inf"])
  }

  @Test("an epoch is one record, and a history written again is the same file")
  func history() throws {
    let directory = try TemporaryDirectory()
    let data = try syntheticData(count: 24, extent: 8)
    var model = Model(smallNetwork())
    var history: [EpochReport] = []
    try momentumTrainer.fit(&model, on: data, validating: data, epochs: 3) { history.append($0) }
    let path = directory.file(EventFile.name)
    try EventFile(Array(history.prefix(2))).write(to: path)
    let early = try fileBytes(path)
    try EventFile(history).write(to: path)
    let whole = try fileBytes(path)
    #expect(whole.starts(with: early))
    #expect(try directory.contents() == [EventFile.name])

    var reader = EventReader(whole)
    _ = try reader.record()
    for report in history {
      let event = try EventReader.fields(reader.record())
      #expect(event[1].number == UInt64(report.step ?? 0))
      #expect(Double(bitPattern: event[0].number) == report.endTime)
      let tags = try EventReader.fields(event[2].bytes).map { value in
        String(decoding: try EventReader.fields(value.bytes)[0].bytes, as: UTF8.self)
      }
      #expect(
        tags == [
          "loss/training", "accuracy/training", "learning rate", "loss/validation",
          "accuracy/validation",
        ])
    }
    #expect(reader.rest.isEmpty)
  }

  @Test(
    "a training's file has histograms of its kernels and gradients each epoch, and its first pictures once"
  )
  func histograms() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try folder.create()
    let data = try syntheticData(count: 48, extent: 8)
    var model = Model(smallNetwork(), seed: 1)
    try momentumTrainer.fit(&model, on: data, epochs: 2, loggers: [RunLog(folder)])
    var reader = EventReader(try fileBytes(folder.eventsPath))
    var found: [String: [(step: UInt64, value: [(field: Int, number: UInt64, bytes: [UInt8])])]] =
      [:]
    while !reader.rest.isEmpty {
      let event = try EventReader.fields(reader.record())
      for value in try event.filter({ $0.field == 5 }).flatMap({ try EventReader.fields($0.bytes) })
      {
        let parts = try EventReader.fields(value.bytes)
        guard let content = parts.first(where: { $0.field == 4 || $0.field == 5 }) else { continue }
        let tag = String(decoding: parts[0].bytes, as: UTF8.self)
        found[tag, default: []].append((event[1].number, try EventReader.fields(content.bytes)))
      }
    }
    let kernels = ["conv1.weight", "dense1.weight"]
    let names = kernels.flatMap { ["weights/\($0)", "gradients/\($0)"] }
    #expect(Set(found.keys) == Set(names + (1...8).map { "first batch/\($0)" }))
    for name in names { #expect(found[name]?.map(\.step) == [3, 6], "\(name)") }
    func doubles(_ bytes: [UInt8]) throws -> [Double] {
      var reader = EventReader(bytes)
      return try (0..<bytes.count / 8).map { _ in Double(bitPattern: try reader.integer(8)) }
    }
    for name in kernels {
      let values = try #require(model.parameters[name]).elements.map(Double.init)
      let last = try #require(found["weights/\(name)"]?.last?.value)
      let numbers = last.prefix(5).map { Double(bitPattern: $0.number) }
      #expect(numbers[0] == values.min() && numbers[1] == values.max())
      #expect(numbers[2] == Double(values.count))
      #expect(abs(numbers[3] - values.reduce(0, +)) < 1e-9)
      #expect(abs(numbers[4] - values.reduce(0) { $0 + $1 * $1 }) < 1e-9)
      let (limits, counts) = (try doubles(last[5].bytes), try doubles(last[6].bytes))
      #expect(limits.count == counts.count && limits.last == values.max())
      #expect(counts.reduce(0, +) == Double(values.count))
      // About as many below each limit as there are.
      for (place, limit) in limits.enumerated() {
        let below = counts[...place].reduce(0, +)
        #expect(abs(below - Double(values.count { $0 <= limit })) <= 1, "\(name), \(place)")
      }
    }
    for picture in 1...8 {
      let image = try #require(found["first batch/\(picture)"])
      #expect(image.map(\.step) == [1])
      let parts = image[0].value
      #expect(parts.prefix(3).map(\.number) == [8, 8, 1])
      try directory.write(parts[3].bytes, to: "picture.png")
      let read = try Image(contentsOf: directory.file("picture.png"))
      #expect(read.height == 8 && read.width == 8)
    }
  }
}
