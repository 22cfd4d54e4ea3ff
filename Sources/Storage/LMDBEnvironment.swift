// An LMDB folder to transactions in closures: nothing of a transaction outlives its closure, and C codes become errors.
import CLMDB
import Glibc
import Synchronization

/// One open LMDB environment; there is one per folder and process.
///
/// While it is open it holds a shared lock on the folder, which keeps writers from removing a folder that is no longer
/// the index's own (`VectorsFolder.removeIfUnused`).
package final class LMDBEnvironment: @unchecked Sendable {  // LMDB synchronises; `growth` guards the map's size
    /// The folder holding `data.mdb`.
    package let path: String
    private let environment: OpaquePointer
    /// The folder, locked shared.
    private let folder: Int32
    /// Held shared by every transaction, exclusively while the map grows.
    private let growth: UnsafeMutablePointer<pthread_rwlock_t>

    private struct FolderID: Hashable {
        let device: UInt64
        let inode: UInt64
    }
    private struct Weak {
        weak var environment: LMDBEnvironment?
    }
    private static let open = Mutex<[FolderID: Weak]>([:])

    /// The environment of a folder, opened now or shared with whoever has it open in this process.
    /// - Throws: `StorageError.system` when the folder or its files cannot be opened, also when a writer is removing
    ///   it; `.truncated` when `data.mdb` is shorter than its own header says (using it would kill the process).
    package static func at(
        _ path: String, isReadOnly: Bool = false, isNew: Bool = false
    ) throws -> LMDBEnvironment {
        var status = stat()
        guard stat(path, &status) == 0 else { throw StorageError.lmdb(errno, "open", path) }
        let id = FolderID(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        return try open.withLock { open in
            open = open.filter { $0.value.environment != nil }
            if let shared = open[id]?.environment { return shared }
            let environment = try LMDBEnvironment(path: path, isReadOnly: isReadOnly, isNew: isNew)
            open[id] = Weak(environment: environment)
            return environment
        }
    }

    private init(path: String, isReadOnly: Bool, isNew: Bool) throws {
        // LMDB would make an empty file where none is, and write into one that was emptied.
        let size = Entry("\(path)/data.mdb").size
        if !isNew, size < Self.smallestFile {
            throw StorageError.truncated(path: "\(path)/data.mdb", got: size, expected: Self.smallestFile)
        }
        folder = try VectorsFolder.lock(path, LOCK_SH)
        if !isReadOnly {
            do { try Self.allocateLockFile(path) } catch {
                close(folder)
                throw error
            }
        }
        var environment: OpaquePointer?
        let code = mdb_env_create(&environment)
        guard code == MDB_SUCCESS, let environment else {
            close(folder)
            throw StorageError.lmdb(code, "create", path)
        }
        self.path = path
        self.environment = environment
        growth = .allocate(capacity: 1)
        pthread_rwlock_init(growth, nil)
        mdb_env_set_mapsize(environment, 1 << 30)
        mdb_env_set_maxreaders(environment, 1_024)
        // Without write permission there is no lock file: blocks are only ever added, so readers go without.
        let flags = UInt32(MDB_NOTLS) | (isReadOnly ? UInt32(MDB_RDONLY | MDB_NOLOCK) : 0)
        try Self.check(mdb_env_open(environment, path, flags, 0o600), "open", path)
        try checkFileSize()
        var dead: Int32 = 0
        mdb_reader_check(environment, &dead)
    }

    /// Two meta pages and the root.
    private static let smallestFile = 3 * 4_096

    /// Gives LMDB's lock file its disk space before LMDB maps it: it would make a file with a hole, and the first write
    /// into a hole on a full disk kills the process.
    private static func allocateLockFile(_ path: String) throws {
        let size = 80 << 10  // more than 1,024 readers of 64 bytes need
        let file = "\(path)/lock.mdb"
        var status = stat()
        guard stat(file, &status) != 0 || status.st_blocks * 512 < max(Int(status.st_size), size) else { return }
        let descriptor = Glibc.open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StorageError.lmdb(errno, "open", file) }
        defer { close(descriptor) }
        let code = posix_fallocate(descriptor, 0, size)
        // File systems that cannot allocate ahead (EOPNOTSUPP, EINVAL) are left to LMDB.
        guard ![ENOSPC, EFBIG, EDQUOT].contains(code) else { throw StorageError.diskFull(path: file) }
    }

    deinit {
        mdb_env_close(environment)
        close(folder)
        pthread_rwlock_destroy(growth)
        growth.deallocate()
    }

    static func check(_ code: Int32, _ operation: String, _ path: String) throws {
        guard code == MDB_SUCCESS else { throw StorageError.lmdb(code, operation, path) }
    }

    /// Compares the last page in use with the size of `data.mdb`.
    private func checkFileSize() throws {
        var info = MDB_envinfo()
        var statistics = MDB_stat()
        var status = stat()
        try Self.check(mdb_env_info(environment, &info), "info", path)
        try Self.check(mdb_env_stat(environment, &statistics), "stat", path)
        guard stat("\(path)/data.mdb", &status) == 0 else { throw StorageError.lmdb(errno, "open", path) }
        let needed = (info.me_last_pgno + 1) * Int(statistics.ms_psize)
        guard Int(status.st_size) >= needed else {
            throw StorageError.truncated(path: "\(path)/data.mdb", got: Int(status.st_size), expected: needed)
        }
    }

    /// Runs `body` on a consistent view; the bytes it is handed are valid until it returns.
    /// - Throws: `StorageError`, or what `body` throws.
    package func read<T>(_ body: (LMDBTransaction) throws -> T) throws -> T {
        try adoptSize()
        pthread_rwlock_rdlock(growth)
        defer { pthread_rwlock_unlock(growth) }
        let transaction = try LMDBTransaction(environment, path: path, flags: UInt32(MDB_RDONLY))
        defer { mdb_txn_abort(transaction.transaction) }
        return try body(transaction)
    }

    /// Runs `body` and commits, synced; grows the map and runs `body` again when the map is full.
    /// - Throws: `StorageError.diskFull`, other `StorageError`s, or what `body` throws; then nothing was written.
    package func write<T>(_ body: (LMDBTransaction) throws -> T) throws -> T {
        while true {
            do {
                return try writeOnce(body)
            } catch MapFull.mapFull {
                try grow()
            }
        }
    }

    /// Runs `body`, whose writes are synced together when it returns: for a folder nobody reads yet.
    /// - Throws: as `write`.
    package func syncingOnce<T>(_ body: () throws -> T) throws -> T {
        try Self.check(mdb_env_set_flags(environment, UInt32(MDB_NOSYNC), 1), "flags", path)
        let result: T
        do {
            defer { mdb_env_set_flags(environment, UInt32(MDB_NOSYNC), 0) }
            result = try body()
        }
        try Self.check(mdb_env_sync(environment, 1), "sync", path)
        return result
    }

    private func writeOnce<T>(_ body: (LMDBTransaction) throws -> T) throws -> T {
        try adoptSize()
        pthread_rwlock_rdlock(growth)
        defer { pthread_rwlock_unlock(growth) }
        let transaction = try LMDBTransaction(environment, path: path, flags: 0)
        let result: T
        do {
            result = try body(transaction)
        } catch {
            mdb_txn_abort(transaction.transaction)
            throw error
        }
        let code = mdb_txn_commit(transaction.transaction)
        if code == MDB_MAP_FULL { throw MapFull.mapFull }
        try Self.check(code, "commit", path)
        return result
    }

    /// Doubles the map, up to 64 GiB a step.
    private func grow() throws {
        pthread_rwlock_wrlock(growth)
        defer { pthread_rwlock_unlock(growth) }
        var info = MDB_envinfo()
        try Self.check(mdb_env_info(environment, &info), "info", path)
        try Self.check(
            mdb_env_set_mapsize(environment, info.me_mapsize + min(info.me_mapsize, 64 << 30)), "grow the map", path)
    }

    /// Follows another process that has grown the file beyond our map.
    private func adoptSize() throws {
        var info = MDB_envinfo()
        var statistics = MDB_stat()
        try Self.check(mdb_env_info(environment, &info), "info", path)
        try Self.check(mdb_env_stat(environment, &statistics), "stat", path)
        var status = stat()
        guard stat("\(path)/data.mdb", &status) == 0 else { throw StorageError.lmdb(errno, "open", path) }
        guard Int(status.st_size) > info.me_mapsize else { return }
        pthread_rwlock_wrlock(growth)
        defer { pthread_rwlock_unlock(growth) }
        try Self.check(mdb_env_set_mapsize(environment, max(2 * Int(status.st_size), 1 << 30)), "follow the map", path)
    }
}

