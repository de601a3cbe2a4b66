import ConvNetEngine
import ConvNetGraphs
import ConvNetInsight
import ConvNetReports
import ConvNetTensors
import Foundation
import Testing

@Suite("The arithmetic of windows is the engine's") struct ArithmeticTests {
  private static let paddings: [Padding] = [
    .valid, .same, .symmetric(1), .symmetric(2), .explicit([.init(before: 0, after: 1)]),
    .explicit([.init(before: 2, after: 1)]),
  ]

  /// The extent that the graph infers, with which the engine computes; `nil` where it refuses.
  private static func inferred(
    _ kind: WindowKind, input: Int, kernel: Int, stride: Int, dilation: Int, padding: Padding,
    outputPadding: Int, ceil: Bool
  ) -> Int? {
    var graph = Graph(name: "window")
    let value = graph.addInput("x", ValueType([1, 1, input]))
    let weight = graph.addInput("w", ValueType([1, 1, kernel]))
    do throws(GraphError) {
      let result =
        switch kind {
        case .convolution:
          try graph.append(
            Operation.Convolution(
              strides: [stride], dilations: [dilation], padding: padding, hasBias: false),
            to: value, weight, name: "y")
        case .transposedConvolution:
          try graph.append(
            Operation.TransposedConvolution(
              strides: [stride], dilations: [dilation], padding: padding,
              outputPadding: [outputPadding], hasBias: false), to: value, weight, name: "y")
        case .maxPooling:
          try graph.append(
            Operation.MaxPooling(
              window: [kernel], strides: [stride], padding: padding, ceilMode: ceil),
            to: value, name: "y")
        case .averagePooling:
          try graph.append(
            Operation.AveragePooling(
              window: [kernel], strides: [stride], padding: padding, ceilMode: ceil),
            to: value, name: "y")
        }
      return graph[result].shape[2]
    } catch {
      return nil
    }
  }

