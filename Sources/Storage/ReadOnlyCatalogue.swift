// An index folder that cannot be written to a catalogue that can be read all the same.
import Foundation
import GRDB
import Glibc

/// A catalogue opened without writing beside it: in place where nobody can be writing, else as a copy.
///
/// SQLite's readers write too (the shared memory of the write-ahead log), so a folder without write permission needs another
/// way: the file as it stands, declared immutable, under a shared lock that keeps our own writers out and with an empty
/// log; otherwise catalogue and log are copied to a temporary folder and opened there.
final class ReadOnlyCatalogue: Sendable {
    let queue: DatabaseQueue
    private let lock: Int32
    private let copy: String?

    /// Opens the catalogue of an index folder; one that needs migrations is copied, and the copy migrated.
    /// - Throws: `DatabaseError`, or `StorageError` when the copy cannot be made.
    init(folder: String, migrator: DatabaseMigrator) throws {
        let file = "\(folder)/\(IndexStore.catalogueName)"
        lock = open("\(folder)/\(IndexStore.lockName)", O_RDONLY | O_CLOEXEC)
        let isAlone = lock < 0 || flock(lock, LOCK_SH | LOCK_NB) == 0
        var configuration = Configuration()
        configuration.readonly = true
        var log = stat()
        if isAlone, stat("\(file)-wal", &log) != 0 || log.st_size == 0 {
            let queue = try DatabaseQueue(path: Self.immutable(file), configuration: configuration)
            if try queue.read(migrator.hasCompletedMigrations) {
                self.queue = queue
                copy = nil
                return
            }
        }
        let temporary = try Self.copy(file)
        copy = temporary
        // The copy is ours to write: SQLite reads the log into place.
        queue = try DatabaseQueue(path: "\(temporary)/\(IndexStore.catalogueName)")
        try migrator.migrate(queue)
    }

    deinit {
        if lock >= 0 { close(lock) }
        if let copy { try? FileManager.default.removeItem(atPath: copy) }
    }

    /// The URI under which SQLite neither locks nor looks for a log.
    private static func immutable(_ file: String) -> String {
        let safe = file.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? file
        return "file:\(safe)?immutable=1"
    }

    /// Copies catalogue and log, the log last: what it holds is never older than the catalogue.
    private static func copy(_ file: String) throws -> String {
        var template = Array("\(NSTemporaryDirectory())/penumbra-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StorageError.lmdb(errno, "copy the catalogue", file) }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for suffix in ["", "-wal"] {
            let target = "\(folder)/\(IndexStore.catalogueName)\(suffix)"
            if !suffix.isEmpty, access(file + suffix, F_OK) != 0 { continue }
            do {
                try Data(contentsOf: URL(fileURLWithPath: file + suffix)).write(to: URL(fileURLWithPath: target))
            } catch {
                throw StorageError.system(path: file + suffix, operation: "copy", reason: error.localizedDescription)
            }
        }
        return folder
    }
}
