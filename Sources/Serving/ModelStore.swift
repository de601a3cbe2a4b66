package import ConvNetFiles
package import ConvNetLayers
import Dispatch
import Foundation
import Synchronization

/// The models of a server by name. A file that changed is read and compiled beside the version that serves, and takes its place
/// when it is ready: who has begun with the old one ends with it. A bad file leaves the old one serving.
package final class ModelStore: Sendable {
  /// A model's file, and the name by which requests call it.
  package struct Source: Hashable, Sendable {
    package var name: String
    package var path: String

    package init(name: String, path: String) {
      self.name = name
      self.path = path
    }

    /// Letters, digits, point, underscore and hyphen: what needs no escape in an address.
    package static func isName(_ text: String) -> Bool {
      (1...128).contains(text.utf8.count)
        && text.utf8.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
          default: false
          }
        } && text != "." && text != ".."
    }

    /// `NAME=FILE`, or a file, which is called by its name without the ending; `model.safetensors`, as trainings call
    /// theirs, by its folder's.
    package init(_ argument: String) throws(SourceError) {
      if let equals = argument.firstIndex(of: "="), !FileSystem.exists(argument) {
        name = String(argument[..<equals])
        path = String(argument[argument.index(after: equals)...])
      } else {
        path = argument
        let folder = argument.hasPrefix("/") ? "" : FileManager.default.currentDirectoryPath
        let whole = folder + "/" + argument
        var parts = whole.split(separator: "/").filter { $0 != "." }.map(String.init)
        let last = parts.popLast() ?? ""
        let stem = last.lastIndex(of: ".").map { String(last[..<$0]) } ?? last
        name = stem == "model" ? parts.last ?? stem : stem
      }
      guard Self.isName(name) else { throw .name(name, path: path) }
    }
  }

  /// Why files cannot be served as they are named.
  package enum SourceError: ReadableError, Hashable {
    case name(String, path: String)
    case twice(String, paths: [String])

    package var description: String {
      switch self {
      case .name(let name, let path):
        "\(path) would be served as \(name.isEmpty ? "nothing" : name), a name has letters, digits, '.', '_' and '-'; name it: NAME=\(path)"
      case .twice(let name, let paths):
        "\(paths.joined(separator: " and ")) would both be served as \(name); name them: first=\(paths[0])"
      }
    }
  }

  /// What became of a file that was looked at.
  package enum Event: Sendable {
    case loaded(ServedModel, path: String, seconds: Double)
    /// The version that goes on, where there is one.
    case failed(name: String, path: String, reason: String, serving: Int?)
  }

  /// What tells a file from what it was.
  private struct Stamp: Hashable {
    var size: Int64
    var inode: UInt64
    var seconds: Int
    var nanoseconds: Int

    init?(_ path: String) {
      guard let status = FileSystem.status(of: path) else { return nil }
      size = Int64(status.st_size)
      inode = UInt64(status.st_ino)
      #if canImport(Darwin)
        let time = status.st_mtimespec
      #else
        let time = status.st_mtim
      #endif
      seconds = Int(time.tv_sec)
      nanoseconds = Int(time.tv_nsec)
    }
  }

  private struct Slot {
    var model: ServedModel?
    /// Of what was read last, good or bad.
    var stamp: Stamp?
    /// Another that was seen, and may still be written.
    var seen: Stamp?
  }

  package let sources: [Source]
  private let options: ServingOptions
  private let metrics: ServiceMetrics
  private let load: @Sendable (String) throws -> Model
  private let tell: @Sendable (Event) -> Void
  private let slots: Mutex<[String: Slot]>
  /// Held by who loads: one at a time.
  private let loading = Mutex(())
  private let end = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - load: reads a model.
  ///   - tell: is told of every file that was read, on the thread that does it.
  /// - Throws: ``SourceError`` where two have one name.
  package init(
    _ sources: [Source], options: ServingOptions, metrics: ServiceMetrics = ServiceMetrics(),
    load: @escaping @Sendable (String) throws -> Model,
    tell: @escaping @Sendable (Event) -> Void = { _ in }
  ) throws(SourceError) {
    for (name, same) in Dictionary(grouping: sources, by: \.name) where same.count > 1 {
      throw .twice(name, paths: same.map(\.path))
    }
    self.sources = sources
    self.options = options
    self.metrics = metrics
    self.load = load
    self.tell = tell
    slots = Mutex(Dictionary(uniqueKeysWithValues: sources.map { ($0.name, Slot()) }))
    metrics.declareGauge("convnet_model_version", "The version that serves, from 1.")
    metrics.declareCounter("convnet_model_loads_total", "Files that were read, by outcome.")
  }

  /// The version of a model that serves; `nil` where there is no such model, or its file was never good.
  package subscript(name: String) -> ServedModel? { slots.withLock { $0[name]?.model } }

  /// Those that serve, in the order of their files.
  package var models: [ServedModel] { sources.compactMap { self[$0.name] } }

  /// Reads all files for the first time.
  ///
  /// - Throws: what is wrong with the first that is bad.
  package func loadAll() throws {
    for source in sources { try read(source) }
  }

  /// Reads all files again, changed or not.
  package func reload() {
    for source in sources { try? read(source) }
  }

  /// Reads the files that changed, once they stay as they are from one call to the next.
  package func reloadChanged() {
    for source in sources {
      guard let stamp = Stamp(source.path) else { continue }
      let isDue = slots.withLock { slots in
        guard slots[source.name]?.stamp != stamp else { return false }
        defer { slots[source.name]?.seen = stamp }
        return slots[source.name]?.seen == stamp
      }
      if isDue { try? read(source) }
    }
  }

  /// Looks at the files every so often, on a thread of its own, until ``stopWatching()``.
  package func watch(every interval: Duration) throws(ThreadError) {
    try Threads.start(for: "watching files") {
      while self.end.wait(timeout: .now() + .nanoseconds(interval.nanoseconds)) == .timedOut {
        self.reloadChanged()
      }
    }
  }

  package func stopWatching() { end.signal() }

  private func read(_ source: Source) throws {
    try loading.withLock { _ in
      let start = ContinuousClock.now
      let stamp = Stamp(source.path)
      let version = slots.withLock { slots in
        slots[source.name]?.stamp = stamp
        return slots[source.name]?.model?.version ?? 0
      }
      do {
        let model = try ServedModel(
          source.name, version: version + 1, load(source.path), options: options,
          metrics: metrics)
        slots.withLock { $0[source.name]?.model = model }
        metrics.set("convnet_model_version", [("model", source.name)], to: Double(version + 1))
        metrics.count("convnet_model_loads_total", [("model", source.name), ("outcome", "loaded")])
        tell(.loaded(model, path: source.path, seconds: (ContinuousClock.now - start).seconds))
      } catch {
        metrics.count("convnet_model_loads_total", [("model", source.name), ("outcome", "failed")])
        tell(
          .failed(
            name: source.name, path: source.path, reason: "\(error)",
            serving: version > 0 ? version : nil))
        throw error
      }
    }
  }
}
