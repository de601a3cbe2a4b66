import CKernels
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// The kernels of dense layers against sums of products in double precision: weights in each form, whole and torn vectors and
/// panels, every number of examples that registers hold, and each set of instructions.
@Suite struct DenseKernelTests {
  @Test(
    "sums of whole numbers are exact in each form of weights, with bias, addend and ReLU",
    arguments: 1...40)
  func exactness(batch: Int) {
    let extents = [1, 7, 15, 16, 17, 33, 63, 64, 65, 130, 203, 1024, 1031, 2050]
    let (inputs, outputs) = (extents[batch * 5 % 14], extents[batch * 3 % 11])
    // They do not depend on how the kernels come by them.
    var sums: [Int: [Float]] = [:]
    for instructions in [CK_WIDEST, CK_AVX2, CK_PORTABLE] {
      for form in forms {
        for (variant, tasks) in [1, 2, 3, 2].enumerated() {
          let geometry = ck_dense(
            batch: batch, inputs: inputs, outputs: outputs, weights: form, adds: variant / 2 == 1,
            is_rectified: variant % 2 == 1, instructions: instructions)
          let data = DenseData(wholeNumbersFor: geometry, seed: UInt64(batch))
          let bias = variant == 0 ? nil : data.bias
          let expected = sums[variant] ?? data.expected(bias: bias).map { Float($0) }
          sums[variant] = expected
          #expect(
            data.run(bias: bias, tasks: tasks) == expected,
            "\(inputs) to \(outputs), form \(form.rawValue), instructions \(instructions.rawValue), \(tasks) tasks"
          )
        }
      }
    }
  }

  @Test("bfloat16 weights are off by at most 2^-8 of themselves")
  func bfloat16() {
    let data = DenseData(identityOf: 300, outputs: 70, weights: CK_DENSE_BFLOAT16)
    var largest: Float = 0
    for (kept, weight) in zip(data.keptWeights(), data.weights) {
      largest = max(largest, abs(kept - weight) / abs(weight))
      // No bits but the upper half.
      #expect(kept.bitPattern & 0xFFFF == 0)
    }
    #expect(largest <= 0x1p-8 && largest > 0x1p-9)
  }

  @Test("int8 weights are whole steps, off by at most half of one, and none is clipped")
  func int8() {
    let data = DenseData(identityOf: 300, outputs: 70, weights: CK_DENSE_INT8)
    let kept = data.keptWeights()
    for output in 0..<70 {
      let row = output * 300..<(output + 1) * 300
      let step = (data.weights[row].map(abs).max() ?? 0) / 127
      for index in row {
        #expect(abs(kept[index] - data.weights[index]) <= 0.50001 * step)
        let steps = kept[index] / step
        #expect(abs(steps - steps.rounded()) < 1e-4 && abs(steps) < 127.5)
      }
    }
  }

  @Test(
    "results of random numbers lie within the errors of their weights", arguments: [1, 3, 6, 14])
  func bounds(batch: Int) {
    for form in forms {
      let geometry = ck_dense(
        batch: batch, inputs: 3001, outputs: 77, weights: form, adds: false, is_rectified: false,
        instructions: CK_WIDEST)
      let data = DenseData(randomFor: geometry, seed: 9)
      let (actual, expected) = (data.run(bias: data.bias, tasks: 2), data.expected(bias: data.bias))
      for index in actual.indices {
        let (example, output) = (index / 77, index % 77)
        let row = data.weights[output * 3001..<(output + 1) * 3001]
        let x = data.input[example * 3001..<(example + 1) * 3001]
        let step = Double(row.map(abs).max() ?? 0) / 127
        var (bound, size) = (0.0, 0.0)
        for (x, weight) in zip(x, row) {
          size += abs(Double(x) * Double(weight))
          switch form {
          case CK_DENSE_BFLOAT16: bound += abs(Double(x) * Double(weight)) * 0x1p-8
          case CK_DENSE_INT8: bound += abs(Double(x)) * 0.50001 * step
          default: break
          }
        }
        // Rounding: of sums of a thousand products at most, with what they make together.
        #expect(abs(Double(actual[index]) - expected[index]) <= bound + 1e-5 * size)
      }
    }
  }

  @Test("an output says so where its weights are not finite, and only that; zeros stay zeros")
  func extremes() {
    for (form, value) in [
      (CK_DENSE_INT8, Float.infinity), (CK_DENSE_INT8, .nan), (CK_DENSE_BFLOAT16, .nan),
    ] {
      let geometry = ck_dense(
        batch: 1, inputs: 40, outputs: 5, weights: form, adds: false, is_rectified: false,
        instructions: CK_WIDEST)
      var data = DenseData(randomFor: geometry, seed: 2)
      data.weights[2 * 40 + 37] = value
      for index in 3 * 40..<4 * 40 { data.weights[index] = 0 }
      let results = data.run(bias: nil, tasks: 1)
      #expect(results.map(\.isNaN) == [false, false, true, false, false])
      #expect(results[3] == 0)
    }
  }

  private let forms = [CK_DENSE_FLOAT32, CK_DENSE_BFLOAT16, CK_DENSE_INT8]
}

