import ArgumentParser
import ConvNet

/// What is kept of a training, and when it ends.
struct KeepingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How often to keep the state within an epoch: 500 (steps), 30s, 10m, 2h. Default: 10m.",
      discussion: "It is written beside the training, and at the end of every epoch in any case.",
      valueName: "time|steps"))
  var checkpointEvery: GivenInterval?
  @Option(
    help: ArgumentHelp(
      "Keep the last so many states, as checkpoint-STEP, and the best epoch's model, as best.safetensors.",
      discussion: """
        An earlier state is gone on from when it is copied to the name checkpoint. Default: the \
        last state alone.
        """, valueName: "count"))
  var keep: Int?
  @Option(
    help: ArgumentHelp(
      "End after so many epochs without a lower validation error, with the parameters of the best epoch.",
      valueName: "epochs"))
  var earlyStopping: Int?

  func validate() throws {
    if let keep, keep < 1 {
      throw ValidationError("--keep is \(keep), must be at least 1")
    }
    if let earlyStopping, earlyStopping < 1 {
      throw ValidationError("--early-stopping is \(earlyStopping), must be at least 1")
    }
  }
}

/// `500`, `30s`, `10m` or `2h` on the command line.
struct GivenInterval: ExpressibleByArgument {
  var interval: CheckpointInterval

  init?(argument: String) {
    if let steps = Int(argument) {
      guard steps > 0 else { return nil }
      interval = .steps(steps)
      return
    }
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    guard let unit = argument.last.flatMap({ units[$0] }), let number = Double(argument.dropLast()),
      number > 0, number.isFinite
    else { return nil }
    interval = .seconds(number * unit)
  }
}
