// A safetensors file of Gaussians that were encoded elsewhere to rows that can be read in pieces.
import Encoders
import Glibc
import Storage

/// An open file of vectors: `mean` and `log_variance`, [N, D] F32 or F16, and what its rows are called.
///
/// Only names are held in memory; rows are read, not mapped, so that a file that shrinks is an error and not a signal.
public final class VectorFile: Sendable {
    /// The file.
    public let path: String
    /// N, rows.
    public let count: Int
    /// D.
    public let dimension: Int
    /// What encoded the rows, where the file says so.
    public let encodingID: String?
    /// SHA-256 of the weights that encoded them, where the file says so.
    public let modelFingerprint: String?
    /// Names and kinds.
    package let names: RowNames

    /// A tensor's place.
    private struct Place {
        let offset: Int
        let type: TensorType
    }
    private let mean: Place
    private let logVariance: Place
    private let descriptor: Int32

    /// Reads the header and the names.
    /// - Parameters:
    ///   - path: the file.
    ///   - names: a text file of N lines to take the names from instead of the metadata.
    /// - Throws: `ImportRefusal` or another error that says what is wrong with the file or its names.
    public init(path: String, names: String? = nil) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError(path: path, reason: String(cString: strerror(errno))) }
        do {
            let file = try Safetensors(path: path)
            let mean = try Self.tensor("mean", file)
            let logVariance = try Self.tensor("log_variance", file)
            guard mean.shape == logVariance.shape else {
                throw ImportRefusal(path, .unlikeShapes(mean: mean.shape, logVariance: logVariance.shape))
            }
            (count, dimension) = (mean.shape[0], mean.shape[1])
            self.mean = Place(offset: mean.offset, type: mean.type)
            self.logVariance = Place(offset: logVariance.offset, type: logVariance.type)
            encodingID = file.metadata["encoding_id"]
            modelFingerprint = file.metadata["model_fingerprint"]
            self.names = try RowNamesReader(path: path, count: mean.shape[0]).read(file.metadata, lines: names)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    private static func tensor(_ name: String, _ file: Safetensors) throws -> Tensor {
        guard let tensor = file.tensors[name] else {
            throw ImportRefusal(file.file.path, .tensor(name, got: "missing"))
        }
        guard tensor.shape.count == 2, tensor.shape[1] > 0, [.f32, .f16].contains(tensor.type) else {
            throw ImportRefusal(file.file.path, .tensor(name, got: "\(tensor.type.rawValue)\(tensor.shape)"))
        }
        return tensor
    }

    /// A refusal of a row.
    func refuse(_ row: Int, _ reason: ImportRefusal.Reason) -> ImportRefusal {
        ImportRefusal(path, row: row, name: names[row], reason)
    }

    /// Reads rows of both tensors, widened to Float32.
    /// - Parameters:
    ///   - rows: which.
    ///   - means: room for `rows.count * dimension` floats.
    ///   - logVariances: as much room.
    /// - Throws: `FileError` when the file cannot be read, or has become shorter.
    func read(_ rows: Range<Int>, _ means: FloatBuffer, _ logVariances: FloatBuffer) throws {
        try read(rows, mean, means)
        try read(rows, logVariance, logVariances)
    }

    private func read(_ rows: Range<Int>, _ place: Place, _ out: FloatBuffer) throws {
        let count = rows.count * dimension
        let offset = place.offset + rows.lowerBound * dimension * place.type.size
        precondition(count <= out.count)
        let raw = UnsafeMutableRawPointer(out.pointer)
        guard place.type != .f32 else {
            return try read(UnsafeMutableRawBufferPointer(start: raw, count: count * 4), at: offset)
        }
        let halves = UnsafeMutableRawBufferPointer.allocate(byteCount: count * place.type.size, alignment: 64)
        defer { halves.deallocate() }
        try read(halves, at: offset)
        guard let base = halves.baseAddress, place.type.widen(base, count: count, into: out.pointer) else { return }
    }

    private func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let got = pread(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, offset + done)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw FileError(path: path, reason: String(cString: strerror(errno))) }
            guard got > 0 else { throw FileError(path: path, reason: "became shorter while it was read") }
            done += got
        }
    }
}
