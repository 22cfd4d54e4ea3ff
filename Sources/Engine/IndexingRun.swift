// Outcomes to batches: what a run has done so far and what it commits next.
import Corpus
import Glibc
import Logging
import Storage

/// A file to read, and the item its path had.
struct PendingFile: Sendable {
    let file: ScannedFile
    /// The item of the same path, whose content may have changed.
    let previous: ItemRecord?
}

/// The state of one indexing run.
struct IndexingRun {
    /// Commit when so many additions have come together, or so much time has passed.
    private static let batchSize = 256
    private static let batchTime = Duration.seconds(2)

    var summary: IndexingSummary
    /// Files dealt with.
    private(set) var done = 0
    /// Files to deal with.
    let total: Int
    private let table: ScanTable
    private let sink: any BatchSink
    private let ledger: ContentLedger
    private let options: IndexingOptions
    private var buffer: ArraySlice<PendingFile> = []
    private var lastNumber = 0
    private var batch: Batch
    private var lastCommit = ContinuousClock.now
    /// Items that have a new name which is not committed yet.
    private var renamed: Set<ItemID> = []

    /// Begins with what the survey alone could decide.
    init(_ survey: Survey, _ sink: any BatchSink, _ ledger: ContentLedger, _ options: IndexingOptions) throws {
        summary = survey.summary
        total = survey.pending
        table = survey.table
        batch = survey.batch
        self.sink = sink
        self.ledger = ledger
        self.options = options
        let orphans = (sink as? IndexWriter)?.orphanedBlocks ?? 0
        if orphans > 0 {
            options.logger.notice("removed what an interrupted run left", metadata: ["blocks": "\(orphans)"])
        }
        options.logger.debug("surveyed", metadata: ["pending": "\(total)"])
        for failure in batch.failures { options.report(.failed(failure.name, failure.reason)) }
        try commit()
    }

    // MARK: What is to be read

    /// Whether files are left to be read.
    var hasPending: Bool {
        mutating get throws {
            if buffer.isEmpty { try fill() }
            return !buffer.isEmpty
        }
    }

    /// The next files for a worker, or nil: none are left, or the run was cancelled.
    mutating func nextShare(_ size: Int) throws -> [PendingFile]? {
        guard !Task.isCancelled, try hasPending else { return nil }
        defer { buffer = buffer.dropFirst(size) }
        return Array(buffer.prefix(size))
    }

    private mutating func fill() throws {
        let rows = try table.access { try ScanTable.pending(after: lastNumber, limit: 2 * Self.batchSize, $0) }
        lastNumber = rows.last?.number ?? lastNumber
        buffer = try sink.readCatalogue { catalogue in
            try rows.map { row in
                PendingFile(file: row.file, previous: try row.previous.flatMap { try Catalogue.item($0, catalogue) })
            }
        }[...]
    }

    /// Puts a file behind all others: its content is not stored after all.
    func readAgain(_ file: PendingFile) throws {
        try table.access { try ScanTable.addPending(file.file, previous: file.previous?.id, $0) }
    }

    // MARK: What was read

    /// Takes one outcome in.
    mutating func take(_ file: PendingFile, _ outcome: PictureOutcome) throws {
        let name = file.file.path
        switch outcome {
        case .known(let record):
            let seen = ScannedFile(path: name, size: record.size, modified: record.modified, changed: record.changed)
            try table.access {
                try ScanTable.addKnown(
                    seen, previous: file.previous?.id, hash: record.hash, record.picture, $0)
            }
            return
        case .encoded(let record, let gaussian):
            add(file, record, gaussian.map(NewItem.Vector.gaussian) ?? .unencoded)
            count(file, ifNew: .added(name)) { $0.added += 1 }
        case .touched(let record):
            if let previous = file.previous { batch.updates.append((previous.id, name, record)) }
            batch.recovered.append(name)
            summary.unchanged += 1
        case .unreadable(let reason, let facts):
            remember(name, reason, facts, isRetryable: true)  // the item stays: the content may be what it was
        case .failed(let reason, let facts):
            if let previous = file.previous { batch.removals.append(previous.id) }
            remember(name, reason, facts, isRetryable: false)
        }
        done += 1
    }

    /// Counts a new item, as a changed one where its path had another.
    private mutating func count(
        _ file: PendingFile, ifNew change: IndexingChange, _ add: (inout IndexingSummary) -> Void
    ) {
        if file.previous == nil {
            add(&summary)
            options.report(change)
        } else {
            summary.changed += 1
            options.report(.changed(file.file.path))
        }
    }

    private mutating func remember(_ name: [UInt8], _ reason: String, _ facts: FileFacts, isRetryable: Bool) {
        batch.failures.append(
            FailureRecord(
                name: name, reason: reason, size: facts.size, modified: facts.modified, changed: facts.changed,
                time: Int(time(nil)), isRetryable: isRetryable))
        summary.note(failure: name, reason)
        options.report(.failed(name, reason))
    }

    // MARK: What is stored already

