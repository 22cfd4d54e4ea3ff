// Outcomes to batches: what a run has done so far and what it commits next.
import Corpus
import Glibc
import Logging
import Storage

/// The state of one indexing run.
struct IndexingRun {
    /// Commit when so many additions have come together, or so much time has passed.
    private static let batchSize = 256
    private static let batchTime = Duration.seconds(2)

    var summary: IndexingSummary
    /// Items whose files were not found and that no new name has been found for.
    private(set) var missing: [ItemID: MissingItem]
    /// Files dealt with.
    private(set) var done = 0
    private let writer: IndexWriter
    private let logger: Logger
    private var batch = Batch()
    private var known: [(PendingFile, FileRecord)] = []
    private var lastCommit = ContinuousClock.now

    /// Begins with what the survey alone could decide.
    init(_ survey: Survey, _ writer: IndexWriter, _ logger: Logger) throws {
        summary = survey.summary
        missing = survey.missing
        self.writer = writer
        self.logger = logger
        if writer.orphanedBlocks > 0 {
            logger.notice("removed what an interrupted run left", metadata: ["blocks": "\(writer.orphanedBlocks)"])
        }
        logger.debug(
            "surveyed", metadata: ["pending": "\(survey.pending.count)", "missing": "\(survey.missing.count)"])
        batch.failures = survey.refused
        batch.recovered = survey.recovered
        try commit()
    }

    /// Takes one outcome in.
    mutating func take(_ file: PendingFile, _ outcome: PictureOutcome) {
        let name = file.file.path.bytes
        switch outcome {
        case .known(let record):
            known.append((file, record))
            return
        case .encoded(let record, let gaussian):
            add(file, record, .gaussian(gaussian))
            if file.previous == nil { summary.added += 1 } else { summary.changed += 1 }
        case .touched(let record):
            if let previous = file.previous { batch.updates.append((previous.id, name, record)) }
            summary.unchanged += 1
        case .unreadable(let reason, let facts):
            remember(name, reason, facts)  // the item stays: nobody knows whether the content changed
        case .failed(let reason, let facts):
            if let previous = file.previous { batch.removals.append(previous.id) }
            remember(name, reason, facts)
        }
        done += 1
    }

    private mutating func remember(_ name: [UInt8], _ reason: String, _ facts: FileFacts) {
        batch.failures.append(
            FailureRecord(
                name: name, reason: reason, size: facts.size, modified: facts.modified, changed: facts.changed,
                time: Int(time(nil)), isRetryable: true))
        summary.failures.append(IndexingNotice(path: name, reason: reason))
    }

    /// Files whose content is stored, to be settled now that everything else is committed.
    mutating func takeKnown() -> [(PendingFile, FileRecord)] {
        defer { known = [] }
        return known
    }

    /// Gives an item whose file is gone its new name; it keeps its id.
    mutating func rename(_ item: ItemRecord, to file: PendingFile, _ record: FileRecord) {
        missing[item.id] = nil
        if let previous = file.previous { batch.removals.append(previous.id) }
        batch.updates.append((item.id, file.file.path.bytes, record))
        batch.recovered.append(file.file.path.bytes)
        summary.renamed += 1
        done += 1
    }

    /// Makes a file an item with the Gaussian of another.
    mutating func copy(_ original: ItemRecord, to file: PendingFile, _ record: FileRecord) {
        var record = record
        record.picture = original.file?.picture ?? PictureRecord()
        add(file, record, .copy(of: original.id))
        if file.previous == nil { summary.copied += 1 } else { summary.changed += 1 }
        done += 1
    }

    private mutating func add(_ file: PendingFile, _ record: FileRecord, _ vector: NewItem.Vector) {
        if let previous = file.previous { batch.removals.append(previous.id) }
        batch.additions.append(NewItem(name: file.file.path.bytes, file: record, vector: vector))
        batch.recovered.append(file.file.path.bytes)
    }

    /// Ends the items whose files are gone, and says of the others where they were.
    mutating func removeMissing() throws {
        let gone = missing.filter { $0.value.protection == nil }.keys.sorted()
        batch.removals += gone
        summary.removed = gone.count
        let protected = Dictionary(grouping: missing.values.compactMap(\.protection)) { $0 }
        summary.notices += protected.map { $0.key.notice(count: $0.value.count) }
            .sorted { $0.path.lexicographicallyPrecedes($1.path) }
        missing = [:]
        try commit()
    }

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
        try writer.commit(batch)
        logger.debug(
            "committed",
            metadata: [
                "additions": "\(batch.additions.count)", "removals": "\(batch.removals.count)",
                "took": "\(ContinuousClock.now - start)",
            ])
        batch = Batch()
        lastCommit = ContinuousClock.now
    }
}

extension MissingItem.Protection {
    /// What people are told of the pictures that were not found.
    fileprivate func notice(count: Int) -> IndexingNotice {
        let pictures = count == 1 ? "1 picture" : "\(count) pictures"
        let remedy = "is a disk missing? They stay in the index; --delete-missing removes them"
        return switch self {
        case .emptied(let folder): IndexingNotice(path: folder.bytes, reason: "empty, but held \(pictures); \(remedy)")
        case .vanished(let folder): IndexingNotice(path: folder.bytes, reason: "gone, but held \(pictures); \(remedy)")
        }
    }
}
