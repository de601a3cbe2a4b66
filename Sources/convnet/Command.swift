import ArgumentParser
import ConvNet
import Foundation

/// The command: parses arguments, calls the library, prints.
@main
struct Command: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convnet",
    abstract: "Convolutional networks on a CPU: train, evaluate, explain and run them.",
    discussion: """
      EXAMPLES
        convnet models
        convnet train --model lenet5 --data fashion-mnist --output runs/first
        convnet evaluate runs/first/model.safetensors --data fashion-mnist
        convnet predict runs/first/model.safetensors picture.png

      Results go to standard output, everything else to standard error.
      Exit status: 0 done, 1 failed (one line that begins with error:), 64 usage,
      128 and the signal's number where a signal ended it.
      """,
    version: packageVersion,
    subcommands: [
      ModelsCommand.self, SummaryCommand.self, ExplainCommand.self, TrainCommand.self,
      CompareCommand.self, ExperimentCommand.self, RecipesCommand.self, AugmentationsCommand.self,
      EvaluateCommand.self, PredictCommand.self, ServeCommand.self, VisualizeCommand.self,
      PriorCommand.self, RunCommand.self, GradientsCommand.self,
      ConvertCommand.self, CalibrateCommand.self, PullCommand.self, BenchmarkCommand.self,
      DatasetCommand.self,
    ])

  static func main() {
    Console.prepare()
    Interruption.prepare()
    Foundation.exit(status())
  }

  /// As paths: what of them is not UTF-8 is a name of a file all the same.
  private static var arguments: [String] {
    joiningNegativeValues(
      (1..<max(1, Int(CommandLine.argc))).compactMap {
        CommandLine.unsafeArgv[$0].map { FileSystem.path($0) }
      })
  }

  /// `--learning-rate -1` as `--learning-rate=-1`: the parser takes what begins with a dash for an option, and would say that the
  /// value is missing. No option is called by a number.
  private static func joiningNegativeValues(_ arguments: [String]) -> [String] {
    var joined: [String] = []
    for (place, argument) in arguments.enumerated() {
      if argument == "--" { return joined + arguments[place...] }
      if let last = joined.last, last.hasPrefix("--"), !last.contains("="),
        beginsWithNegativeNumber(argument)
      {
        joined[joined.count - 1] += "=\(argument)"
      } else {
        joined.append(argument)
      }
    }
    return joined
  }

  private static func beginsWithNegativeNumber(_ text: String) -> Bool {
    guard text.hasPrefix("-"), let first = text.dropFirst().first else { return false }
    return first.isNumber || first == "." || ["-inf", "-nan"].contains(text.lowercased())
  }

  /// Tells of a misspelt command by the nearest.
  private static func requireCommand(_ arguments: [String]) throws {
    var commands = configuration.subcommands
    for argument in arguments {
      guard !commands.isEmpty, !argument.hasPrefix("-") else { return }
      if let next = commands.first(where: { $0.configuration.commandName == argument }) {
        commands = next.configuration.subcommands
        continue
      }
      let names = commands.compactMap { $0.configuration.commandName }
      let nearest = nearestNames(to: argument, among: names)
      guard argument != "help", !nearest.isEmpty else { return }
      throw ValidationError(
        "unknown command \(argument); did you mean \(nearest.joined(separator: " or "))?")
    }
  }

  /// Runs the command that the arguments name, and tells of its failure.
  private static func status() -> Int32 {
    var named: (any ParsableCommand.Type)?
    do {
      do {
        let arguments = arguments
        try requireCommand(arguments)
        var command = try parseAsRoot(arguments)
        named = type(of: command)
        try command.run()
        return 0
      } catch {
        guard exitCode(for: error) != .failure || error is ExitCode else { throw error }
        // The parser's own (usage, help, version) have its form and its exit status.
        let (code, text) = (exitCode(for: error), fullMessage(for: error))
        if code == .success { try print(text) } else if !text.isEmpty { Console.tell(text + "\n") }
        return code.rawValue
      }
    } catch let error as Interrupted {
      Console.tell("\(describe(error))\n")
      return 128 + error.signal
    } catch {
      if Console.isClosedPipe(error) { Console.endByClosedPipe() }
      Console.tell("error: \(describe(error, in: named))\n")
      return 1
    }
  }
}
