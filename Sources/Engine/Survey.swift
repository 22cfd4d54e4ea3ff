// The root and the catalogue, compared: what is new, changed, missing, or failed before. Reads no picture.
import Corpus
import Storage

/// A file to read, and the item its path had.
struct PendingFile: Sendable {
    let file: FoundFile
    /// The item of the same path, whose content may have changed.
    let previous: ItemRecord?
}

/// An item whose file was not found.
struct MissingItem: Sendable {
    let record: ItemRecord
    /// The folder that speaks against the file being gone, and why; nil where it is gone.
    let protection: Protection?

    /// Folders in which nothing is deleted unasked: they may lie on a disk that is not mounted.
    enum Protection: Hashable {
        case emptied(RelativePath)
        case vanished(RelativePath)
    }
}

/// What a scan found, before any picture is read.
struct Survey {
    /// New files, and files whose size or times changed.
    private(set) var pending: [PendingFile] = []
    /// Items whose files were not found in folders that could be looked at.
    private(set) var missing: [ItemID: MissingItem] = [:]
    /// Names whose remembered failure no longer matters: the files are gone.
    private(set) var recovered: [[UInt8]] = []
    /// Refused entries to remember.
    private(set) var refused: [FailureRecord] = []
    /// What can already be counted and said.
    private(set) var summary = IndexingSummary()

    private var listings: [RelativePath: Listed] = [:]
    private var found: [RelativePath: FileFacts] = [:]

    /// What decides whether an absent file is gone.
    private enum Listed {
        case complete
        /// Read, but empty: it may be an unmounted disk.
        case empty
        /// Not read to its end, or skipped.
        case unknown
    }

    /// Walks from `folder`, below the root, and compares.
    init(_ index: Index, folder: RelativePath, _ options: IndexingOptions) throws {
        try FolderWalk(root: index.root).forEachFolder(from: folder) { listing in
            take(listing)
            return !Task.isCancelled
        }
        guard !Task.isCancelled else {
            summary.wasInterrupted = true
            return
        }
        try index.store.readCatalogue { database in
            let failures = try Catalogue.failures(.scan, database).map { (RelativePath(bytes: $0.name), $0) }
            let failed = Dictionary(uniqueKeysWithValues: failures.filter { $0.0.isInside(folder) })
            var known: Set<RelativePath> = []
            try Catalogue.forEachItem(.images, .scan, database) { item in
                let path = RelativePath(bytes: item.name)
                guard path.isInside(folder) else { return }
                known.insert(path)
                compare(path, item, failed[path], options)
            }
            for (path, facts) in found where !known.contains(path) {
                see(FoundFile(path: path, facts: facts), nil, failed[path], options)
            }
            settle(failed)
        }
        pending.sort { $0.file.path < $1.file.path }
    }

    /// Notes one folder of the walk.
    private mutating func take(_ listing: FolderListing) {
        for file in listing.files { found[file.path] = file.facts }
        summary.unsupported.merge(listing.unsupported, uniquingKeysWith: +)
        for entry in listing.refused {
            refused.append(
                FailureRecord(
                    name: entry.path.bytes, reason: entry.reason, size: 0, modified: 0, changed: 0, time: 0,
                    isRetryable: true))
        }
        if let failure = listing.failure {
            let reason = "\(failure); nothing below it was looked at or deleted"
            refused.append(
                FailureRecord(
                    name: listing.folder.bytes, reason: reason, size: 0, modified: 0, changed: 0, time: 0,
                    isRetryable: true))
            listings[listing.folder] = .unknown
        } else if listing.holdsNestedIndex {
            notice(listing.folder, "skipped, it has an index of its own")
            listings[listing.folder] = .unknown
        } else {
            listings[listing.folder] = listing.isEmpty ? .empty : .complete
        }
    }

    /// Sorts one item of the catalogue: unchanged, to be read again, missing, or not looked for.
    private mutating func compare(
        _ path: RelativePath, _ item: ItemRecord, _ failure: FailureRecord?, _ options: IndexingOptions
    ) {
        if let facts = found[path] {
            if item.file?.facts == facts {
                summary.unchanged += 1
            } else {
                see(FoundFile(path: path, facts: facts), item, failure, options)
            }
            return
        }
        var folder = path.parent
        if let listed = listings[folder] {
            guard listed != .unknown else { return }
            let isProtected = listed == .empty && !options.deletesMissing
            missing[item.id] = MissingItem(record: item, protection: isProtected ? .emptied(folder) : nil)
            return
        }
        while !folder.bytes.isEmpty, listings[folder.parent] == nil { folder = folder.parent }
        guard let listed = listings[folder.parent], listed != .unknown else { return }
        let protection: MissingItem.Protection = listed == .empty ? .emptied(folder.parent) : .vanished(folder)
        missing[item.id] = MissingItem(record: item, protection: options.deletesMissing ? nil : protection)
    }

    /// Takes a file in that must be read, unless it failed before and has not changed since.
    private mutating func see(
        _ file: FoundFile, _ previous: ItemRecord?, _ failure: FailureRecord?, _ options: IndexingOptions
    ) {
        if let failure, !options.retriesFailed, failure.facts == file.facts {
            summary.stillFailing += 1
        } else {
            pending.append(PendingFile(file: file, previous: previous))
        }
    }

    /// Settles what is known of failures without reading: files that are gone, and entries that are no files.
    private mutating func settle(_ failed: [RelativePath: FailureRecord]) {
        let refusedNow = Set(refused.map(\.name))
        for (path, failure) in failed where found[path] == nil {
            if refusedNow.contains(failure.name) {
                summary.stillFailing += 1
            } else if listings[path] == .complete || listings[path] == .empty || listings[path.parent] == .complete {
                recovered.append(failure.name)
            }
        }
        refused.removeAll { failed[RelativePath(bytes: $0.name)] != nil }
        summary.failures += refused.map { IndexingNotice(path: $0.name, reason: $0.reason) }
    }

    private mutating func notice(_ path: RelativePath, _ reason: String) {
        summary.notices.append(IndexingNotice(path: path.bytes, reason: reason))
    }
}

extension FileRecord {
    /// As what the file was seen when it was indexed.
    var facts: FileFacts { FileFacts(size: size, modified: modified, changed: changed) }
}

extension FailureRecord {
    /// As what the file was seen when it failed.
    fileprivate var facts: FileFacts { FileFacts(size: size, modified: modified, changed: changed) }
}
