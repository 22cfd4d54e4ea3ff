// A known number of rows of floats to a safetensors file, each written once, at its place.
import Glibc

/// Writes tensors of equally long rows, straight from memory; the file appears whole when `finish` returns.
package final class SafetensorsRows {
    private let file: AtomicFile
    private let header: SafetensorsHeader
    /// Where each tensor's next row goes.
    private var offsets: [Int]

    /// Writes the header and leaves room for the rows.
    /// - Parameters:
    ///   - path: the file to be.
    ///   - names: the tensors, in the order they are stored.
    ///   - rows: how many.
    ///   - rowLength: floats of a row, the same for all tensors.
    ///   - metadata: `__metadata__` of the header; values are UTF-8.
    /// - Throws: `FileError` with the system's reason.
    package init(path: String, names: [String], rows: Int, rowLength: Int, metadata: [String: [UInt8]]) throws {
        let header = SafetensorsHeader(names: names, rows: rows, rowLength: rowLength, metadata: metadata)
        let bytes = try header.bytes(path: path)
        let file = try AtomicFile(path: path)
        try bytes.withUnsafeBytes { try file.write($0) }
        guard fflush(file.stream) == 0 else { throw AtomicFile.error(path) }
        offsets = names.indices.map { bytes.count + $0 * header.tensorSize }
        self.header = header
        self.file = file
    }

    /// Appends rows to a tensor.
    /// - Parameters:
    ///   - bytes: whole rows.
    ///   - tensor: its number among the names.
    /// - Throws: `FileError` when the disk is full.
    package func append(_ bytes: UnsafeRawBufferPointer, to tensor: Int) throws {
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                fileno(file.stream), bytes.baseAddress?.advanced(by: done), bytes.count - done, offsets[tensor] + done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw AtomicFile.error(file.path) }
            done += count
        }
        offsets[tensor] += done
    }

    /// Puts the file in its place.
    /// - Precondition: every tensor has all its rows.
    /// - Throws: `FileError` when the disk is full; then no file of that name was made or changed.
    package func finish() throws {
        precondition(zip(offsets, offsets.dropFirst()).allSatisfy { $1 - $0 == header.tensorSize }, "rows are missing")
        try file.finish()
    }
}
