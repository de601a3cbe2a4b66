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
                // Beyond the engine: see ``outputPadding()``.
                guard outputPadding < stride else { continue }
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
      let isPooling = kind == .maxPooling || kind == .averagePooling
      // The engine's windows of pooling have no gaps.
      guard dilation == 1 || !isPooling,
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

  /// PyTorch 2.15: `torch.nn.functional.max_pool2d(torch.zeros(1, 1, n, n), kernel, stride, padding, dilation, ceil_mode)`, its
  /// extent without and with `ceil_mode`.
  @Test(
    "windows of pooling may have gaps",
    arguments: [
      (7, 3, 2, 2, 1, 3, 3), (10, 3, 1, 2, 0, 6, 6), (10, 2, 3, 4, 1, 3, 4), (12, 3, 2, 3, 1, 4, 5),
    ])
  func dilatedPooling(
    input: Int, kernel: Int, stride: Int, dilation: Int, padding: Int, floor: Int, ceiling: Int
  ) throws {
    for kind in [WindowKind.maxPooling, .averagePooling] {
      for (roundsUp, expected) in [(false, floor), (true, ceiling)] {
        let axis = try AxisArithmetic(
          kind, input: input, kernel: kernel, stride: stride, dilation: dilation,
          padding: .symmetric(padding), roundsUp: roundsUp)
        #expect(axis.output == expected)
        #expect(axis.taps(at: 1) == (0..<kernel).map { stride - padding + $0 * dilation })
        let figure = try ArithmeticFigure(rows: axis, columns: axis)
        #expect(figure.title.contains("dilation \(dilation)"))
        #expect(
          figure.svg.components(separatedBy: "class=\"f1 edge\"").count == expected * expected + 1)
      }
    }
  }

  @Test("of pooling with gaps each window has something of the input in it, and others are refused")
  func emptyWindows() {
    var (accepted, refused) = (0, 0)
    for input in 1...5 {
      for kernel in 1...3 {
        for dilation in 2...5 {
          for (before, after) in [(0, 0), (1, 0), (2, 2), (3, 1), (5, 4)] {
            let extent = dilation * (kernel - 1) + 1
            let starts = stride(from: -before, through: input + after - extent, by: 1)
            let isFull = starts.allSatisfy { start in
              (0..<kernel).contains { 0..<input ~= start + $0 * dilation }
            }
            let axis = try? AxisArithmetic(
              .maxPooling, input: input, kernel: kernel, dilation: dilation,
              padding: .explicit([.init(before: before, after: after)]))
            let fits = extent <= input + before + after
            #expect((axis != nil) == (fits && isFull), "\(input) \(kernel) \(dilation) \(before)")
            if axis != nil { accepted += 1 } else { refused += 1 }
          }
        }
      }
    }
    #expect(accepted > 20 && refused > 20, "\(accepted) \(refused)")
  }

  /// PyTorch 2.15: the extent of `torch.nn.functional.conv_transpose1d`, which refuses the others.
  @Test("an output padding may reach the stride where it is below the dilation")
  func outputPadding() throws {
    func output(_ padding: Int, stride: Int, dilation: Int) throws -> Int {
      try AxisArithmetic(
        .transposedConvolution, input: 3, kernel: 3, stride: stride, dilation: dilation,
        padding: .symmetric(1), outputPadding: padding
      ).output
    }
    #expect(try output(2, stride: 1, dilation: 3) == 2 + 7 - 2 + 2)
    #expect(try output(1, stride: 2, dilation: 1) == 4 + 3 - 2 + 1)
    #expect(throws: InsightError.self) { try output(3, stride: 1, dilation: 3) }
    #expect(throws: InsightError.self) { try output(2, stride: 2, dilation: 2) }
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
