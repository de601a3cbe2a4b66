import ConvNetGraphs
public import ConvNetLayers

/// Inception-v2: C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision",
/// 2015, table 1.
///
/// All six convolutions of the stem are 3x3, then three modules of figure 5, five of figure 6 with
/// n = 7 and two of figure 7, with grid reductions between them. The table gives the channels of
/// the grids; those inside the modules are the released network's. Two of its rows need care: the
/// last convolution of the stem is padded, else its 35x35 positions would be 33x33; and the third
/// grid has five modules after its reduction, where the released network has four.
///
/// The auxiliary classifier has batch normalization in its convolution alone; its loss counts 0.3. 20%
/// dropout, as released.
///
/// - Parameter factorizesStem: the paper's "factorized 7x7": the first three convolutions of 3x3 in place of one of 7x7.
public func inceptionV2(_ options: ModelOptions, factorizesStem: Bool = true) -> Network {
  inception(
    factorizesStem ? "inception-v2" : "inception-v2-7x7", auxiliaryWeight: 0.3,
    hasNormalizedAuxiliary: false, factorizesStem: factorizesStem, options)
}

/// Inception-v3: the network of ``inceptionV2(_:factorizesStem:)`` with batch normalization in the dense layer of
/// the auxiliary classifier too ("BN-auxiliary"), whose loss counts 0.4. What else the paper's v3 has,
/// RMSProp and label smoothing, belongs to the training.
public func inceptionV3(_ options: ModelOptions) -> Network {
  inception("inception-v3", auxiliaryWeight: 0.4, hasNormalizedAuxiliary: true, options)
}

private func inception(
  _ name: String, auxiliaryWeight: Float, hasNormalizedAuxiliary: Bool,
  factorizesStem: Bool = true, _ options: ModelOptions
) -> Network {
  let modules = InceptionModules(style: .init(normalization: BatchNorm()))
  return options.network(name) {
    if factorizesStem {
      modules.unit("Conv2d_1a_3x3", 32, 3, stride: 2, padding: .valid)
      modules.unit("Conv2d_2a_3x3", 32, 3, padding: .valid)
      modules.unit("Conv2d_2b_3x3", 64, 3)
    } else {
      // Its positions are those that the three leave: 147 of 299.
      modules.unit("Conv2d_1a_7x7", 64, 7, stride: 2, padding: .valid)
    }
    MaxPool2D(3, stride: 2).named("maxpool1")
    modules.unit("Conv2d_3a_3x3", 80, 3, padding: .valid)
    modules.unit("Conv2d_4a_3x3", 192, 3, stride: 2, padding: .valid)
    modules.unit("Conv2d_4b_3x3", 288, 3)
    for module in ["b", "c", "d"] { modules.figure5("Mixed_5\(module)", pool: 64) }
    modules.reduction17("Mixed_6a")
    for (module, inner) in [("b", 128), ("c", 160), ("d", 160), ("e", 160), ("f", 192)] {
      modules.figure6("Mixed_6\(module)", inner: inner)
    }
    modules.auxiliary(
      classes: options.classes, weight: options.auxiliaryWeight ?? auxiliaryWeight,
      isNormalized: hasNormalizedAuxiliary)
    modules.reduction8("Mixed_7a")
    for module in ["b", "c"] { modules.figure7("Mixed_7\(module)") }
    GlobalPool.average
    Dropout(options.dropout ?? 0.2)
    Dense(options.classes, initializer: .normal(standardDeviation: 0.01)).named("fc")
  }
}

/// Inception v3 as its authors released it and torchvision has it.
///
/// Beside the paper's table: the stem pools twice and has a 1x1 convolution; the modules on the
/// 35x35 grid keep a 5x5 convolution, and the first has 256 channels; the 17x17 grid has four
/// modules. 50% dropout.
public func torchvisionInceptionV3(_ options: ModelOptions) -> Network {
  releasedInceptionV3(
    "inception-v3-torchvision",
    InceptionModules(style: .init(normalization: .torchvisionInception)), options)
}

/// Inception v3 as Keras has it: the released network without auxiliary classifier, dropout and scales in
/// batch normalization; the means of its pooling branches do not count the padding.
public func kerasInceptionV3(_ options: ModelOptions) -> Network {
  releasedInceptionV3(
    "inception-v3-keras",
    InceptionModules(style: .init(normalization: .kerasInception), countsPadding: false),
    isBare: true, options)
}

/// - Parameter isBare: neither auxiliary classifier nor dropout.
private func releasedInceptionV3(
  _ name: String, _ modules: InceptionModules, isBare: Bool = false, _ options: ModelOptions
) -> Network {
  options.network(name) {
    modules.unit("Conv2d_1a_3x3", 32, 3, stride: 2, padding: .valid)
    modules.unit("Conv2d_2a_3x3", 32, 3, padding: .valid)
    modules.unit("Conv2d_2b_3x3", 64, 3)
    MaxPool2D(3, stride: 2).named("maxpool1")
    modules.unit("Conv2d_3b_1x1", 80, 1)
    modules.unit("Conv2d_4a_3x3", 192, 3, padding: .valid)
    MaxPool2D(3, stride: 2).named("maxpool2")
    modules.figure5("Mixed_5b", pool: 32, middle: 5)
    modules.figure5("Mixed_5c", pool: 64, middle: 5)
    modules.figure5("Mixed_5d", pool: 64, middle: 5)
    modules.reduction17("Mixed_6a")
    modules.figure6("Mixed_6b", inner: 128)
    modules.figure6("Mixed_6c", inner: 160)
    modules.figure6("Mixed_6d", inner: 160)
    modules.figure6("Mixed_6e", inner: 192)
    if !isBare { modules.auxiliary(classes: options.classes, weight: 0.4, isNormalized: true) }
    modules.reduction8("Mixed_7a")
    modules.figure7("Mixed_7b")
    modules.figure7("Mixed_7c")
    GlobalPool.average
    if !isBare { Dropout(options.dropout ?? 0.5) }
    Dense(options.classes, initializer: .normal(standardDeviation: 0.1)).named("fc")
  }
}
