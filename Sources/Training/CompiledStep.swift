import CKernels
package import ConvNetEngine
import ConvNetTensors

/// A compiled step, in a box that can be kept in a collection.
package final class CompiledStep {
  package var executable: Executable
  let parameters: [OptimizedParameter]
  /// Of all parameters.
  let elementCount: Int
  /// Room for what each task adds to a sum of squares.
  private var squares: [Double] = []

  init(_ executable: consuming Executable, updating parameters: [OptimizedParameter] = []) {
    self.executable = executable
    self.parameters = parameters
    elementCount = parameters.reduce(0) { $0 + $1.count }
  }

  /// Of the labels that it reads.
  var labelsShape: Shape? { executable.inputShape(TrainingGraph.labelsName) }

  /// The sum of the squares of all gradients, in double precision, where no finite number's square overflows: it is finite
  /// where all gradients are.
  ///
  /// - Parameters:
  ///   - threads: of the executable: there are no more tasks.
  ///   - body: called by each task after its share, which then is in its caches.
  func sumOfSquares(
    threads: Int, _ body: (_ task: Int, _ tasks: Int) -> Void = { _, _ in }
  ) -> Double {
    let parameters = parameters
    let room = max(1, threads)
    if squares.count < room { squares = [Double](repeating: 0, count: room) }
    squares.withUnsafeMutableBufferPointer { squares in
      squares.update(repeating: 0)
      executable.share(workOn: elementCount) { task, tasks in
        squares[task] = parameters.reduce(0) { sum, parameter in
          let range = parameter.share(of: task, tasks)
          return sum
            + ck_sum_of_squares(
              UnsafePointer(parameter.gradient.baseAddress.map { $0 + range.lowerBound }),
              range.count)
        }
        body(task, tasks)
      }
    }
    return squares.reduce(0, +)
  }
}
