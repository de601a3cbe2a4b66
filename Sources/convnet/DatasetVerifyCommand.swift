import ArgumentParser
import ConvNet

struct DatasetVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Read every picture before a training does.",
    discussion: """
      Decodes every picture of every part, and reports how many each class has,
      files that cannot be used and why, classes without pictures or without a
      part to train on, and pictures that are there twice. Fails where a file is
      bad.

      EXAMPLES
        convnet dataset verify pictures
        convnet dataset verify pictures --similar
        convnet dataset verify 'shards/train-{000000..000009}.tar' --json
      """)

  @OptionGroup var data: DatasetArgument
  @Flag(
    help: ArgumentHelp(
      "Look for pictures that are nearly the same: stored again, in another size, paler, reflected."
    ))
  var similar = false
  @OptionGroup var shared: SharedOptions

  /// Lines of a kind that a person is shown.
  private static let limit = 20

  func run() throws {
    let source = try data.source()
    var progress: Progress?
    let result = try DatasetVerification(
      of: source, threads: shared.threadCount, findsSimilar: similar
    ) { done, total in
      if progress == nil { progress = Progress("verifying", total: total, shared) }
      progress?.update(done)
    }
    progress?.finish()
    if shared.json { try printJSON(result) } else { try print(text(result), terminator: "") }
    guard result.bad.isEmpty else { throw BadFiles(data: data.data, count: result.bad.count) }
  }

  private func text(_ result: DatasetVerification) -> String {
    let noun = result.targetKind.noun
    var lines = [
      "\(plural(result.imageCount, "picture")) \(result.targetKind == .classes ? "in" : "with") \(plural(result.classNames.count, noun.one, noun.many))"
    ]
    if result.targetKind == .numbers {
      lines += result.numbers.map { $0.line }
    } else if result.classNames.count <= Self.limit {
      var table = Table([.init(noun.one), .init("pictures", .right)])
      for (name, count) in zip(result.classNames, result.counts) {
        table.append([name, HumanReadable.count(count)])
      }
      lines += table.plainText(width: TerminalDevice.standardOutput.width).split(separator: "\n")
        .map(String.init)
    } else if let least = result.counts.min(), let most = result.counts.max() {
      lines.append("from \(least) to \(plural(most, "picture")) a \(noun.one)")
    }
    lines += section("bad", result.bad.map { "\($0.file): \($0.reason)" })
    lines += section("identical", result.duplicates.map { describe($0, result.targetKind) })
    if let similar = result.similar {
      let crossing = similar.count(where: \.crossesParts)
      lines += section(
        "nearly the same\(crossing > 0 ? ", \(crossing) to train on and to test on" : "")",
        similar.map(describe))
    }
    if !result.ignored.isEmpty {
      let kinds = result.ignored.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
      lines.append("passed over, not named as pictures: \(kinds.joined(separator: ", "))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func section(_ title: String, _ rows: [String]) -> [String] {
    guard !rows.isEmpty else { return ["\(title): none"] }
    var lines = ["\(title): \(rows.count)"] + rows.prefix(Self.limit).map { "  \($0)" }
    if rows.count > Self.limit {
      lines.append("  and \(rows.count - Self.limit) more: --json has all")
    }
    return lines
  }

  private func describe(_ pair: DatasetVerification.Similar) -> String {
    var text = pair.files.joined(separator: " ~ ")
    if pair.isReflected { text += ", reflected" }
    if Set(pair.classNames).count > 1 {
      text += "; of different classes: \(pair.classNames.joined(separator: ", "))"
    }
    if pair.crossesParts { text += "; to train on and to test on" }
    return text
  }

  private func describe(
    _ group: DatasetVerification.Duplicates, _ kind: TargetKind
  ) -> String {
    var text = group.files.prefix(4).joined(separator: " = ")
    if group.files.count > 4 { text += " and \(group.files.count - 4) more" }
    if group.classNames.count > 1 {
      let names = group.classNames
      text += kind == .classes ? "; of different classes: " : "; told differently: "
      text += "\(names.prefix(4).joined(separator: ", "))"
      if names.count > 4 { text += " and \(names.count - 4) more" }
    }
    if group.crossesParts { text += "; to train on and to test on" }
    return text
  }
}

extension NumberSummary {
  /// `age from 1 to 90, mean 41.5, deviation 20.1`
  var line: String {
    let texts = [least, greatest, mean, deviation].map { HumanReadable.quantity($0) }
    return "\(name) from \(texts[0]) to \(texts[1]), mean \(texts[2]), deviation \(texts[3])"
  }
}

/// A check has found files that cannot be used.
struct BadFiles: ReadableError {
  var data: String
  var count: Int
  var description: String {
    "\(data): \(plural(count, "bad file")) or \(count == 1 ? "class" : "classes"), listed above; "
      + "remove or replace \(count == 1 ? "it" : "them")"
  }
}