/// Operands of a dense layer, what it makes of them in double precision, and the kernels' runs.
struct DenseData {
  let geometry: ck_dense
  var input, weights, bias, addend: [Float]

  /// Numbers that each form of weights holds exactly, and whose sums do not round.
  init(wholeNumbersFor geometry: ck_dense, seed: UInt64) {
    self.init(randomFor: geometry, seed: seed)
    input = input.map { ($0 * 3).rounded() }
    bias = bias.map { ($0 * 100).rounded() }
    addend = addend.map { ($0 * 100).rounded() }
    weights = weights.indices.map { index in
      // A row's step is the power of two that makes its largest magnitude 127 of them.
      let (row, column) = (index / geometry.inputs, index % geometry.inputs)
      let steps = column == row % geometry.inputs ? 127 : (weights[index] * 126).rounded()
      return steps * Float(1 << (row % 3))
    }
  }

  init(randomFor geometry: ck_dense, seed: UInt64) {
    self.geometry = geometry
    func random(_ count: Int, _ operand: UInt64) -> [Float] {
      Tensor.random([count], seed: seed * 10 + operand).elements
    }
    input = random(geometry.batch * geometry.inputs, 0)
    weights = random(geometry.outputs * geometry.inputs, 1)
    bias = random(geometry.outputs, 2)
    addend = random(geometry.batch * geometry.outputs, 3)
  }

  /// Examples that are one for one input each, so that the results are the weights.
  init(identityOf count: Int, outputs: Int, weights form: ck_dense_weights) {
    self.init(
      randomFor: ck_dense(
        batch: count, inputs: count, outputs: outputs, weights: form, adds: false,
        is_rectified: false, instructions: CK_WIDEST), seed: 7)
    for index in input.indices { input[index] = index / count == index % count ? 1 : 0 }
  }

  func expected(bias: [Float]?) -> [Double] {
    (0..<geometry.batch * geometry.outputs).map { index in
      let (example, output) = (index / geometry.outputs, index % geometry.outputs)
      var sum = (geometry.adds ? Double(addend[index]) : 0) + Double(bias?[output] ?? 0)
      for i in 0..<geometry.inputs {
        sum +=
          Double(input[example * geometry.inputs + i])
          * Double(weights[output * geometry.inputs + i])
      }
      return geometry.is_rectified ? max(0, sum) : sum
    }
  }

  func run(bias: [Float]?, tasks: Int) -> [Float] {
    let size = ck_dense_packed_size(geometry.weights, geometry.outputs, geometry.inputs)
    let guarding: UInt8 = 0xA5
    var packed = [UInt8](repeating: guarding, count: size + 64)
    var result = addend + [Float](repeating: 12345, count: 32)
    let isPacked = geometry.weights != CK_DENSE_FLOAT32
    withUnsafePointer(to: geometry) { geometry in
      if isPacked {
        ck_dense_pack(
          &packed, weights, geometry.pointee.weights, geometry.pointee.outputs,
          geometry.pointee.inputs, Int32(tasks))
        ck_dense_forward(geometry, &result, input, packed, bias, Int32(tasks))
      } else {
        ck_dense_forward(geometry, &result, input, weights, bias, Int32(tasks))
      }
    }
    // Nothing is written behind the packed weights or the results.
    #expect(!isPacked || packed.suffix(64).allSatisfy { $0 == guarding })
    #expect(result.suffix(32).allSatisfy { $0 == 12345 })
    return Array(result.dropLast(32))
  }

  /// The weights as the kernel has them, of examples that are one for one input each.
  func keptWeights() -> [Float] {
    let results = run(bias: nil, tasks: 2)
    let (inputs, outputs) = (geometry.inputs, geometry.outputs)
    return (0..<inputs * outputs).map { results[$0 % inputs * outputs + $0 / inputs] }
  }
}
