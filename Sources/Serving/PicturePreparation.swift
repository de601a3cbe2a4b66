import ConvNetFiles
import ConvNetImages
import ConvNetTensors

/// Threads that decode and prepare pictures, each with its decoder: so many pictures are decoded at once and no more.
final class PicturePreparation: Sendable {
  struct Job: Sendable {
    var bytes: [UInt8]
    /// The name that errors carry.
    var name: String
    var preprocessing: Preprocessing
    var pixelLimit: Int
    /// Whether the picture itself is wanted too.
    var keepsImage: Bool
  }

  struct Prepared: Sendable {
    /// In the model's data format.
    var row: [Float]
    var image: Image?
  }

  private let queue: BatchQueue<Job, Prepared>

  init(threads: Int) throws {
    let make: @Sendable () -> BatchQueue<Job, Prepared>.Compute = {
      let bench = Bench()
      return { jobs in jobs.map { job in Result { try bench.prepared(job) } } }
    }
    queue = try BatchQueue(
      for: "decoding",
      workers: [@Sendable () -> BatchQueue<Job, Prepared>.Compute](
        repeating: make, count: max(1, threads)))
  }

  /// - Throws: ``ImageError``.
  func prepared(_ job: Job) async throws -> Prepared { try await queue.output(of: job) }

  private final class Bench {
    private var decoder = ImageDecoder()
    private var image = Image(height: 1, width: 1, color: .black)

    func prepared(_ job: Job) throws -> Prepared {
      decoder.options.pixelLimit = job.pixelLimit
      try decoder.decode(job.bytes.span.bytes, file: job.name, into: &image)
      let count = job.preprocessing.shape.count
      let row = [Float](unsafeUninitializedCapacity: count) { target, filled in
        var span = target.mutableSpan
        job.preprocessing.prepare(image, into: &span)
        filled = count
      }
      let prepared = Prepared(row: row, image: job.keepsImage ? image : nil)
      // The memory of one large picture is not kept for the small ones that follow.
      if image.pixels.count > Self.keptBytes { decoder = ImageDecoder() }
      if image.pixels.count > Self.keptBytes || job.keepsImage {
        image = Image(height: 1, width: 1, color: .black)
      }
      return prepared
    }

    private static let keptBytes = 1 << 24
  }
}