/// The map is full: grow it and try again.
enum MapFull: Error { case mapFull }

/// A transaction, valid inside the closure that was handed it.
package struct LMDBTransaction {
    let transaction: OpaquePointer
    let database: MDB_dbi
    let path: String

    init(_ environment: OpaquePointer, path: String, flags: UInt32) throws {
        var transaction: OpaquePointer?
        try LMDBEnvironment.check(mdb_txn_begin(environment, nil, flags, &transaction), "begin", path)
        guard let transaction else { throw StorageError.lmdb(ENOMEM, "begin", path) }
        var database: MDB_dbi = 0
        let code = mdb_dbi_open(transaction, nil, 0, &database)
        guard code == MDB_SUCCESS else {
            mdb_txn_abort(transaction)
            throw StorageError.lmdb(code, "open", path)
        }
        self.transaction = transaction
        self.database = database
        self.path = path
    }

    /// Which state of the store it sees: higher is later.
    var id: Int { Int(mdb_txn_id(transaction)) }

    /// The value of a key, in the map, or nil.
    package func value(_ key: [UInt8]) throws -> UnsafeRawBufferPointer? {
        try withValue(key) { key in
            var data = MDB_val()
            let code = mdb_get(transaction, database, key, &data)
            if code == MDB_NOTFOUND { return nil }
            try LMDBEnvironment.check(code, "get", path)
            return UnsafeRawBufferPointer(start: data.mv_data, count: data.mv_size)
        }
    }

    /// Writes or replaces a value.
    package func put(_ key: [UInt8], _ bytes: [UInt8]) throws {
        try withValue(key) { key in
            var bytes = bytes
            let code = bytes.withUnsafeMutableBytes { bytes in
                var data = MDB_val(mv_size: bytes.count, mv_data: bytes.baseAddress)
                return mdb_put(transaction, database, key, &data, 0)
            }
            if code == MDB_MAP_FULL { throw MapFull.mapFull }
            try LMDBEnvironment.check(code, "put", path)
        }
    }

    /// Writes or replaces a value of `size` bytes, which `fill` builds in place, uninitialised.
    package func put(_ key: [UInt8], size: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) throws {
        try withValue(key) { key in
            var data = MDB_val(mv_size: size, mv_data: nil)
            let code = mdb_put(transaction, database, key, &data, UInt32(MDB_RESERVE))
            if code == MDB_MAP_FULL { throw MapFull.mapFull }
            try LMDBEnvironment.check(code, "put", path)
            fill(UnsafeMutableRawBufferPointer(start: data.mv_data, count: size))
        }
    }

    /// Removes a key if it is there.
    /// - Returns: whether it was.
    package func remove(_ key: [UInt8]) throws -> Bool {
        try withValue(key) { key in
            let code = mdb_del(transaction, database, key, nil)
            if code == MDB_NOTFOUND { return false }
            if code == MDB_MAP_FULL { throw MapFull.mapFull }
            try LMDBEnvironment.check(code, "delete", path)
            return true
        }
    }

    /// Every key from `first` on with its value, in order; both are valid until `body` returns, which says whether to
    /// go on.
    package func forEach(
        from first: [UInt8] = [], _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        var cursor: OpaquePointer?
        try LMDBEnvironment.check(mdb_cursor_open(transaction, database, &cursor), "cursor", path)
        defer { mdb_cursor_close(cursor) }
        var data = MDB_val()
        try withValue(first) { key in
            var code = mdb_cursor_get(cursor, key, &data, first.isEmpty ? MDB_FIRST : MDB_SET_RANGE)
            while code == MDB_SUCCESS {
                let name = UnsafeRawBufferPointer(start: key.pointee.mv_data, count: key.pointee.mv_size)
                guard try body(name, UnsafeRawBufferPointer(start: data.mv_data, count: data.mv_size)) else { return }
                code = mdb_cursor_get(cursor, key, &data, MDB_NEXT)
            }
            guard code == MDB_NOTFOUND else { throw StorageError.lmdb(code, "walk", path) }
        }
    }

    func withValue<T>(_ bytes: [UInt8], _ body: (UnsafeMutablePointer<MDB_val>) throws -> T) throws -> T {
        try bytes.withUnsafeBytes { bytes in
            // LMDB takes keys without const, and does not write to them.
            var value = MDB_val(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            return try body(&value)
        }
    }
}
