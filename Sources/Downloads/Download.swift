import CTransfer
public import ConvNetFiles
import Foundation

/// A file that is brought from a server and known by its digest. What arrived of it stays beside its place, so that a next
/// attempt asks for the rest only.
///
/// HTTP and TLS are libcurl's, which follows redirections (to http and https alone), and proxies as `http_proxy`, `https_proxy`
/// and `no_proxy` name them.
public struct Download: Hashable, Sendable {
  /// Where it is: http or https.
  public var address: String
  /// The first digits of its SHA-256, hexadecimal; as many as its publisher says.
  public var digest: String
  /// Bytes that it may have, at most.
  public var byteLimit: Int

  /// A file by its address and digest.
  public init(from address: String, digest: String, byteLimit: Int) {
    self.address = address
    self.digest = digest.lowercased()
    self.byteLimit = byteLimit
  }

  /// Brings the file to a path, where it appears whole and of the right digest or not at all.
  ///
  /// - Parameters:
  ///   - patience: seconds without a byte after which it fails.
  ///   - progress: told how many bytes of how many there are, `nil` where that is not known.
  /// - Throws: ``DownloadError``; ``FileError`` where the file cannot be written.
  public func bring(
    to path: String, patience: Int = 60, progress: (Int, Int?) -> Void = { _, _ in }
  ) throws {
    let scheme = address.prefix { $0 != ":" }.lowercased()
    guard ["http", "https"].contains(scheme) else { throw DownloadError(address, .scheme) }
    let part = "\(path).part"
    let descriptor = FileSystem.open(part, O_RDWR | O_CREAT | O_CLOEXEC, mode: 0o666)
    guard descriptor >= 0 else { throw FileError.last(.create, part) }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw DownloadError(address, .busy) }
    // A beginning that is of another file shows at the end: then the whole is brought once.
    var wentOn = try fetch(into: descriptor, part, patience, progress)
    var actual = try SHA256.digits(ofFile: part)
    if wentOn, !actual.hasPrefix(digest) {
      ftruncate(descriptor, 0)
      wentOn = try fetch(into: descriptor, part, patience, progress)
      actual = try SHA256.digits(ofFile: part)
    }
    guard actual.hasPrefix(digest) else {
      FileSystem.remove(part)
      throw DownloadError(address, .digest(expected: digest, actual: actual))
    }
    guard fsync(descriptor) == 0 else { throw FileError.last(.synchronize, part) }
    guard FileSystem.rename(part, to: path) else { throw FileError.last(.replace, path) }
  }

  /// - Returns: whether it went on from what was there.
  private func fetch(
    into descriptor: Int32, _ part: String, _ patience: Int, _ progress: (Int, Int?) -> Void
  ) throws -> Bool {
    if let size = FileSystem.status(of: part)?.st_size, size > 0,
      try SHA256.digits(ofFile: part).hasPrefix(digest)
    {
      return false
    }
    do {
      return try transfer(into: descriptor, part, patience, progress)
    } catch let error as DownloadError where error.problem == .status(416) {
      // What is there is longer than the file.
      ftruncate(descriptor, 0)
      return try transfer(into: descriptor, part, patience, progress)
    }
  }

  private func transfer(
    into descriptor: Int32, _ part: String, _ patience: Int, _ progress: (Int, Int?) -> Void
  ) throws -> Bool {
    var result = ctr_result()
    let status = withoutActuallyEscaping(progress) { progress in
      let told = Told(progress)
      return address.withCString { address in
        var request = ctr_request(
          address: address, descriptor: descriptor, limit: Int64(byteLimit),
          patience: patience,
          proceed: { context, count, total in
            guard let context else { return 1 }
            Unmanaged<Told>.fromOpaque(context).takeUnretainedValue()
              .body(Int(count), total > 0 ? Int(total) : nil)
            return 1
          }, context: Unmanaged.passUnretained(told).toOpaque())
        return withExtendedLifetime(told) { ctr_get(&request, &result) }
      }
    }
    let words = withUnsafeBytes(of: result.message) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    switch status {
    case CTR_OK: return result.went_on != 0
    case CTR_NO_LIBRARY: throw DownloadError(address, .noLibrary)
    case CTR_REFUSED: throw DownloadError(address, .status(result.number))
    case CTR_TOO_LONG:
      FileSystem.remove(part)
      throw DownloadError(address, .tooLong(limit: byteLimit))
    case CTR_NOT_WRITTEN:
      throw FileError(path: part, operation: .write, problem: .system(code: Int32(result.number)))
    default: throw DownloadError(address, .connection(words))
    }
  }

  /// A closure as an object, which C can hand back.
  private final class Told {
    let body: (Int, Int?) -> Void
    init(_ body: @escaping (Int, Int?) -> Void) { self.body = body }
  }
}

/// Why a file was not brought.
public struct DownloadError: Error, Hashable, Sendable {
  /// What was wrong.
  public enum Problem: Hashable, Sendable {
    /// The address is not of http or https.
    case scheme
    /// There is no libcurl.
    case noLibrary
    /// Another process brings the same file.
    case busy
    /// The server's answer, of HTTP.
    case status(Int)
    /// What came is another file than the one that was published.
    case digest(expected: String, actual: String)
    /// More bytes came than the file can have.
    case tooLong(limit: Int)
    /// There is no way to the server, it broke off, or sends to somewhere else than http and https; in libcurl's words.
    case connection(String)
    /// It is not here, and nothing shall be asked of a server.
    case offline
  }

  /// Of the file.
  public var address: String
  /// What was wrong.
  public var problem: Problem

  init(_ address: String, _ problem: Problem) {
    self.address = address
    self.problem = problem
  }
}

extension DownloadError: ReadableError {
  public var description: String {
    switch problem {
    case .scheme: "\(address) is no address of http or https"
    case .noLibrary: "\(address) cannot be brought: libcurl is not installed; install libcurl4"
    case .busy: "\(address) is being brought by another process; wait for it"
    case .status(404): "\(address) is not there (HTTP status 404)"
    case .status(let status): "\(address): the server answers with HTTP status \(status)"
    case .digest(let expected, let actual):
      "\(address) is not the file that was published: its SHA-256 begins with \(actual.prefix(max(8, expected.count))), must with \(expected); nothing is kept of it"
    case .tooLong(let limit):
      "\(address) has more than \(limit) bytes, which the file that was published has not; nothing is kept of it"
    case .connection(let words):
      "\(address): \(words); what has come is kept, and the next attempt goes on"
    case .offline: "\(address) was not brought yet"
    }
  }
}
