// The root and the catalogue, compared: what is new, changed, missing, or failed before. Reads no picture.
import Corpus
import Glibc
import Storage

/// What a scan found, before any picture is read; the files themselves are in a `ScanTable`.
struct Survey {
    /// Files to read, items without files, folders.
    let table: ScanTable
    /// Refused entries that are new, and names whose failure no longer matters: the first of them, to be committed.
    private(set) var batch = Batch()
    /// What can already be counted and said.
    private(set) var summary = IndexingSummary()
    /// Files to read.
    private(set) var pending = 0

    private let scopes: [RelativePath]
    private let options: IndexingOptions
    private let excludes: [Glob]
    private let reader: FileReader
    private let now = Int(time(nil))

    /// Walks the folders that were asked for, none inside another, and compares with the index's catalogue.
    init(root: String, scopes: [RelativePath], _ options: IndexingOptions, _ index: any CatalogueReader) throws {
        self.scopes = scopes
        self.options = options
        table = try ScanTable()
        excludes = options.excludes.compactMap(Glob.init)
        reader = try FileReader(root: root)
        try walk(root)
        guard !Task.isCancelled else {
            summary.wasInterrupted = true
            return
        }
        pending = try compare(index)
    }

    // MARK: Walking

    private mutating func walk(_ root: String) throws {
        var walkOptions = WalkOptions()
        walkOptions.excludes = excludes
        walkOptions.followsLinks = options.followsLinks
        walkOptions.sniffsAll = options.takesAllFiles
        for scope in scopes where !Task.isCancelled {
            try FolderWalk(root: root, options: walkOptions).forEachFolder(from: scope) { listing in
                try take(listing)
                return !Task.isCancelled
            }
        }
        try table.access(ScanTable.finishWalk)
    }

    /// Notes one folder of the walk, or a part of it.
    private mutating func take(_ listing: FolderListing) throws {
        summary.unsupported.merge(listing.unsupported, uniquingKeysWith: +)
        summary.folderLinks += listing.folderLinks
        if listing.holdsNestedIndex { notice(listing.folder, "skipped, it has an index of its own") }
        if listing.isLoop { notice(listing.folder, "skipped, it is a link to a folder above it") }
        let isUnknown = listing.failure != nil || listing.holdsNestedIndex || listing.isLoop
        let state: ScannedFolder = isUnknown ? .unknown : listing.isEmpty ? .empty : .complete
        let files = listing.files.map { file in
            ScannedFile(
                path: file.path.bytes, size: file.facts.size, modified: file.facts.modified,
                changed: file.facts.changed)
        }
        try table.access { scan in
            try ScanTable.add(files, scan)
            try ScanTable.add(
                folder: listing.folder.bytes, state, device: listing.device, holds: !files.isEmpty, scan)
            for entry in listing.refused {
                try ScanTable.addRefused(entry.path.bytes, reason: entry.reason, isLink: entry.isLink, scan)
            }
            if let failure = listing.failure {
                let reason = "\(failure); nothing below it was looked at or deleted"
                try ScanTable.addRefused(listing.folder.bytes, reason: reason, isLink: false, scan)
            }
        }
    }

    private mutating func notice(_ path: RelativePath, _ reason: String) {
        summary.notices.append(IndexingNotice(path: path.bytes, reason: reason))
    }

    // MARK: Comparing

    /// Sorts every path that is a file, an item, or both; and every remembered failure.
    /// - Returns: the number of files to read.
    private mutating func compare(_ index: any CatalogueReader) throws -> Int {
        try index.readCatalogue { catalogue in
            try table.access { scan in
                var folders = FolderStates(excludes: excludes, scopes: scopes)
                try ScanTable.forEachPath(scan, catalogue) { file, item in
                    if let file, let item {
                        try compare(file, item, catalogue: catalogue, scan: scan)
                    } else if let file {
                        try see(file, nil, catalogue: catalogue, scan: scan)
                    } else if let item {
                        try miss(item, &folders, catalogue: catalogue, scan: scan)
                    }
                }
                try settleFailures(&folders, catalogue: catalogue, scan: scan)
                return try ScanTable.pendingCount(scan)
            }
        }
    }

    private mutating func compare(
        _ file: ScannedFile, _ item: ItemRecord, catalogue: Catalogue.Access, scan: ScanTable.Access
    ) throws {
        if !options.rehashes, item.file?.facts == file.facts {
            summary.unchanged += 1
        } else {
            try see(file, item, catalogue: catalogue, scan: scan)
        }
    }

    /// Takes a file in that must be read, unless it failed before and has not changed since.
    private mutating func see(
        _ file: ScannedFile, _ previous: ItemRecord?, catalogue: Catalogue.Access, scan: ScanTable.Access
    ) throws {
        if !options.retriesFailed, let failure = try Catalogue.failure(of: file.path, .scan, catalogue),
            failure.facts == file.facts
        {
            summary.stillFailing += 1
        } else {
            try ScanTable.addPending(file, previous: previous?.id, scan)
        }
    }

    /// Decides what the absence of an item's file means.
    private mutating func miss(
        _ item: ItemRecord, _ folders: inout FolderStates, catalogue: Catalogue.Access, scan: ScanTable.Access
    ) throws {
        let path = RelativePath(bytes: item.name)
        guard folders.isLookedFor(path), try ScanTable.refusal(of: item.name, scan)?.isLink != true else { return }
        // A file that only --all-files would have picked is looked for by its name.
        if !options.takesAllFiles, PictureKind(fileName: path.name) != .candidate, let facts = reader.facts(of: path) {
            let file = ScannedFile(
                path: item.name, size: facts.size, modified: facts.modified, changed: facts.changed)
            return try compare(file, item, catalogue: catalogue, scan: scan)
        }
        switch try folders.verdict(on: path, reader, catalogue: catalogue, scan: scan) {
        case .gone: try ScanTable.addMissing(item, nil, folder: path.parent.bytes, scan)
        case .unknown: break
        case .protected(let protection, let folder):
            let protection = options.deletesMissing ? nil : protection
            try ScanTable.addMissing(item, protection, folder: folder.bytes, scan)
        }
    }

