// LMDB's own structure to what is wrong with it: keys in order, values where they say, every page accounted for.
import CLMDB

extension Verification {
    /// Counts the rows and blocks that interrupted runs left beyond the catalogue; these are no damage.
    mutating func countOrphans(_ collection: Collection, _ blocks: [LiveBlock]) throws {
        let next = (blocks.last?.number ?? -1) + 1
        let size = Column.ids.rowSize(dimension: snapshot.state.dimension)
        var beyond: Set<Int> = []
        let first = BlockKey(collection, .ids, next).bytes
        try snapshot.transaction.forEach(from: [first[0]]) { key, _ in
            guard key.count == 6, key[0] == first[0] else { return false }
            let block = (2..<6).reduce(0) { $0 << 8 | Int(key[$1]) }
            if block >= next { beyond.insert(block) }
            return true
        }
        if !beyond.isEmpty {
            report.notices.append(
                "\(beyond.count) blocks of \(collection) beyond the catalogue: of a run that goes on, or was interrupted"
            )
        }
        guard let last = blocks.last,
            let value = try snapshot.transaction.value(BlockKey(collection, .ids, last.number).bytes),
            let rows = try? GaussianCodec.rows(
                value, BlockKey(collection, .ids, last.number), rowSize: size, path: ""),
            rows.count / size > last.count
        else { return }
        report.notices.append(
            "\(rows.count / size - last.count) rows of \(collection) beyond the catalogue: of a run that goes on, or was interrupted"
        )
    }

    /// Walks LMDB's tree: the keys ascend, each large value lies in pages of its own that say so, and every page of the
    /// file is used once or free.
    mutating func checkTree() throws {
        let pages = try snapshot.transaction.pages()
        var previous: [UInt8] = []
        var entries = 0
        var bases: [UInt: (count: Int, key: [UInt8])] = [:]
        try snapshot.transaction.forEach { key, value in
            let key = Array(key)
            if !previous.lexicographicallyPrecedes(key) {
                note("the B-tree of the vectors", "its keys are not in order")
            }
            previous = key
            entries += 1
            guard value.count >= GaussianCodec.minimumSize else { return true }
            if let base = pages.mapBase(of: value) {
                bases[base, default: (0, key)].count += 1
            } else {
                note(Self.place(key), "the page it lies in does not say that it is its")
            }
            return true
        }
        let right = bases.max { $0.value.count < $1.value.count }?.key
        for (base, entry) in bases where base != right {
            note(Self.place(entry.key), "the page it lies in says that it is another")
        }
        if entries != pages.entries {
            note("the B-tree of the vectors", "\(entries) values, it says \(pages.entries)")
        }
        for reason in pages.flaws { note("the pages of the vectors", reason) }
    }

    private static func place(_ key: [UInt8]) -> String {
        guard key.count == 6, let collection = Collection(rawValue: Int(key[0])), let column = Column(rawValue: key[1])
        else { return "an unknown value of the vectors" }
        return "block \((2..<6).reduce(0) { $0 << 8 | Int(key[$1]) }) of \(collection), column \(column)"
    }
}

/// What LMDB says of its pages in one transaction.
struct PageAccount {
    /// Values in the tree.
    let entries: Int
    /// What does not add up.
    let flaws: [String]
    private let pageSize: Int
    private let lastPage: Int

    init(entries: Int, flaws: [String], pageSize: Int, lastPage: Int) {
        self.entries = entries
        self.flaws = flaws
        self.pageSize = pageSize
        self.lastPage = lastPage
    }

    /// Where the map must begin for a large value's page header to be right; nil where the header is no such page's.
    ///
    /// The header (`MDB_page` in LMDB's mdb.c) is the page's number u64, padding u16, flags u16 (overflow: 4), and the
    /// number of pages u32.
    func mapBase(of value: UnsafeRawBufferPointer) -> UInt? {
        guard let start = value.baseAddress, Int(bitPattern: start) % pageSize == 16 else { return nil }
        let page = start - 16
        let number = page.loadUnaligned(as: UInt.self)
        guard number <= UInt(lastPage), page.loadUnaligned(fromByteOffset: 10, as: UInt16.self) == 4,
            Int(page.loadUnaligned(fromByteOffset: 12, as: UInt32.self)) == (16 + value.count + pageSize - 1) / pageSize
        else { return nil }
        return UInt(bitPattern: page) &- number &* UInt(pageSize)
    }
}

extension LMDBTransaction {
    /// Adds up the pages of both trees (values, and free pages) and the free pages themselves.
    func pages() throws -> PageAccount {
        var (main, free, info) = (MDB_stat(), MDB_stat(), MDB_envinfo())
        try LMDBEnvironment.check(mdb_stat(transaction, database, &main), "stat", path)
        try LMDBEnvironment.check(mdb_stat(transaction, 0, &free), "stat", path)
        try LMDBEnvironment.check(mdb_env_info(mdb_txn_env(transaction), &info), "info", path)
        let (unused, flaw) = try freePages(last: info.me_last_pgno)
        var flaws = flaw.map { [$0] } ?? []
        let used = [main, free].reduce(2) { $0 + $1.ms_branch_pages + $1.ms_leaf_pages + $1.ms_overflow_pages }
        // A writer may have gone on since: then the file's size is that of a later generation.
        if flaws.isEmpty, info.me_last_txnid == mdb_txn_id(transaction), used + unused != info.me_last_pgno + 1 {
            flaws.append("\(used) in use and \(unused) free, of \(info.me_last_pgno + 1)")
        }
        return PageAccount(
            entries: main.ms_entries, flaws: flaws, pageSize: Int(main.ms_psize), lastPage: info.me_last_pgno)
    }

    /// How many pages are listed as free, and what is wrong with the list.
    private func freePages(last: Int) throws -> (Int, flaw: String?) {
        var cursor: OpaquePointer?
        try LMDBEnvironment.check(mdb_cursor_open(transaction, 0, &cursor), "cursor", path)
        defer { mdb_cursor_close(cursor) }
        var (key, data) = (MDB_val(), MDB_val())
        var seen: Set<UInt> = []
        while true {
            let code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)
            if code == MDB_NOTFOUND { return (seen.count, nil) }
            try LMDBEnvironment.check(code, "walk", path)
            let list = UnsafeRawBufferPointer(start: data.mv_data, count: data.mv_size)
            let count = list.count < 8 ? UInt.max : list.loadUnaligned(as: UInt.self)
            guard count <= UInt(list.count / 8 - 1) else { return (0, "a list of free pages is damaged") }
            for index in 0..<Int(count) {
                let page = list.loadUnaligned(fromByteOffset: 8 + 8 * index, as: UInt.self)
                guard page >= 2, page <= UInt(last), seen.insert(page).inserted else {
                    return (0, "page \(page) is listed as free wrongly")
                }
            }
        }
    }
}
