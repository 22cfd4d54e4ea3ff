// The root and the catalogue, compared: what is new, changed, missing, or failed before. Reads no picture.
import Corpus
import Storage

/// A file to read, and the item its path had.
struct PendingFile: Sendable {
    let file: FoundFile
    /// The item of the same path, whose content may have changed.
    let previous: ItemRecord?
}

/// What a scan found, before any picture is read.
struct Survey {
    /// New files, and files whose size or times changed.
    private(set) var pending: [PendingFile] = []
    /// Items whose files are gone from folders that were read to their end.
    private(set) var missing: [ItemID: ItemRecord] = [:]
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
            var known: Set<RelativePath> = []
            var emptied: [RelativePath: Int] = [:]
            try Catalogue.forEachItem(.images, .scan, database) { item in
                let path = RelativePath(bytes: item.name)
                guard path.isInside(folder) else { return }
                known.insert(path)
                compare(path, item, &emptied, options)
            }
            for (folder, count) in emptied.sorted(by: { $0.key < $1.key }) {
                notice(folder, "empty, but held \(count) pictures; is a disk missing? --delete-missing removes them")
            }
            let failures = try Catalogue.failures(.scan, database)
            classifyNew(known, failures.filter { RelativePath(bytes: $0.name).isInside(folder) }, options)
        }
        pending.sort { $0.file.path < $1.file.path }
    }

    /// Notes one folder of the walk.
    private mutating func take(_ listing: FolderListing) {
        for file in listing.files { found[file.path] = file.facts }
        summary.unsupported.merge(listing.unsupported, uniquingKeysWith: +)
        for entry in listing.refused {
            refused.append(
                FailureRecord(name: entry.path.bytes, reason: entry.reason, size: 0, modified: 0, changed: 0))
        }
        if let failure = listing.failure {
            notice(listing.folder, "\(failure); nothing below it was looked at or deleted")
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
        _ path: RelativePath, _ item: ItemRecord, _ emptied: inout [RelativePath: Int], _ options: IndexingOptions
    ) {
        if let facts = found[path] {
            if let file = item.file, file.isUnchanged(facts) {
                summary.unchanged += 1
            } else {
                pending.append(PendingFile(file: FoundFile(path: path, facts: facts), previous: item))
            }
            return
        }
        guard let folder = nearestListed(path), let listed = listings[folder] else { return }
        switch listed {
        case .complete: missing[item.id] = item
        case .empty where options.deletesMissing: missing[item.id] = item
        case .empty: emptied[folder, default: 0] += 1
        case .unknown: break
        }
    }

    /// The closest folder above a path that the walk came to.
    private func nearestListed(_ path: RelativePath) -> RelativePath? {
        var folder = path.parent
        while listings[folder] == nil {
            guard !folder.bytes.isEmpty else { return nil }
            folder = folder.parent
        }
        return folder
    }

    /// Finds the new files among the found ones, less those that failed before and have not changed.
    private mutating func classifyNew(
        _ known: Set<RelativePath>, _ failures: [FailureRecord], _ options: IndexingOptions
    ) {
        let failed = Dictionary(uniqueKeysWithValues: failures.map { (RelativePath(bytes: $0.name), $0) })
        for (path, facts) in found where !known.contains(path) {
            if let failure = failed[path], !options.retriesFailed, failure.isUnchanged(facts) {
                summary.stillFailing += 1
            } else {
                pending.append(PendingFile(file: FoundFile(path: path, facts: facts), previous: nil))
            }
        }
        let refusedNow = Set(refused.map(\.name))
        for (path, failure) in failed where found[path] == nil {
            if refusedNow.contains(failure.name) {
                summary.stillFailing += 1
            } else if nearestListed(path).map({ listings[$0] == .complete }) ?? false {
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
    /// Whether a file still is as it was when it was indexed.
    fileprivate func isUnchanged(_ facts: FileFacts) -> Bool {
        size == facts.size && modified == facts.modified && changed == facts.changed
    }
}

extension FailureRecord {
    /// Whether a file still is as it was when it failed.
    fileprivate func isUnchanged(_ facts: FileFacts) -> Bool {
        size == facts.size && modified == facts.modified && changed == facts.changed
    }
}
