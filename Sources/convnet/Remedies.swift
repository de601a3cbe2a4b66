import ArgumentParser
import ConvNet
import Foundation

/// What somebody who types the command can do about an error of the library, which knows none of its options. The only place
/// where the two are brought together.
///
/// - Parameter command: the command that met it, as far as it is known.
/// - Returns: `nil` where the error says all that is to be said.
func remedy(for error: any Error, in command: (any ParsableCommand.Type)? = nil) -> String? {
  switch error {
  case let error as DatasetError: remedy(for: error)
  case let error as ModelFileError: remedy(for: error.problem)
  case let error as ParameterMismatch:
    remedy(for: error)
  case let error as FileError: remedy(for: error)
  case let error as DownloadError where error.problem == .offline: "without --offline it is"
  case is NoPictureFiles: "`convnet dataset export` writes them"
  case is NetworkMismatch: "--as-named says so"
  case is TooFewParameters: "--partly begins with that"
  case InferenceError.unknownValue(_, _, nearest: []): "`convnet explain` prints it"
  // Of a picture that a loader met.
  case is ImageError where command?.helpMessage().contains("--on-bad") == true:
    "`convnet dataset verify` finds all that are damaged, and --on-bad skip goes on without them"
  default: nil
  }
}

private func remedy(for error: DatasetError) -> String? {
  switch error.problem {
  case .missingFile where DatasetCatalog.names.contains(error.dataset):
    "--data-root names the folder"
  case .missingPart: "--split chooses the share"
  case .emptyPart: "--split chooses the share, and with --split 0 a training takes all of them"
  case .hasParts: "leave out --split"
  default: nil
  }
}

private func remedy(for error: ParameterMismatch) -> String? {
  guard let fitting = error.fitting else { return "--classes builds it for another number" }
  guard fitting.classes != ModelRegistry[fitting.network]?.defaults.classes else { return nil }
  return "--classes \(fitting.classes) builds it for them"
}

/// Of what is not there, the nearest that is; of a folder, the model in it.
private func remedy(for error: FileError) -> String? {
  switch error.problem {
  case .notRegularFile:
    let model = error.path + (error.path.hasSuffix("/") ? "" : "/") + "model.safetensors"
    return FileSystem.isFile(model) ? "the model in it is \(model)" : nil
  case .system(code: ENOENT):
    guard [.open, .examine, .map, .read].contains(error.operation) else { return nil }
    return suggestion(for: error.path)
  case .system: return nil
  }
}

/// For a path where there is nothing, what has nearly its name in its folder.
func suggestion(for path: String) -> String? {
  guard !FileSystem.exists(path) else { return nil }
  let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
  let folder = String(path[..<start])
  var names: [String] = []
  try? FileSystem.list(folder.isEmpty ? "." : folder) { entry in
    if !entry.name.hasPrefix(".") { names.append(entry.name) }
  }
  let nearest = nearestNames(to: String(path[start...]), among: names)
    .map { FileSystem.readable(folder + $0) }
  return nearest.isEmpty ? nil : "did you mean \(nearest.joined(separator: " or "))?"
}

private func remedy(for problem: ModelFileError.Problem) -> String? {
  switch problem {
  case .checkpoint: "`convnet train --resume` goes on from it"
  case .noNetwork:
    "name a network of `convnet models`, and this file with --weights, or with --init to train it further"
  case .noParameters, .operation, .description: nil
  }
}

/// One line that says what, where and what to do.
func describe(_ error: any Error, in command: (any ParsableCommand.Type)? = nil) -> String {
  ("\(error)" + (remedy(for: error, in: command).map { "; \($0)" } ?? ""))
    .split(whereSeparator: \.isNewline).joined(separator: " ")
}