    /// The next files whose content is stored, to be settled now that everything else is committed.
    mutating func takeKnown() throws -> [(PendingFile, FileRecord)] {
        let rows = try table.access { try ScanTable.takeKnown(limit: Self.batchSize, $0) }
        return try sink.readCatalogue { catalogue in
            try rows.map { row in
                let previous = try row.previous.flatMap { try Catalogue.item($0, catalogue) }
                let record = FileRecord(
                    size: row.file.size, modified: row.file.modified, changed: row.file.changed, hash: row.hash,
                    picture: row.picture)
                return (PendingFile(file: row.file, previous: previous), record)
            }
        }
    }

    /// The oldest item with that content, or nil.
    func item(hash: [UInt8]) throws -> ItemRecord? {
        try sink.readCatalogue { try Catalogue.item(hash: hash, .images, $0) }
    }

    /// The oldest item with that content whose file was not found and that no new name has been found for, or nil.
    func missingItem(hash: [UInt8]) throws -> ItemRecord? {
        guard let id = try table.access({ try ScanTable.missing(hash: hash, $0) }) else { return nil }
        return try sink.readCatalogue { try Catalogue.item(id, $0) }
    }

    /// Whether an item has been given a new name since the last commit.
    func isRenamed(_ item: ItemID) -> Bool { renamed.contains(item) }

    /// Gives an item whose file is gone its new name; it keeps its id.
    mutating func rename(_ item: ItemRecord, to file: PendingFile, _ record: FileRecord) throws {
        try table.access { try ScanTable.removeMissing(item.id, $0) }
        if let previous = file.previous { batch.removals.append(previous.id) }
        batch.updates.append((item.id, file.file.path, record))
        renamed.insert(item.id)
        batch.recovered.append(file.file.path)
        summary.renamed += 1
        options.report(.renamed(item.name, to: file.file.path))
        done += 1
    }

    /// Makes a file an item with the Gaussian of another.
    mutating func copy(_ original: ItemRecord, to file: PendingFile, _ record: FileRecord) {
        var record = record
        record.picture.width = original.file?.picture.width ?? 0
        record.picture.height = original.file?.picture.height ?? 0
        add(file, record, .copy(of: original.id))
        count(file, ifNew: .copied(original.name, to: file.file.path)) { $0.copied += 1 }
        done += 1
    }

    private mutating func add(_ file: PendingFile, _ record: FileRecord, _ vector: NewItem.Vector) {
        if let previous = file.previous { batch.removals.append(previous.id) }
        batch.additions.append(NewItem(name: file.file.path, file: record, vector: vector))
        batch.recovered.append(file.file.path)
    }

    // MARK: What was not found

    /// Ends the items whose files are gone, says of the others where they were, and notes the folders' devices.
    mutating func removeMissing() throws {
        while case let gone = try table.access({ try ScanTable.takeGone(limit: Self.batchSize, $0) }), !gone.isEmpty {
            batch.removals += gone
            summary.removed += gone.count
            let names = try sink.readCatalogue { catalogue in
                try gone.compactMap { try Catalogue.item($0, catalogue)?.name }
            }
            for name in names { options.report(.removed(name)) }
            try commit()
        }
        let kept = try table.access(ScanTable.protected)
        summary.notices += kept.map { $0.notice($1, $2) }
        try noteFolders(except: Set(kept.map(\.folder)))
    }

    /// Keeps the device of every folder that holds files, as it is now, unless what is missing there speaks against it.
    private mutating func noteFolders(except kept: Set<[UInt8]>) throws {
        let sink = sink
        batch.folders = try table.access { scan in
            try sink.readCatalogue { catalogue in
                var folders: [(path: [UInt8], device: Int?)] = []
                try ScanTable.forEachFolder(scan) { path, device, holds in
                    let known = try Catalogue.device(of: path, catalogue)
                    let current = holds ? device : nil
                    if known != current, !kept.contains(path) { folders.append((path, current)) }
                }
                return folders
            }
        }
        try commit()
    }

    // MARK: Committing

    /// Commits when it is time.
    mutating func commitIfDue() throws {
        guard batch.additions.count >= Self.batchSize || ContinuousClock.now - lastCommit > Self.batchTime else {
            return
        }
        try commit()
    }

    /// Makes everything taken so far durable.
    mutating func commit() throws {
        guard !batch.isEmpty else { return }
        let start = ContinuousClock.now
        try sink.commit(batch)
        ledger.release(batch.additions.compactMap(\.file?.hash))
        options.logger.debug(
            "committed",
            metadata: [
                "additions": "\(batch.additions.count)", "removals": "\(batch.removals.count)",
                "took": "\(ContinuousClock.now - start)",
            ])
        batch = Batch()
        renamed = []
        lastCommit = ContinuousClock.now
    }
}

extension Protection {
    /// What people are told of the pictures that were not found.
    func notice(_ folder: [UInt8], _ count: Int) -> IndexingNotice {
        let pictures = count == 1 ? "1 picture" : "\(count) pictures"
        let remedy = "is a disk missing? They stay in the index; --delete-missing removes them"
        let reason =
            switch self {
            case .emptied: "empty, but held \(pictures)"
            case .vanished: "gone, but held \(pictures)"
            case .moved: "on another device than before, and lacks \(pictures) it held"
            }
        return IndexingNotice(path: folder, reason: "\(reason); \(remedy)")
    }
}
