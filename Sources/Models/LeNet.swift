import ConvNetGraphs
public import ConvNetLayers

/// LeNet-5: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to
/// Document Recognition", 1998, figure 2.
///
/// As the lecture and its users build it today: each plane of the second convolution sees all six
/// planes before it (the paper connects a subset), subsampling is a plain mean (the paper's has a
/// weight and a bias), and the output layer gives logits (the paper measures distances to fixed
/// codes). The paper pads a 28x28 digit to 32x32 itself.
public func lenet5(_ options: ModelOptions) -> Network {
  Network("lenet5", input: options.input, dataFormat: options.dataFormat) {
    Conv2D(6, kernel: 5, padding: .same)
    Tanh()
    AveragePool2D(2)
    Conv2D(16, kernel: 5)
    Tanh()
    AveragePool2D(2)
    Flatten()
    Dense(120)
    Tanh()
    Dense(84)
    Tanh()
    Dense(options.classes)
  }
}
