import ConvNetCompiler
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import Testing

/// Learned numbers of each network with its side classifiers, counted once by hand or by the network's authors; rows that
/// torchvision has are in its fixture. A new row of the registry needs one here or there.
let publishedParameterCounts = [
  // 156 + 2,416 + 48,120 + 10,164 + 850: the paper's layers with full connections in the second
  // convolution.
  "lenet5": 61_706,
  // 34,944 + 307,456 + 885,120 + 663,936 + 442,624 + 37,752,832 + 16,781,312 + 4,097,000: "60
  // million parameters".
  "alexnet": 60_965_224,
]