    /// Settles what is known of failures without reading: files that are gone, and entries that are no files.
    private mutating func settleFailures(
        _ folders: inout FolderStates, catalogue: Catalogue.Access, scan: ScanTable.Access
    ) throws {
        try Catalogue.forEachFailure(.scan, catalogue) { failure in
            let path = RelativePath(bytes: failure.name)
            let isScope = scopes.contains(path)
            guard isScope || folders.isLookedFor(path) else { return }
            if let file = try ScanTable.file(failure.name, scan) {
                // Readable again, and what was indexed: nothing is left of the failure.
                let item = try Catalogue.item(named: failure.name, .images, .scan, catalogue)
                if item?.file?.facts == file.facts { batch.recovered.append(failure.name) }
                return
            }
            if let refusal = try ScanTable.refusal(of: failure.name, scan) {
                if refusal.reason == failure.reason { summary.stillFailing += 1 }
            } else if try isSettled(path, isScope: isScope, &folders, catalogue: catalogue, scan: scan) {
                batch.recovered.append(failure.name)
            }
        }
        try ScanTable.forEachRefused(scan) { path, reason in
            guard try Catalogue.failure(of: path, .scan, catalogue)?.reason != reason else { return }
            batch.failures.append(
                FailureRecord(
                    name: path, reason: reason, size: 0, modified: 0, changed: 0, time: now,
                    isRetryable: try ScanTable.folder(path, scan) != nil))
            summary.note(failure: path, reason)
        }
    }

    /// Whether a remembered failure has nothing behind it any more: its folder can be read again, or its file is gone.
    private func isSettled(
        _ path: RelativePath, isScope: Bool, _ folders: inout FolderStates, catalogue: Catalogue.Access,
        scan: ScanTable.Access
    ) throws -> Bool {
        if let (state, _) = try ScanTable.folder(path.bytes, scan) { return state != .unknown }
        guard !isScope, !reader.holds(path) else { return false }
        return switch try folders.verdict(on: path, reader, catalogue: catalogue, scan: scan) {
        case .gone: true
        case .protected: options.deletesMissing
        case .unknown: false
        }
    }
}

/// What the walk says of the folders above an absent file.
private struct FolderStates {
    enum Verdict {
        case gone
        /// Not looked for, or not to be known.
        case unknown
        case protected(Protection, RelativePath)
    }

    let excludes: [Glob]
    let scopes: [RelativePath]
    private var last: (folder: RelativePath, verdict: Verdict)?

    init(excludes: [Glob], scopes: [RelativePath]) {
        self.excludes = excludes
        self.scopes = scopes
    }

    /// Whether the walk would have come by a file of that path.
    func isLookedFor(_ path: RelativePath) -> Bool {
        guard let scope = scopes.first(where: { path.isInside($0) && path != $0 }) else { return false }
        let below = path.bytes.dropFirst(scope.bytes.isEmpty ? 0 : scope.bytes.count + 1)
        let isHidden = below.split(separator: 0x2F).contains { $0.first == 0x2E }
        return !isHidden && !excludes.exclude(path, below: scope)
    }

    /// What the absence of a file from its folder means; items come folder by folder, so the last answer is kept.
    mutating func verdict(
        on path: RelativePath, _ reader: FileReader, catalogue: Catalogue.Access, scan: ScanTable.Access
    ) throws -> Verdict {
        let folder = path.parent
        if let last, last.folder == folder { return last.verdict }
        let verdict = try judge(folder, reader, catalogue: catalogue, scan: scan)
        last = (folder, verdict)
        return verdict
    }

    private func judge(
        _ folder: RelativePath, _ reader: FileReader, catalogue: Catalogue.Access, scan: ScanTable.Access
    ) throws -> Verdict {
        if let (state, device) = try ScanTable.folder(folder.bytes, scan) {
            return try judge(folder, state, device, catalogue: catalogue) ?? .gone
        }
        var folder = folder
        while !folder.bytes.isEmpty, try ScanTable.folder(folder.parent.bytes, scan) == nil { folder = folder.parent }
        guard let (state, device) = try ScanTable.folder(folder.parent.bytes, scan), !reader.holds(folder) else {
            return .unknown
        }
        return try judge(folder.parent, state, device, catalogue: catalogue) ?? .protected(.vanished, folder)
    }

    /// What speaks against deletions in a folder the walk came by, or nil.
    private func judge(
        _ folder: RelativePath, _ state: ScannedFolder, _ device: Int, catalogue: Catalogue.Access
    ) throws -> Verdict? {
        switch state {
        case .unknown: return .unknown
        case .empty: return .protected(.emptied, folder)
        case .complete:
            let known = try Catalogue.device(of: folder.bytes, catalogue)
            return known == nil || known == device ? nil : .protected(.moved, folder)
        }
    }
}

extension FileRecord {
    /// As what the file was seen when it was indexed.
    var facts: FileFacts { FileFacts(size: size, modified: modified, changed: changed) }
}

extension ScannedFile {
    /// As what the walk saw it.
    var facts: FileFacts { FileFacts(size: size, modified: modified, changed: changed) }
}

extension FailureRecord {
    /// As what the file was seen when it failed.
    fileprivate var facts: FileFacts { FileFacts(size: size, modified: modified, changed: changed) }
}
