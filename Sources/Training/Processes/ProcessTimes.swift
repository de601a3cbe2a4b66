import ConvNetEvaluation
import Foundation

/// How one of several processes spent the training of an epoch.
public struct ProcessTimes: Hashable, Sendable, Codable {
  /// From 0.
  public var rank: Int
  /// The name of its machine.
  public var machine: String
  /// Steps without what follows.
  public var computeSeconds: Double
  /// Waiting for its pictures.
  public var dataWaitSeconds: Double
  /// Sums over all processes, with the waiting for the slowest: the slowest waits least.
  public var exchangeSeconds: Double

  /// Its own time for an epoch, whatever the others do.
  public var ownSeconds: Double { computeSeconds + dataWaitSeconds }

  package init(
    rank: Int, seconds: Double, dataWaitSeconds: Double, exchangeSeconds: Double
  ) {
    self.rank = rank
    machine = Self.machineName
    self.dataWaitSeconds = dataWaitSeconds
    self.exchangeSeconds = exchangeSeconds
    computeSeconds = max(0, seconds - dataWaitSeconds - exchangeSeconds)
  }

  private static let machineName: String = {
    var names = utsname()
    guard uname(&names) == 0 else { return "" }
    return withUnsafeBytes(of: &names.nodename) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
  }()

  /// The process that all others wait for: it takes a fifth longer than the middle one of them. `nil` where none does.
  public static func slow(among all: [ProcessTimes]) -> ProcessTimes? {
    guard let slowest = all.max(by: { $0.ownSeconds < $1.ownSeconds }), all.count > 1 else {
      return nil
    }
    let others = all.filter { $0.rank != slowest.rank }.map(\.ownSeconds).sorted()
    return slowest.ownSeconds > 1.2 * others[others.count / 2] ? slowest : nil
  }
}

extension ProcessGroup {
  /// The times of all, by rank.
  func gather(_ times: ProcessTimes) throws -> [ProcessTimes] {
    try gather([UInt8](JSONEncoder().encode(times))).map {
      try JSONDecoder().decode(ProcessTimes.self, from: Data($0))
    }
  }
}
