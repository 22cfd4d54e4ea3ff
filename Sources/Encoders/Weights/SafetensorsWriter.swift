// Rows of floats to a safetensors file, streamed: the number of rows need not be known before the last.
import Glibc

/// Writes tensors of equally long rows; the file appears whole, under its name, when `finish` returns.
///
/// Each tensor's rows are spooled to a file beside the target and joined at the end, so memory does not grow with the rows.
/// `SafetensorsRows` does without the spools where the number of rows is known.
package final class SafetensorsWriter {
    private let file: AtomicFile
    private let rowLength: Int
    private var spools: [(name: String, stream: UnsafeMutablePointer<FILE>)] = []
    private var rows = 0

    /// Opens the spools.
    /// - Parameters:
    ///   - path: the file to be.
    ///   - names: the tensors; they are stored in the order of their names.
    ///   - rowLength: floats of a row, the same for all tensors.
    /// - Throws: `FileError` with the system's reason.
    package init(path: String, names: [String], rowLength: Int) throws {
        file = try AtomicFile(path: path)
        self.rowLength = rowLength
        for name in names.sorted() { spools.append((name, try AtomicFile.spool(beside: file.path))) }
    }

    deinit { for spool in spools { fclose(spool.stream) } }

    /// Appends one row to every tensor.
    /// - Parameter row: by tensor name, `rowLength` floats each.
    /// - Throws: `FileError` when the disk is full.
    package func append(_ row: [String: [Float]]) throws {
        for spool in spools {
            guard let values = row[spool.name], values.count == rowLength else {
                preconditionFailure("a row has \(rowLength) floats for each tensor")
            }
            guard fwrite(values, 4, values.count, spool.stream) == values.count else {
                throw AtomicFile.error(file.path)
            }
        }
        rows += 1
    }

    /// Writes the file and puts it in its place.
    /// - Parameter metadata: `__metadata__` of the header; values are UTF-8.
    /// - Throws: `FileError` when the disk is full; then no file of that name was made or changed.
    package func finish(metadata: [String: [UInt8]]) throws {
        let header = SafetensorsHeader(
            names: spools.map(\.name), rows: rows, rowLength: rowLength, metadata: metadata)
        try header.bytes(path: file.path).withUnsafeBytes { try file.write($0) }
        for spool in spools { try copy(spool.stream) }
        try file.finish()
    }

    private func copy(_ source: UnsafeMutablePointer<FILE>) throws {
        rewind(source)
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = fread(&buffer, 1, buffer.count, source)
            guard count > 0 else { return }
            try buffer.withUnsafeBytes { try file.write(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}
