import ConvNetGraphs
import ConvNetLayers

/// The modules of C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision",
/// 2015, under the names that torchvision gives their branches.
struct InceptionModules {
  var style: ConvolutionUnit.Style
  /// Whether the means of the pooling branches count the padding.
  var countsPadding = true

  func unit(
    _ name: String, _ channels: Int, _ kernel: Int, stride: Int = 1, padding: Padding = .same
  ) -> Named {
    unit(name, channels, [kernel, kernel], stride: stride, padding: padding)
  }

  func unit(
    _ name: String, _ channels: Int, _ kernel: [Int], stride: Int = 1, padding: Padding = .same
  ) -> Named {
    ConvolutionUnit(channels, kernel: kernel, stride: stride, padding: padding, style: style)
      .named(name)
  }

  /// Mean pooling and a 1x1 convolution: the last branch of every module that keeps the grid.
  private func poolBranch(_ channels: Int) -> LayerSequence {
    LayerSequence {
      AveragePool2D(3, stride: 1, padding: .symmetric(1), countIncludesPadding: countsPadding)
        .named("branch_pool_mean")
      unit("branch_pool", channels, 1)
    }
  }

  /// Figure 5, on the 35x35 grid: the 5x5 convolution of the first Inception as two of 3x3.
  ///
  /// - Parameter middle: the kernel of the branch between. The figure has 3x3; the released network
  ///   has 5x5.
  func figure5(_ name: String, pool: Int, middle: Int = 3) -> Named {
    let branch = "branch\(middle)x\(middle)"
    return Concatenate(
      LayerSequence { unit("branch1x1", 64, 1) },
      LayerSequence {
        unit("\(branch)_1", 48, 1)
        unit("\(branch)_2", 64, middle)
      },
      LayerSequence {
        unit("branch3x3dbl_1", 64, 1)
        unit("branch3x3dbl_2", 96, 3)
        unit("branch3x3dbl_3", 96, 3)
      },
      poolBranch(pool)
    ).named(name)
  }

  /// Figure 6, on the 17x17 grid: n x n convolutions as 1 x n and n x 1, here with n = 7.
  ///
  /// - Parameter inner: channels inside the longer branches.
  func figure6(_ name: String, inner: Int) -> Named {
    Concatenate(
      LayerSequence { unit("branch1x1", 192, 1) },
      LayerSequence {
        unit("branch7x7_1", inner, 1)
        unit("branch7x7_2", inner, [1, 7])
        unit("branch7x7_3", 192, [7, 1])
      },
      LayerSequence {
        unit("branch7x7dbl_1", inner, 1)
        unit("branch7x7dbl_2", inner, [7, 1])
        unit("branch7x7dbl_3", inner, [1, 7])
        unit("branch7x7dbl_4", inner, [7, 1])
        unit("branch7x7dbl_5", 192, [1, 7])
      },
      poolBranch(192)
    ).named(name)
  }

  /// Figure 7, on the 8x8 grid: the last convolutions as 1x3 and 3x1 side by side, for many
  /// channels.
  func figure7(_ name: String) -> Named {
    Concatenate(
      LayerSequence { unit("branch1x1", 320, 1) },
      LayerSequence {
        unit("branch3x3_1", 384, 1)
        sideBySide("branch3x3_2")
      },
      LayerSequence {
        unit("branch3x3dbl_1", 448, 1)
        unit("branch3x3dbl_2", 384, 3)
        sideBySide("branch3x3dbl_3")
      },
      poolBranch(192)
    ).named(name)
  }

  private func sideBySide(_ name: String) -> Concatenate {
    Concatenate(
      LayerSequence { unit("\(name)a", 384, [1, 3]) },
      LayerSequence { unit("\(name)b", 384, [3, 1]) })
  }

  /// Figure 10, from 35x35x288 to 17x17x768: convolutions and pooling of stride 2 side by side.
  func reduction17(_ name: String) -> Named {
    Concatenate(
      LayerSequence { unit("branch3x3", 384, 3, stride: 2, padding: .valid) },
      LayerSequence {
        unit("branch3x3dbl_1", 64, 1)
        unit("branch3x3dbl_2", 96, 3)
        unit("branch3x3dbl_3", 96, 3, stride: 2, padding: .valid)
      },
      LayerSequence { MaxPool2D(3, stride: 2) }
    ).named(name)
  }

  /// The same from 17x17x768 to 8x8x1280, with a factorized 7x7 convolution.
  func reduction8(_ name: String) -> Named {
    Concatenate(
      LayerSequence {
        unit("branch3x3_1", 192, 1)
        unit("branch3x3_2", 320, 3, stride: 2, padding: .valid)
      },
      LayerSequence {
        unit("branch7x7x3_1", 192, 1)
        unit("branch7x7x3_2", 192, [1, 7])
        unit("branch7x7x3_3", 192, [7, 1])
        unit("branch7x7x3_4", 192, 3, stride: 2, padding: .valid)
      },
      LayerSequence { MaxPool2D(3, stride: 2) }
    ).named(name)
  }

  /// The auxiliary classifier (figure 8) on the last 17x17 grid. Its layer over all positions, dense on
  /// the 5x5 that 299 pixels give, is written as a 5x5 convolution, so that larger pictures work
  /// too.
  ///
  /// - Parameter isNormalized: the paper's "BN-auxiliary": batch normalization in that layer as
  ///   well.
  func auxiliary(classes: Int, weight: Float, isNormalized: Bool) -> Auxiliary {
    var last = style
    if !isNormalized { last.normalization = nil }
    return Auxiliary("AuxLogits", weight: weight) {
      SidePooling()
      unit("conv0", 128, 1)
      SideConvolution(channels: 768, style: last).named("conv1")
      GlobalPool.average
      Dense(classes, initializer: .normal(standardDeviation: 0.001)).named("fc")
    }
  }
}
