// A file to its bytes and lines through a buffer of fixed size.
import Crypto
import Glibc

/// A file's bytes in order, without the byte order mark, counting lines.
struct CaptionFileBytes {
    private static let bufferSize = 1 << 18
    private let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var position = 0
    /// The line of the next byte, from 1.
    private(set) var line = 1

    /// Opens a file.
    /// - Throws: `CaptionFileError`: missing, unreadable, a folder, or UTF-16.
    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw CaptionFileError(path: path, reason: String(cString: strerror(errno))) }
        do {
            try fill()
            // A pipe may hand the mark over in parts.
            while !buffer.isEmpty, buffer.count < 3, try extend() {}
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        if buffer.starts(with: [0xFF, 0xFE]) || buffer.starts(with: [0xFE, 0xFF]) {
            Glibc.close(descriptor)
            throw CaptionFileError(path: path, reason: "UTF-16 is not read; save it as UTF-8")
        }
    }

    func close() { Glibc.close(descriptor) }

    /// The next byte, or nil at the end.
    @inline(__always)
    mutating func next() throws -> UInt8? {
        if position == buffer.count { try fill() }
        guard position < buffer.count else { return nil }
        let byte = buffer[position]
        position += 1
        if byte == 0x0A { line += 1 }
        return byte
    }

    /// Whether the next byte is this one; takes it then.
    @inline(__always)
    mutating func take(_ byte: UInt8) throws -> Bool {
        if position == buffer.count { try fill() }
        guard position < buffer.count, buffer[position] == byte else { return false }
        _ = try next()
        return true
    }

    /// The next line without its end, with its number, or nil at the end; its bytes are nil where it is over 1 MB.
    mutating func nextLine() throws -> (number: Int, bytes: [UInt8]?)? {
        if position == buffer.count { try fill() }
        guard position < buffer.count else { return nil }
        let number = line
        var bytes: [UInt8] = []
        var isTooLong = false
        while true {
            if position == buffer.count { try fill() }
            guard position < buffer.count else { break }
            let end = buffer[position...].firstIndex(of: 0x0A)
            if bytes.count + (end ?? buffer.count) - position > CaptionFile.maximumRow { isTooLong = true }
            if !isTooLong { bytes += buffer[position..<(end ?? buffer.count)] }
            position = end.map { $0 + 1 } ?? buffer.count
            if end != nil {
                line += 1
                break
            }
        }
        if isTooLong { return (number, nil) }
        if bytes.last == 0x0D { bytes.removeLast() }
        return (number, bytes)
    }

    private mutating func fill() throws {
        buffer.removeAll(keepingCapacity: true)
        position = 0
        _ = try extend()
    }

    private mutating func extend() throws -> Bool {
        let old = buffer.count
        buffer += [UInt8](repeating: 0, count: Self.bufferSize)
        while true {
            let got = buffer[old...].withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw CaptionFileError(path: path, reason: String(cString: strerror(errno))) }
            buffer.removeLast(Self.bufferSize - got)
            return got > 0
        }
    }
}

extension CaptionFile {
    /// What `stat` says of the file, which must be a plain one, and the SHA-256 of its bytes.
    /// - Throws: `CaptionFileError`: missing, unreadable, or no plain file.
    package static func facts(of path: String) throws(CaptionFileError) -> FileFacts {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw CaptionFileError(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CaptionFileError(path: path, reason: "not a regular file")
        }
        return FileFacts(status)
    }

    /// SHA-256 of a file's bytes, read as a stream.
    /// - Throws: `CaptionFileError`: missing or unreadable.
    package static func hash(of path: String) throws(CaptionFileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw CaptionFileError(path: path, reason: String(cString: strerror(errno))) }
        defer { Glibc.close(descriptor) }
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let got = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw CaptionFileError(path: path, reason: String(cString: strerror(errno))) }
            guard got > 0 else { return Array(hash.finalize()) }
            buffer.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<got])) }
        }
    }
}
