// What can go wrong with an index folder, in sentences people can act on.
import CLMDB
import Glibc

/// Why an index could not be opened, read or written.
public enum StorageError: Error, CustomStringConvertible, Sendable, Equatable {
    /// There is no index folder at the path, or it holds no catalogue.
    case notAnIndex(path: String)
    /// Something is already where an index was to be created.
    case exists(path: String)
    /// Another process holds the writer lock.
    case busy(process: Int32?)
    /// The index was written by a later version of Penumbra.
    case newerFormat(path: String, got: Int, supported: Int)
    /// The vectors belong to another index than the catalogue.
    case foreignVectors(path: String, got: String, expected: String)
    /// The Gaussians of the index are not comparable with those of the model in use.
    case foreignEncoding(got: String, expected: String)
    /// The vectors end before what the catalogue promises.
    case vectorsShort(path: String, collection: Collection, block: Int, got: Int, expected: Int)
    /// A stored block contradicts its own header or checksum.
    case damagedBlock(path: String, collection: Collection, block: Int, column: String, reason: String)
    /// A file is shorter than its own header says.
    case truncated(path: String, got: Int, expected: Int)
    /// The system or LMDB refused an operation.
    case system(path: String, operation: String, reason: String)
    /// The index folder cannot be written, which readers need too, for their locks.
    case unwritable(path: String)
    /// SQLite finds the catalogue damaged.
    case damagedCatalogue(path: String, reason: String)
    /// The catalogue cannot be read at all.
    case beyondRepair(path: String, reason: String)
    /// An operation needs more disk space than there is; nothing was begun.
    case noRoom(path: String, needed: Int, available: Int)
    /// The index has no source of that name.
    case unknownSource(String, known: [String])
    /// The disk is full (or a size limit is reached): what was committed before is intact.
    case diskFull(path: String)

    /// The sentence shown to people.
    public var description: String {
        switch self {
        case .notAnIndex(let path):
            "\(path): no index here"
        case .exists(let path):
            "\(path): already exists; move it away, or name another place"
        case .busy(let process):
            "the index is busy, process \(process.map(String.init) ?? "unknown") is writing to it"
        case .newerFormat(let path, let got, let supported):
            "\(path): written in format \(got), this version of Penumbra reads up to \(supported)"
        case .foreignVectors(let path, let got, let expected):
            "\(path): these vectors belong to index \(got), the catalogue is of index \(expected)\(Self.remedy)"
        case .foreignEncoding(let got, let expected):
            "this index was made with encoding \(expected), the model at hand gives \(got)"
        case .vectorsShort(let path, let collection, let block, let got, let expected):
            "\(path): block \(block) of \(collection) holds \(got) vectors, the catalogue promises \(expected)\(Self.remedy)"
        case .damagedBlock(let path, let collection, let block, let column, let reason):
            "\(path): block \(block) of \(collection), column \(column): \(reason)\(Self.remedy)"
        case .truncated(let path, let got, let expected):
            "\(path): truncated, \(got) bytes where \(expected) are needed\(Self.remedy)"
        case .system(let path, let operation, let reason):
            "\(path): \(operation): \(reason)"
        case .unwritable(let path):
            "\(path): no permission to write here"
        case .damagedCatalogue(let path, let reason):
            "\(path): the catalogue is damaged (\(reason)); penumbra repair saves what can be read"
        case .beyondRepair(let path, let reason):
            "\(path): the catalogue is beyond repair (\(reason)): the names of its items are lost. "
                + "Move the index folder away, index again, and import again what was imported"
        case .noRoom(let path, let needed, let available):
            "\(path): not enough space: \(ByteCount.text(needed)) are needed, \(ByteCount.text(available)) are free; "
                + "nothing was changed"
        case .unknownSource(let name, let known):
            "no source is called \(name); "
                + (known.isEmpty ? "the index has none" : "there are: \(known.joined(separator: ", "))")
        case .diskFull(let path):
            "\(path): no space left; what was indexed before is intact, free some space and run the same command again"
        }
    }

    private static let remedy = "; penumbra repair saves what is sound"

    /// The error of a failed LMDB or system call.
    static func lmdb(_ code: Int32, _ operation: String, _ path: String) -> StorageError {
        if code == ENOSPC || code == EFBIG || code == EDQUOT { return .diskFull(path: path) }
        // LMDB's word for a write that was cut short.
        if code == EIO, DiskSpace.isExhausted(at: path) { return .diskFull(path: path) }
        return .system(path: path, operation: operation, reason: String(cString: mdb_strerror(code)))
    }
}

/// Bytes for people.
public enum ByteCount {
    /// "900 kB", "3.2 MB", "1.5 GB": powers of a thousand.
    public static func text(_ bytes: Int) -> String {
        if bytes < 1_000_000 { return "\((bytes + 999) / 1_000) kB" }
        if bytes < 1_000_000_000 { return "\(Double(bytes / 100_000) / 10) MB" }
        return "\(Double(bytes / 100_000_000) / 10) GB"
    }
}
