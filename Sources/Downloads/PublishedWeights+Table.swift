// Made by scripts/published-weights.

extension PublishedWeights {
  /// Name, network, file and digest, megabytes, shorter side of pictures, accuracies among one and five.
  static let table = """
    alexnet alexnet-torchvision alexnet-owt 7be5be79 233.087 256 56.522 79.066;\
    vgg11 vgg-a vgg11 8a719046 506.84 256 69.020 88.628;\
    vgg11-bn vgg11-bn vgg11_bn 6002323d 506.881 256 70.370 89.810;\
    vgg13 vgg-b vgg13 19584684 507.545 256 69.928 89.246;\
    vgg13-bn vgg13-bn vgg13_bn abd245e5 507.59 256 71.586 90.374;\
    vgg16 vgg-d vgg16 397923af 527.796 256 71.592 90.382;\
    vgg16-bn vgg16-bn vgg16_bn 6c64b313 527.866 256 73.360 91.516;\
    vgg19 vgg-e vgg19 dcbb9e9d 548.051 256 72.376 90.876;\
    vgg19-bn vgg19-bn vgg19_bn c79401a0 548.143 256 74.218 91.842;\
    googlenet googlenet-torchvision googlenet 1378be20 49.731 256 69.778 89.530;\
    inception-v3 inception-v3-torchvision inception_v3_google 0cc3c7bd 103.903 342 77.294 93.450;\
    resnet18 resnet18-torchvision resnet18 f37072fd 44.661 256 69.758 89.078;\
    resnet34 resnet34-torchvision resnet34 b627a593 83.275 256 73.314 91.420;\
    resnet50 resnet50-v1.5 resnet50 0676ba61 97.781 256 76.130 92.862;\
    resnet50-2 resnet50-v1.5 resnet50 11ad3fa6 97.79 232 80.858 95.434;\
    resnet101 resnet101-v1.5 resnet101 63fe2227 170.511 256 77.374 93.546;\
    resnet101-2 resnet101-v1.5 resnet101 cd907fc2 170.53 232 81.886 95.780;\
    resnet152 resnet152-v1.5 resnet152 394f9c45 230.434 256 78.312 94.046;\
    resnet152-2 resnet152-v1.5 resnet152 f82ba261 230.474 232 82.284 96.002;\
    mobilenet-v2 mobilenet-v2 mobilenet_v2 b0353104 13.555 256 71.878 90.286;\
    mobilenet-v2-2 mobilenet-v2 mobilenet_v2 7ebf99e0 13.598 232 72.154 90.822;\
    mobilenet-v3-large mobilenet-v3-large mobilenet_v3_large 8738ca79 21.114 256 74.042 91.340;\
    mobilenet-v3-large-2 mobilenet-v3-large mobilenet_v3_large 5c1a4163 21.107 232 75.274 92.566;\
    mobilenet-v3-small mobilenet-v3-small mobilenet_v3_small 047dcff4 9.829 256 67.668 87.402;\
    efficientnet-b0 efficientnet-b0 efficientnet_b0_rwightman 7f5810bc 20.451 256 77.692 93.532;\
    convnext-tiny convnext-tiny convnext_tiny 983f1562 109.119 236 82.520 96.146;
    """
}
