import CKernels
import COneDNN
import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors

// Dense layers by our own kernels, `CKernels/dense.c`, which read each weight once.

extension Lowering {
  /// A small batch reads each weight for a few products only: memory sets the time, and our kernel reads at its speed.
  ///
  /// - Returns: false where the batch is larger, or the layer computes more than products, bias and ReLU.
  mutating func lowerAsStored(_ dense: Operation.Dense, _ operation: Operation) throws -> Bool {
    // The sums of more examples do not fit into the registers, and the library is faster.
    let largestBatch = 4
    let isRectified = dense.fused == [.activation(.relu)]
    guard shape(operation.inputs[0])[0] <= largestBatch, dense.fused.isEmpty || isRectified
    else { return false }
    let geometry = denseGeometry(of: operation, isRectified: isRectified)
    let sources = [try readRowMajor(operation.inputs[0]), try readRowMajor(operation.inputs[1])]
    let result = make(operation.outputs[0], try .rowMajor(shape(operation.outputs[0])))
    emitDense(
      "dense as stored", dense, geometry, input: sources[0], weights: sources[1], result,
      for: operation)
    return true
  }

  /// Weights of fewer bits, of which the plan keeps no others.
  ///
  /// - Returns: false where the options ask for single precision, or the weights change from run to run.
  mutating func lowerPacked(_ dense: Operation.Dense, _ operation: Operation) throws -> Bool {
    let (name, form): (String, ck_dense_weights)
    switch options.compute.denseWeights {
    case .float32: return false
    case .bfloat16: (name, form) = ("bfloat16", CK_DENSE_BFLOAT16)
    case .int8: (name, form) = ("int8", CK_DENSE_INT8)
    }
    let weights = try readRowMajor(operation.inputs[1])
    guard isConstant(operation.inputs[1]) else { return false }
    let isRectified = dense.fused.last == .activation(.relu)
    let adds = dense.fused.contains(.addition)
    let geometry = denseGeometry(of: operation, form, adds: adds, isRectified: isRectified)
    let (outputs, inputs, tasks) = (
      geometry.outputs, geometry.inputs, Int32(clamping: options.threads)
    )
    let layout = try Layout.rowMajor([ck_dense_packed_size(form, outputs, inputs)], CDNN_U8)
    let packed = derive("packed \(name)", layout, from: weights, for: operation) {
      ck_dense_pack($0, $1, form, outputs, inputs, tasks)
    }
    let input = try readRowMajor(operation.inputs[0])
    let result = try placeResult(
      operation, try .rowMajor(shape(operation.outputs[0])), adds: adds, reading: [input])
    emitDense(
      "dense \(name)", dense, geometry, input: input, weights: packed, result, for: operation)
    if case .activation(let function) = dense.fused.last, !isRectified {
      try emitActivation(function, result, for: operation)
    }
    return true
  }

  private func denseGeometry(
    of operation: Operation, _ form: ck_dense_weights = CK_DENSE_FLOAT32, adds: Bool = false,
    isRectified: Bool
  ) -> ck_dense {
    let (input, kernel) = (shape(operation.inputs[0]), shape(operation.inputs[1]))
    return ck_dense(
      batch: input[0], inputs: kernel[1], outputs: kernel[0], weights: form, adds: adds,
      is_rectified: isRectified, instructions: Processor.current.kernelInstructions)
  }

  private mutating func emitDense(
    _ name: String, _ dense: Operation.Dense, _ geometry: ck_dense, input: Place, weights: Place,
    _ result: Place, for operation: Operation
  ) {
    var places = KernelPlaces()
    // What it adds to lies there.
    let to = geometry.adds ? places.changes(result, as: Float.self) : places.writes(result)
    let (from, kernel) = (places.reads(input), places.reads(weights, as: UInt8.self))
    let bias = places.reads(ifAny: dense.hasBias ? read(operation.inputs[2]) : nil)
    let tasks = Int32(clamping: options.threads)
    emitKernel(name, places, for: operation, multiplyAdds: multiplyAdds(of: operation)) {
      memory, _ in
      withUnsafePointer(to: geometry) {
        ck_dense_forward(
          $0, memory[to], memory[from], memory[kernel], memory[ifAny: bias], tasks)
      }
    }
  }
}
