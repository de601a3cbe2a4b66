import ConvNet
import Foundation

/// Keeps in the cache folder how far an evaluation is: every half a minute, and when a signal ends it.
final class EvaluationKeeper {
  /// From where it goes on; `nil` where it begins.
  let progress: EvaluationProgress?

  /// What it is of costs a look at all parameters, which short evaluations are spared.
  private var known: KeptEvaluation?
  private let make: () throws -> KeptEvaluation
  private let keepsAnswers: Bool
  private var isSaved = false
  private var lastTime = ProcessInfo.processInfo.systemUptime

  private static let interval = 30.0
  /// Days after which what nobody goes on with is removed.
  private static let lifetime = 14.0
  /// In the cache folder, or where that cannot be written to, among temporary files.
  private static let folder = {
    let own = "\(AlgorithmTable.cacheFolder)/evaluations"
    let isThere = (try? FileSystem.createFolder(own)) != nil && FileSystem.isWritable(own)
    return isThere ? own : NSTemporaryDirectory() + "convnet-evaluations"
  }()

  /// - Throws: ``NoEvaluation`` where one shall go on that was never interrupted.
  init(
    _ candidates: [ProtocolEvaluation.Candidate], _ dataset: any Dataset,
    among classes: ProtocolEvaluation.ScoredClasses, batchSize: Int, _ compute: ComputeOptions,
    keepsAnswers: Bool, resumes: Bool
  ) throws {
    self.keepsAnswers = keepsAnswers
    make = {
      let key = KeptEvaluation.key(
        of: candidates, on: dataset, among: classes, batchSize: batchSize, compute: compute)
      // Another process may run the same: each has a folder of its own.
      for number in 1... {
        let kept = KeptEvaluation(
          folder: "\(Self.folder)/\(key)\(number == 1 ? "" : "-\(number)")", key: key,
          keepsAnswers: keepsAnswers)
        if try kept.claim() { return kept }
      }
      throw NoEvaluation(data: dataset.name)
    }
    guard resumes || keepsAnswers else {
      progress = nil
      return
    }
    Self.removeOld()
    let kept = try make()
    if resumes {
      guard kept.progress != nil else {
        kept.remove()
        throw NoEvaluation(data: dataset.name)
      }
      isSaved = true
    } else {
      try kept.restart()
    }
    progress = kept.progress
    known = kept
  }

  private func kept() throws -> KeptEvaluation {
    if let known { return known }
    Self.removeOld()
    let kept = try make()
    known = kept
    return kept
  }

  private static func removeOld() {
    let now = Date().timeIntervalSince1970
    try? FileSystem.list(folder) { entry in
      let path = "\(folder)/\(entry.name)"
      guard let status = FileSystem.status(of: path),
        now - modificationSeconds(of: status) > lifetime * 86_400
      else { return }
      KeptEvaluation(folder: path, key: "").remove()
    }
  }

  func add(_ answer: ProtocolEvaluation.Answer) throws {
    if keepsAnswers { try kept().add(answer) }
  }

  /// Writes how far it is, now and then.
  ///
  /// - Parameters:
  ///   - signal: that this process, or one that measures with it, has been sent.
  ///   - writes: whether this process is the one that keeps.
  /// - Throws: ``Interrupted`` after a signal.
  func keep(
    _ progress: EvaluationProgress, of count: Int, stoppingBy signal: Int32?, writes: Bool
  ) throws {
    let now = ProcessInfo.processInfo.systemUptime
    guard writes || signal != nil else { return }
    guard signal != nil || now - lastTime >= Self.interval else { return }
    do {
      if writes {
        try kept().save(progress)
        isSaved = true
      }
    } catch  where signal == nil && !keepsAnswers {
      // What is measured does not depend on it.
      Console.tell("how far the evaluation is cannot be kept: \(error)\n")
      lastTime = .infinity
      return
    }
    lastTime = ProcessInfo.processInfo.systemUptime
    guard let signal else { return }
    throw Interrupted(
      signal: signal,
      outcome:
        "\(progress.pictures) of \(plural(count, "picture")) were measured; the same command with --resume goes on"
    )
  }

  /// Gives every answer once more.
  func answers() throws -> KeptEvaluation { try kept() }

  /// At the end.
  func remove() { known?.remove() }

  /// After an error: what can be gone on with stays.
  func leave() {
    if !isSaved { known?.remove() }
  }
}

private func modificationSeconds(of status: stat) -> Double {
  #if os(Linux)
    Double(status.st_mtim.tv_sec)
  #else
    Double(status.st_mtimespec.tv_sec)
  #endif
}

/// An evaluation shall go on of which nothing is kept.
struct NoEvaluation: ReadableError {
  var data: String
  var description: String {
    "no evaluation of these files on \(data) by these protocols was interrupted; leave out --resume to begin one"
  }
}
