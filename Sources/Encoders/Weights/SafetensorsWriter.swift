// Rows of floats to a safetensors file, streamed: the number of rows need not be known before the last.
import Foundation
import Glibc

/// Writes tensors of equally long rows; the file appears whole, under its name, when `finish` returns.
///
/// Each tensor's rows are spooled to a file beside the target and joined at the end, so memory does not grow with the rows.
package final class SafetensorsWriter {
    private let path: String
    private let rowLength: Int
    private var spools: [(name: String, stream: UnsafeMutablePointer<FILE>)] = []
    private var rows = 0

    /// Opens the spools.
    /// - Parameters:
    ///   - path: the file to be.
    ///   - names: the tensors, in the order they are stored.
    ///   - rowLength: floats of a row, the same for all tensors.
    /// - Throws: `FileError` with the system's reason.
    package init(path: String, names: [String], rowLength: Int) throws {
        self.path = try Self.target(path)
        self.rowLength = rowLength
        for name in names.sorted() {
            let (stream, spool) = try Self.temporary(beside: self.path)
            unlink(spool)  // nameless from now on: nothing is left behind however this process ends
            spools.append((name, stream))
        }
    }

    deinit { discard() }

    /// Appends one row to every tensor.
    /// - Parameter row: by tensor name, `rowLength` floats each.
    /// - Throws: `FileError` when the disk is full.
    package func append(_ row: [String: [Float]]) throws {
        for spool in spools {
            guard let values = row[spool.name], values.count == rowLength else {
                preconditionFailure("a row has \(rowLength) floats for each tensor")
            }
            guard fwrite(values, 4, values.count, spool.stream) == values.count else { throw Self.error(path) }
        }
        rows += 1
    }

    /// Writes the file and puts it in its place.
    /// - Parameter metadata: `__metadata__` of the header.
    /// - Throws: `FileError` when the disk is full; then no file of that name was made or changed.
    package func finish(metadata: [String: String]) throws {
        let (out, temporary) = try Self.temporary(beside: path)
        defer { unlink(temporary) }
        do {
            let header = try header(metadata)
            try write([UInt8](header), to: out, path)
            for spool in spools { try copy(spool.stream, to: out, path) }
            guard fflush(out) == 0, fsync(fileno(out)) == 0 else { throw Self.error(path) }
        } catch {
            fclose(out)
            throw error
        }
        guard fclose(out) == 0, rename(temporary, path) == 0 else { throw Self.error(path) }
        discard()
    }

    /// Where the file is to be: what a link leads to; anything there but a regular file is refused.
    private static func target(_ path: String) throws -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return path }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path: path, reason: "not a regular file, it would be replaced by one")
        }
        guard let resolved = realpath(path, nil) else { throw error(path) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// A new file in the target's folder, with the permissions any new file has.
    private static func temporary(beside path: String) throws -> (UnsafeMutablePointer<FILE>, String) {
        let folder = (path as NSString).deletingLastPathComponent
        var template = Array("\(folder.isEmpty ? "." : folder)/.penumbra-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw error(path) }
        let mask = umask(0)
        umask(mask)
        fchmod(descriptor, 0o666 & ~mask)
        guard let stream = fdopen(descriptor, "w+") else { throw error(path) }
        return (stream, String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    /// The header's length and the header, padded with spaces to a multiple of 8.
    private func header(_ metadata: [String: String]) throws -> Data {
        let length = rows * rowLength * 4
        var entries: [String: Any] = ["__metadata__": metadata]
        for (index, spool) in spools.enumerated() {
            entries[spool.name] = [
                "dtype": "F32", "shape": [rows, rowLength], "data_offsets": [index * length, (index + 1) * length],
            ]
        }
        var json = try JSONSerialization.data(withJSONObject: entries, options: [.sortedKeys, .withoutEscapingSlashes])
        json.append(contentsOf: [UInt8](repeating: 0x20, count: (8 - json.count % 8) % 8))
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) } + json
    }

    private func copy(_ source: UnsafeMutablePointer<FILE>, to out: UnsafeMutablePointer<FILE>, _ path: String) throws {
        rewind(source)
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = fread(&buffer, 1, buffer.count, source)
            guard count > 0 else { return }
            try write(buffer[..<count], to: out, path)
        }
    }

    private func write(_ bytes: some Sequence<UInt8>, to out: UnsafeMutablePointer<FILE>, _ path: String) throws {
        let bytes = Array(bytes)
        guard fwrite(bytes, 1, bytes.count, out) == bytes.count else { throw Self.error(path) }
    }

    private func discard() {
        for spool in spools { fclose(spool.stream) }
        spools = []
    }

    private static func error(_ path: String) -> FileError {
        FileError(path: path, reason: String(cString: strerror(errno)))
    }
}
