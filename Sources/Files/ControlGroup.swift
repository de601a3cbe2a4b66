import Foundation

/// The groups in which Linux counts what processes use, as far as they limit processors.
///
/// A process is in a group of a tree; every group above it limits it too. A container often sees but a part of the tree.
package struct ControlGroup {
  /// Where the system says in which groups the process is.
  private let membership: String
  /// Where the trees are mounted.
  private let root: String

  package init(membership: String = "/proc/self/cgroup", root: String = "/sys/fs/cgroup") {
    (self.membership, self.root) = (membership, root)
  }

  /// Processors' worth of time, rounded up, that the tightest quota allows; `nil` where there is none.
  package var processors: Int? {
    let lines = text(of: membership)?.split(separator: "\n") ?? []
    return lines.flatMap(quotas).min()
  }

  /// The quotas of a line's group and of those above: `0::/path` in the second version, `3:cpu,cpuacct:/path` in the first.
  private func quotas(_ line: Substring) -> [Int] {
    let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard fields.count == 3 else { return [] }
    let controllers = fields[1].split(separator: ",")
    guard controllers.isEmpty || controllers.contains("cpu") else { return [] }
    // The mounts are called by one of their controllers, or by all.
    let mounts =
      controllers.isEmpty ? ["", "/unified"] : ["/cpu", "/\(fields[1])"]
    let names = fields[2].split(separator: "/").filter { $0 != ".." }
    return (0...names.count).flatMap { depth -> [Int] in
      let group = names.prefix(depth).map { "/\($0)" }.joined()
      return mounts.compactMap { mount in
        let folder = "\(root)\(mount)\(group)"
        return controllers.isEmpty ? quota(in: folder) : firstVersionQuota(in: folder)
      }
    }
  }

  /// `cpu.max` holds microseconds, or `max`, and the period in which they are given.
  private func quota(in folder: String) -> Int? {
    let numbers = text(of: "\(folder)/cpu.max")?.split(whereSeparator: \.isWhitespace) ?? []
    guard numbers.count == 2 else { return nil }
    return processors(limit: Int(numbers[0]), period: Int(numbers[1]))
  }

  private func firstVersionQuota(in folder: String) -> Int? {
    let numbers = ["quota", "period"].map { name in
      text(of: "\(folder)/cpu.cfs_\(name)_us").flatMap {
        Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
      }
    }
    return processors(limit: numbers[0], period: numbers[1])
  }

  private func processors(limit: Int?, period: Int?) -> Int? {
    guard let limit, let period, limit > 0, period > 0 else { return nil }
    return limit / period + (limit % period > 0 ? 1 : 0)
  }

  private func text(of path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }
}