  @Test(
    "the size of the output, of every combination, and what is refused",
    arguments: WindowKind.allCases)
  func sizes(kind: WindowKind) {
    let isPooling = kind == .maxPooling || kind == .averagePooling
    var (accepted, refused) = (0, 0)
    for input in 1...9 {
      for kernel in 1...4 {
        for stride in 1...3 {
          for dilation in isPooling ? [1] : [1, 2, 3] {
            for padding in Self.paddings {
              for option in 0...1 {
                let outputPadding = kind == .transposedConvolution ? option : 0
                let ceil = isPooling && option == 1
                let expected = Self.inferred(
                  kind, input: input, kernel: kernel, stride: stride, dilation: dilation,
                  padding: padding, outputPadding: outputPadding, ceil: ceil)
                let axis = try? AxisArithmetic(
                  kind, input: input, kernel: kernel, stride: stride, dilation: dilation,
                  padding: padding, outputPadding: outputPadding, roundsUp: ceil)
                #expect(
                  axis?.output == expected,
                  "\(kind) \(input) \(kernel) \(stride) \(dilation) \(padding) \(option)")
                if let axis {
                  accepted += 1
                  #expect(axis.formula.hasSuffix(" = \(axis.output)"))
                } else {
                  refused += 1
                }
              }
            }
          }
        }
      }
    }
    #expect(accepted > 500 && refused > 50, "\(accepted) \(refused)")
  }

  @Test(
    "what lies under the window at each position is what the engine sums",
    arguments: WindowKind.allCases)
  func taps(kind: WindowKind) throws {
    for (input, kernel, stride, dilation, padding) in [
      (7, 3, 2, 1, Padding.same), (8, 3, 2, 1, .same), (6, 2, 1, 2, .symmetric(1)),
      (9, 3, 3, 1, .explicit([.init(before: 1, after: 0)])), (5, 4, 1, 1, .symmetric(2)),
      (4, 3, 2, 2, .symmetric(1)), (3, 2, 3, 1, .valid),
    ] {
      guard
        let axis = try? AxisArithmetic(
          kind, input: input, kernel: kernel, stride: stride, dilation: dilation, padding: padding)
      else { continue }
      let x = (0..<input).map { Float(($0 * 7) % 5) - 1.5 }
      let w = (0..<kernel).map { Float($0 * $0) + 1 }
      var graph = Graph(name: "window")
      let value = graph.addInput("x", ValueType([1, 1, input]))
      let weight = graph.addParameter("w", [1, 1, kernel], .kernel)
      let expected = (0..<axis.output).map { position -> Float in
        let under = axis.taps(at: position).map { tap -> Float? in
          guard kind == .transposedConvolution else {
            return x.indices.contains(tap) ? x[tap] : nil
          }
          return tap % stride == 0 && x.indices.contains(tap / stride) ? x[tap / stride] : 0
        }
        switch kind {
        case .convolution: return zip(under, w).reduce(0) { $0 + ($1.0 ?? 0) * $1.1 }
        case .transposedConvolution:
          return zip(under, w.reversed()).reduce(0) { $0 + ($1.0 ?? 0) * $1.1 }
        case .maxPooling: return under.compactMap { $0 }.max() ?? 0
        case .averagePooling:
          let there = under.compactMap { $0 }
          return there.reduce(0, +) / Float(there.count)
        }
      }
      let result =
        switch kind {
        case .convolution:
          try graph.append(
            Operation.Convolution(
              strides: [stride], dilations: [dilation], padding: padding, hasBias: false),
            to: value, weight, name: "y")
        case .transposedConvolution:
          try graph.append(
            Operation.TransposedConvolution(
              strides: [stride], dilations: [dilation], padding: padding, hasBias: false),
            to: value, weight, name: "y")
        case .maxPooling:
          try graph.append(
            Operation.MaxPooling(window: [kernel], strides: [stride], padding: padding),
            to: value, name: "y")
        case .averagePooling:
          try graph.append(
            Operation.AveragePooling(
              window: [kernel], strides: [stride], padding: padding, countIncludesPadding: false),
            to: value, name: "y")
        }
      graph.addOutput("y", result)
      var executable = try Executable(
        graph, parameters: ["w": Tensor(w, shape: [1, 1, kernel])],
        options: CompilationOptions(inputFormat: .channelsFirst))
      let y = try #require(
        try executable.run(["x": Tensor(x, shape: [1, 1, input])])["y"]
      ).elements
      #expect(y.count == expected.count)
      #expect(
        zip(y, expected).allSatisfy { abs($0 - $1) < 1e-4 },
        "\(kind) \(input) \(kernel) \(stride) \(dilation) \(padding): \(y) \(expected)")
    }
  }

  @Test("the formula has the numbers in it")
  func formulas() throws {
    func formula(_ axis: () throws -> AxisArithmetic) rethrows -> String { try axis().formula }
    #expect(
      try formula { try AxisArithmetic(input: 5, kernel: 3, stride: 2, padding: .same) }
        == "⌊(5 + 1 + 1 − 3) / 2⌋ + 1 = 3")
    #expect(try formula { try AxisArithmetic(input: 28, kernel: 5) } == "(28 − 5) + 1 = 24")
    #expect(
      try formula { try AxisArithmetic(input: 9, kernel: 3, dilation: 2, padding: .symmetric(2)) }
        == "(9 + 2 + 2 − (2 · (3 − 1) + 1)) + 1 = 9")
    #expect(
      try formula {
        try AxisArithmetic(
          .transposedConvolution, input: 3, kernel: 3, stride: 2, padding: .symmetric(1),
          outputPadding: 1)
      } == "(3 − 1) · 2 + 3 − 1 − 1 + 1 = 6")
    // The pooling of AlexNet and of GoogLeNet, whose last windows reach beyond.
    #expect(
      try formula {
        try AxisArithmetic(.maxPooling, input: 112, kernel: 3, stride: 2, roundsUp: true)
      }
        == "⌈(112 − 3) / 2⌉ + 1 = 56")
  }

  @Test("a diagram has each position once, still and animated, and too large a one is refused")
  func figure() throws {
    let rows = try AxisArithmetic(input: 5, kernel: 3, stride: 2, padding: .same)
    let columns = try AxisArithmetic(input: 6, kernel: 3, padding: .valid)
    let still = try ArithmeticFigure(rows: rows, columns: columns)
    #expect(still.svg.components(separatedBy: "class=\"f1 edge\"").count == 3 * 4 + 1)
    #expect(!still.svg.contains("<animate"))
    let moving = try ArithmeticFigure(rows: rows, columns: columns, isAnimated: true)
    #expect(moving.svg.components(separatedBy: "<animate ").count == 3 * 4 + 1)
    #expect(moving.svg.components(separatedBy: "visibility=\"visible\"").count == 2)
    #expect(!moving.svg.contains("<script"))
    #expect(throws: InsightError.self) {
      let large = try AxisArithmetic(input: 224, kernel: 7, stride: 2)
      _ = try ArithmeticFigure(rows: large, columns: large)
    }
    #expect(throws: InsightError.self) {
      let many = try AxisArithmetic(input: 20, kernel: 3)
      _ = try ArithmeticFigure(rows: many, columns: many)
    }
  }
}
