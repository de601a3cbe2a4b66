public import ConvNetGraphs
import ConvNetImages

extension Recipe {
  /// Fits the augmentation to pictures of another size or of one channel: sides are scaled as the picture is, and what needs
  /// color is left out.
  ///
  /// - Returns: what of the recipe is otherwise now, in words.
  public mutating func fit(height: Int, width: Int, channels: Int) -> [String] {
    var notes: [String] = []
    let side = min(height, width)
    func scaled(_ extent: Int) -> Int {
      max(side, (extent * side + inputSize / 2) / inputSize)
    }
    augmentation.steps = augmentation.steps.compactMap { step in
      switch step {
      case .colorShift where channels != 3:
        notes.append("its shift of colors needs three channels and is left out")
        return nil
      case .colorJitter(let jitter)
      where channels == 1 && (jitter.saturation > 0 || jitter.hue > 0):
        notes.append("its changes of saturation and hue leave grey pictures as they are")
        return step
      case .shorterSide(var shorter) where side != inputSize:
        (shorter.from, shorter.to) = (scaled(shorter.from), scaled(shorter.to))
        notes.append(
          "sides of its pictures are \(shorter.from) to \(shorter.to), for an input of \(height)x\(width)"
        )
        return .shorterSide(shorter)
      default:
        return step
      }
    }
    return notes
  }

  /// What of the recipe a network has no place for, in words.
  public func unapplied(to network: Graph) -> [String] {
    var notes: [String] = []
    if let dropout, dropout > 0,
      !network.operations.contains(where: {
        ($0.attributes as? Operation.Dropout)?.rate == dropout
      })
    {
      notes.append(
        "\(network.name) has no dropout before its classifier, which should be \(dropout)")
    }
    if let stochasticDepth, stochasticDepth > 0,
      !network.operations.contains(where: { $0.attributes is Operation.StochasticDepth })
    {
      notes.append(
        "\(network.name) has no residual blocks that could be left out, of the last of which \(stochasticDepth) should be"
      )
    }
    if let auxiliaryWeight, auxiliaryWeight > 0,
      !network.outputs.contains(where: { $0.auxiliaryWeight == auxiliaryWeight })
    {
      notes.append(
        "\(network.name) has no auxiliary classifiers, whose loss should count \(auxiliaryWeight)")
    }
    return notes
  }
}
