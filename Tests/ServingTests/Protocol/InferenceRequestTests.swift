import ConvNetServing
import ConvNetTestSupport
import Testing

@Suite("Requests of the Open Inference Protocol") struct InferenceRequestTests {
  private func request(_ text: String, tail: [UInt8]? = nil) throws -> InferenceRequest {
    let head = [UInt8](text.utf8)
    return try InferenceRequest(head + (tail ?? []), headLength: tail.map { _ in head.count })
  }

  private static let bytes: [UInt8] = [0, 0, 128, 63, 0, 0, 0, 192]

  @Test(
    "numbers stand flat or nested, before the shape or behind it",
    arguments: [
      #"{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2.5,-3e1,null]}]}"#,
      #"{"inputs":[{"data":[[1,2.5],[-30,null]],"name":"x","shape":[2,2],"datatype":"FP32"}]}"#,
      #" { "inputs" : [ { "data" : [ [ 1 , 2.5 ] , [ ] , [ [ -30 ] , null ] ], "name" : "x", "shape" : [ 2 , 2 ] , "datatype" : "FP32" } ] } "#,
    ])
  func json(text: String) throws {
    let input = try #require(try request(text).inputs.first)
    #expect(input.name == "x" && input.datatype == "FP32" && input.shape == [2, 2])
    #expect(input.values.prefix(3) == [1, 2.5, -30] && input.values[3].isNaN)
  }

  @Test("tensors in binary follow the JSON in the order of the inputs")
  func binary() throws {
    let text =
      #"{"id":"7","parameters":{"binary_data_output":true,"other":{"a":[1,{}]}},"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","parameters":{"binary_data_size":4}},{"name":"y","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}],"outputs":[{"name":"o","parameters":{"binary_data":false,"classification":3}},{"name":"p"}],"unknown":"\ud83d\ude00"}"#
    let request = try request(text, tail: Self.bytes)
    #expect(request.id == "7" && request.isBinary)
    #expect(request.inputs.map(\.values) == [[1], [-2]])
    #expect(request.outputs.map(\.name) == ["o", "p"])
    #expect(request.outputs.map(\.isBinary) == [false, nil])
    #expect(request.outputs.map(\.classification) == [3, 0])
  }

  @Test(
    "what does not fit is refused with the values",
    arguments: [
      ("[]", "'{'"), ("{", "a string"), ("{}x", "the end of the request"),
      (#"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1]}]}"#, "has 1 numbers"),
      (#"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32"}]}"#, "has 0 numbers"),
      (#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1,2]}]}"#, "no more than"),
      (#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":["1"]}]}"#, "a number"),
      (#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1-2]}]}"#, "a number"),
      (#"{"inputs":[{"name":"x","datatype":"FP32","data":[]}]}"#, "no shape"),
      (
        #"{"inputs":[{"name":"x","shape":[9223372036854775807,9],"datatype":"FP32","data":[1]}]}"#,
        "no shape that fits"
      ),
      (
        #"{"inputs":[{"name":"x","shape":[1099511627776],"datatype":"FP32","data":[1]}]}"#,
        "has 1 numbers"
      ),
      (#"{"inputs":[{"name":"x","shape":[-1],"datatype":"FP32","data":[1]}]}"#, "an integer"),
    ])
  func refusals(text: String, words: String) throws {
    let failure = #expect(throws: InferenceRequest.Failure.self) { try request(text) }
    #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "none")")
  }

  @Test(
    "sizes of binary tensors are held to the body",
    arguments: [
      (
        #"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","parameters":{"binary_data_size":9}}]}"#,
        "8 are left"
      ),
      (
        #"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","parameters":{"binary_data_size":-8}}]}"#,
        "8 are left"
      ),
      (
        #"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","parameters":{"binary_data_size":1e300}}]}"#,
        "8 are left"
      ),
      (
        #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":8}}]}"#,
        "needs 1 numbers"
      ),
      (
        #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","parameters":{"binary_data_size":8}}]}"#,
        "FP64"
      ),
      (
        #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}"#,
        "4 bytes follow"
      ),
    ])
  func binaryRefusals(text: String, words: String) throws {
    let failure = #expect(throws: InferenceRequest.Failure.self) {
      try request(text, tail: Self.bytes)
    }
    #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "none")")
  }

  @Test("a head that is longer than the body is refused", arguments: [-1, 3, Int.max])
  func heads(length: Int) {
    #expect(throws: InferenceRequest.Failure.self) {
      try InferenceRequest([UInt8]("{}".utf8), headLength: length)
    }
  }

  @Test("arrays in arrays without end cost no stack")
  func depth() {
    for opening in ["[", "{\"a\":["] {
      let deep = String(repeating: opening, count: 1 << 20)
      #expect(throws: InferenceRequest.Failure.self) {
        try request(#"{"inputs":[{"shape":[1],"data":"# + deep)
      }
      #expect(throws: InferenceRequest.Failure.self) { try request(#"{"other":"# + deep) }
    }
  }

  @Test("no part and no damaged form of a request ends the process")
  func mutations() {
    let text = [UInt8](
      #"{"id":"7","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[[1,2]]}],"outputs":[{"name":"o"}]}"#
        .utf8)
    for length in text.indices {
      #expect(throws: InferenceRequest.Failure.self) {
        try InferenceRequest(Array(text[..<length]), headLength: nil)
      }
      for byte in [UInt8(0), 0x22, 0x2C, 0x5B, 0x5D, 0x7B, 0x7D, 0xFF] {
        var other = text
        other[length] = byte
        _ = try? InferenceRequest(other, headLength: nil)
      }
    }
  }
}
