// One import for a client: the rooms that it needs, under one name.
@_exported import ConvNetCompiler
@_exported import ConvNetDatasets
@_exported import ConvNetDownloads
@_exported import ConvNetEngine
@_exported import ConvNetEvaluation
@_exported import ConvNetFiles
@_exported import ConvNetFormats
@_exported import ConvNetGraphs
@_exported import ConvNetImages
@_exported import ConvNetInference
@_exported import ConvNetInsight
@_exported import ConvNetLayers
@_exported import ConvNetModels
@_exported import ConvNetReports
@_exported import ConvNetServing
@_exported import ConvNetTensors
@_exported import ConvNetTraining
