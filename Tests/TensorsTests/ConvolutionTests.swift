import ConvNetTensors
import Testing

@Suite("Convolution as the lecture defines it")
struct ConvolutionTests {
  @Test("Vectors: the kernel is flipped in convolution only")
  func vectors() throws {
    // numpy.convolve(x, w, "valid") and numpy.correlate(x, w, "valid").
    let x: [Float] = [1, 2, 4, 8, 16]
    let w: [Float] = [1, 10, 100]
    #expect(try convolution(x, with: w) == [124, 248, 496])
    #expect(try crossCorrelation(x, with: w) == [421, 842, 1684])
  }

  @Test("A picture, one channel, both directions and two strides")
  func picture() throws {
    let image = Tensor((0..<20).map(Float.init), shape: [4, 5, 1])
    let kernel = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2, 1, 1])
    // Row i, column j of the valid cross-correlation: x + 2 (x + 1) + 3 (x + 5) + 4 (x + 6) at x =
    // 5 i + j.
    let valid = try crossCorrelation(image, with: kernel)
    #expect(valid.shape == [3, 4, 1])
    for i in 0..<3 {
      for j in 0..<4 { #expect(valid[i, j, 0] == Float(10 * (5 * i + j) + 41)) }
    }
    let flipped = try convolution(image, with: kernel)
    #expect(flipped[1, 2, 0] == Float(10 * 7 + 19))
    let strided = try crossCorrelation(image, with: kernel, stride: 2)
    #expect(strided.elements == [41, 61, 141, 161])
  }

  @Test("Every output channel sums over every input channel")
  func channels() throws {
    let image = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [1, 2, 3])
    let kernel = Tensor((0..<12).map(Float.init), shape: [1, 2, 3, 2])
    // Output o: sum over n, c of image[n, c] * (6 n + 2 c + o).
    #expect(try crossCorrelation(image, with: kernel).elements == [140, 161])
    // Flipped along the width: image[n, c] * (6 (1 - n) + 2 c + o).
    #expect(try convolution(image, with: kernel).elements == [86, 107])
  }

  @Test("Convolution with a unit impulse gives the kernel, cross-correlation its mirror image")
  func impulse() throws {
    var image = Tensor(zeros: [5, 5, 1])
    image[2, 2, 0] = 1
    let kernel = Tensor((1...9).map(Float.init), shape: [3, 3, 1, 1])
    #expect(try convolution(image, with: kernel).elements == kernel.elements)
    #expect(try crossCorrelation(image, with: kernel).elements == kernel.elements.reversed())
  }

  @Test("Shapes that do not fit are refused with their values")
  func refusals() {
    let image = Tensor(zeros: [4, 4, 2])
    func problem(_ kernel: Tensor, stride: Int = 1) -> ConvolutionError.Problem? {
      #expect(throws: ConvolutionError.self) {
        try crossCorrelation(image, with: kernel, stride: stride)
      }?.problem
    }
    #expect(problem(Tensor(zeros: [3, 3, 2])) == .rank(expected: 4, actual: [3, 3, 2]))
    #expect(problem(Tensor(zeros: [3, 3, 1, 1])) == .channels(image: 2, kernel: 1))
    #expect(
      problem(Tensor(zeros: [5, 3, 2, 1])) == .kernelDoesNotFit(kernel: [5, 3], input: [4, 4]))
    #expect(problem(Tensor(zeros: [3, 3, 2, 1]), stride: 0) == .stride(0))
    #expect(
      problem(Tensor(zeros: [3, 3, 2, 1], elementType: .int8)) == .elementType(.int8))
    #expect(throws: ConvolutionError.self) { try convolution([1], with: []) }
  }
}
