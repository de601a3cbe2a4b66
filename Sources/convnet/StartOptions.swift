import ArgumentParser

/// What a training begins with.
struct StartOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Begin with the parameters of this model.", valueName: "file"))
  var `init`: String?
  @Flag(help: "Begin with --init although it has less than half of the parameters.")
  var partly = false
  @OptionGroup var asNamed: AsNamedOption
}
