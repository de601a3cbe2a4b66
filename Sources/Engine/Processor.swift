import CKernels
import COneDNN
import Foundation

/// The processor, as far as it decides how fast networks are computed, and in last digits what comes out: the instructions that
/// our kernels and the library's use, and its caches.
public struct Processor: Hashable, Sendable {
  /// Vector instructions that kernels exist for, narrowest first.
  public enum Instructions: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// What every processor of the kind has: SSE2 on x86-64, NEON on arm64.
    case portable
    /// AVX2 with fused multiply-adds, 8 floats at a time.
    case avx2
    /// AVX-512, 16 floats at a time.
    case avx512

    /// Whether the left are contained in the right.
    public static func < (left: Self, right: Self) -> Bool {
      (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
  }

  /// Those in use: of the processor's, what `CONVNET_INSTRUCTIONS` and the library's own `ONEDNN_MAX_CPU_ISA` leave. They hold
  /// the library and all kernels of ours; what decodes and resizes pictures chooses by itself.
  public let instructions: Instructions
  /// Those that the processor has.
  public let available: Instructions
  /// Of the caches of data, nearest first, in bytes; empty where the system does not tell.
  public let cacheByteCounts: [Int]
  /// Channels that lie beside each other in memory, of which kernels compute all at once.
  public static let channelBlock = 16
  /// The channels of all blocks that so many need.
  static func wholeBlocks(_ channels: Int) -> Int {
    (channels + channelBlock - 1) / channelBlock * channelBlock
  }

  /// Numbers that one instruction works on.
  public var vectorWidth: Int { instructions.vectorWidth }

  /// The processor of this process.
  public static let current: Processor = {
    let available = Instructions(ck_usable_instructions(CK_WIDEST))
    let limit = (try? asked.get()) ?? available
    if limit < available { _ = cdnn_limit_instructions(limit.ofLibrary) }
    let library = Instructions(cdnn_instructions_in_use())
    let processor = Processor(
      instructions: min(available, limit, library), available: available,
      cacheByteCounts: measuredCaches)
    ck_limit_instructions(processor.kernelInstructions)
    return processor
  }()

  /// What the environment asks for; all there is where it asks for nothing. Fails for a name that is none, and for what the
  /// processor does not have.
  private static let asked: Result<Instructions, EngineError> = {
    let variable = "CONVNET_INSTRUCTIONS"
    let available = Instructions(ck_usable_instructions(CK_WIDEST))
    guard let name = ProcessInfo.processInfo.environment[variable], !name.isEmpty else {
      return .success(available)
    }
    if let limit = Instructions(rawValue: name), limit <= available { return .success(limit) }
    let known = Instructions.allCases.filter { $0 <= available }
    return .failure(
      EngineError(
        subject: variable,
        problem: .unknownInstructions(name, available: known.map(\.rawValue))))
  }()

  private static var measuredCaches: [Int] {
    #if canImport(Darwin)
      return ["hw.l1dcachesize", "hw.l2cachesize", "hw.l3cachesize"].map { name in
        var (size, length): (Int64, Int) = (0, MemoryLayout<Int64>.size)
        return sysctlbyname(name, &size, &length, nil, 0) == 0 ? Int(size) : 0
      }.filter { $0 > 0 }
    #else
      // Not by `sysconf`: on some processors it counts the last cache once for each of them.
      func text(_ name: String, ofCache index: Int) -> String? {
        let file = "/sys/devices/system/cpu/cpu0/cache/index\(index)/\(name)"
        return try? String(contentsOfFile: file, encoding: .utf8)
      }
      var counts: [Int] = []
      var index = 0
      while let type = text("type", ofCache: index) {
        let kibibytes = text("size", ofCache: index).flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        if !type.hasPrefix("Instruction"), kibibytes > 0 {
          counts.append(min(kibibytes, 1 << 20) << 10)
        }
        index += 1
      }
      return counts
    #endif
  }

  /// - Throws: ``EngineError`` where `CONVNET_INSTRUCTIONS` cannot be followed.
  static func check() throws {
    _ = try asked.get()
    _ = current
  }

  /// For our kernels.
  var kernelInstructions: ck_instructions {
    switch instructions {
    case .avx512: CK_WIDEST
    case .avx2: CK_AVX2
    case .portable: CK_PORTABLE
    }
  }

  /// Whether the library's fast kernels work on blocks of 16 channels, as ours do; elsewhere they want 8.
  var sharesBlocks: Bool { instructions == .avx512 }
}

extension Processor: CustomStringConvertible {
  /// `AVX2 of AVX-512, 8 floats at a time`
  public var description: String {
    let limited = instructions < available ? " of \(available)" : ""
    return "\(instructions)\(limited), \(vectorWidth) floats at a time"
  }
}

extension Processor.Instructions: CustomStringConvertible {
  /// Numbers that one instruction works on.
  public var vectorWidth: Int {
    switch self {
    case .portable: 4
    case .avx2: 8
    case .avx512: 16
    }
  }

  /// As the maker calls them: `AVX-512`.
  public var description: String {
    switch self {
    case .avx512: "AVX-512"
    case .avx2: "AVX2"
    case .portable:
      #if arch(arm64)
        "NEON"
      #elseif arch(x86_64)
        "SSE2"
      #else
        "plain"
      #endif
    }
  }

  fileprivate init(_ instructions: ck_instructions) {
    self = instructions == CK_WIDEST ? .avx512 : instructions == CK_AVX2 ? .avx2 : .portable
  }

  fileprivate init(_ instructions: cdnn_instructions) {
    self = instructions == CDNN_AVX512 ? .avx512 : instructions == CDNN_AVX2 ? .avx2 : .portable
  }

  fileprivate var ofLibrary: cdnn_instructions {
    switch self {
    case .avx512: CDNN_AVX512
    case .avx2: CDNN_AVX2
    case .portable: CDNN_PORTABLE
    }
  }
}
