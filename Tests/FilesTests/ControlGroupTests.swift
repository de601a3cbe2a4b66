import ConvNetFiles
import ConvNetTestSupport
import Testing

/// The tightest quota of a process' group and of those above it.
@Suite("Control groups") struct ControlGroupTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// What the system says of the process.
    var membership: String
    /// By path below the mounts.
    var files: [String: String]
    var processors: Int?
  }

  static let cases = [
    Case(
      testDescription: "a container that sees itself as the root", membership: "0::/\n",
      files: ["cpu.max": "150000 100000\n"], processors: 2),
    Case(
      testDescription: "a nested group", membership: "0::/outer/inner\n",
      files: ["outer/inner/cpu.max": "100000 100000\n", "outer/cpu.max": "max 100000\n"],
      processors: 1),
    Case(
      testDescription: "the group above is tighter", membership: "0::/outer/inner\n",
      files: ["outer/inner/cpu.max": "800000 100000\n", "outer/cpu.max": "250000 100000\n"],
      processors: 3),
    Case(
      testDescription: "another group's quota is not this one's", membership: "0::/outer\n",
      files: ["outer/inner/cpu.max": "100000 100000\n", "outer/cpu.max": "max 100000\n"],
      processors: nil),
    Case(
      testDescription: "the first version", membership: "7:memory:/a\n4:cpu,cpuacct:/a/b\n",
      files: [
        "cpu,cpuacct/a/b/cpu.cfs_quota_us": "50000\n",
        "cpu,cpuacct/a/b/cpu.cfs_period_us": "100000\n",
        "cpu,cpuacct/a/cpu.cfs_quota_us": "-1\n",
        "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
      ], processors: 1),
    Case(
      testDescription: "the first version in a container, which is the root of what it sees",
      membership: "4:cpu:/docker/0123\n",
      files: ["cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"],
      processors: 4),
    Case(
      testDescription: "both versions", membership: "1:cpu:/\n0::/slice\n",
      files: [
        "cpu/cpu.cfs_quota_us": "600000\n", "cpu/cpu.cfs_period_us": "100000\n",
        "unified/slice/cpu.max": "500000 100000\n",
      ], processors: 5),
    Case(
      testDescription: "names with colons", membership: "0::/a:b\n",
      files: ["a:b/cpu.max": "100000 100000"], processors: 1),
    Case(testDescription: "no file", membership: "0::/a\n", files: [:], processors: nil),
    Case(
      testDescription: "damaged files", membership: "0::/a\nnothing\n:\n",
      files: ["a/cpu.max": "0 0\n", "cpu.max": "100000\n"], processors: nil),
    Case(
      testDescription: "a path that leaves the tree", membership: "0::/../a\n",
      files: ["a/cpu.max": "100000 100000"], processors: 1),
    Case(
      testDescription: "more than can be counted", membership: "0::/\n",
      files: ["cpu.max": "9223372036854775807 100000"], processors: 92_233_720_368_548),
  ]

  @Test("a process has the processors of the tightest quota", arguments: cases)
  func quota(_ example: Case) throws {
    let directory = try TemporaryDirectory()
    let membership = try directory.write([UInt8](example.membership.utf8), to: "membership")
    for (path, text) in example.files {
      try directory.write([UInt8](text.utf8), to: "root/\(path)")
    }
    let group = ControlGroup(membership: membership, root: directory.file("root"))
    #expect(group.processors == example.processors)
  }

  @Test("without control groups there is no quota")
  func absent() {
    #expect(ControlGroup(membership: "/nowhere/cgroup", root: "/nowhere").processors == nil)
  }
}
