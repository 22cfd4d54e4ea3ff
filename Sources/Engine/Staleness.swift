// An index and its folder, compared by what `stat` says: what an index run would look at. Reads no picture.
import Corpus
import Storage

/// How far an index is behind its folder.
public struct Staleness: Sendable, Equatable {
    /// Files as they were when they were indexed.
    public var unchanged = 0
    /// Files that are not in the index; some may prove to be renamed, copied, or no pictures.
    public var new = 0
    /// Files whose size or times are not those that were indexed.
    public var changed = 0
    /// Pictures of the index whose files are gone.
    public var missing = 0
    /// Pictures of the index whose files were not found in folders that speak against deletions.
    public var kept = 0
    /// Folders that could not be looked at.
    public var unreadableFolders = 0
    /// Files that failed before and have not changed since.
    public var failedBefore = 0
    /// Folders that speak against deletions, and folders that could not be looked at.
    public var notices: [IndexingNotice] = []

    package init(
        unchanged: Int = 0, new: Int = 0, changed: Int = 0, missing: Int = 0, kept: Int = 0,
        unreadableFolders: Int = 0, failedBefore: Int = 0, notices: [IndexingNotice] = []
    ) {
        self.unchanged = unchanged
        self.new = new
        self.changed = changed
        self.missing = missing
        self.kept = kept
        self.unreadableFolders = unreadableFolders
        self.failedBefore = failedBefore
        self.notices = notices
    }

    /// Whether the index is what the folder is, as far as could be seen.
    public var isCurrent: Bool { new == 0 && changed == 0 && missing == 0 && kept == 0 && unreadableFolders == 0 }
}

extension Index {
    /// Walks the root and compares what lies there with the catalogue; writes nothing.
    /// - Parameter options: what to look for, as for an index run.
    /// - Returns: what an index run would have to look at.
    /// - Throws: an error when the root or the catalogue cannot be read.
    public func staleness(_ options: IndexingOptions = IndexingOptions()) throws -> Staleness {
        let survey = try Survey(root: root, scopes: [RelativePath("")], options, store)
        return try survey.table.access { scan in
            let counts = try ScanTable.counts(scan)
            let kept = try ScanTable.protected(scan)
            var unreadable: [IndexingNotice] = []
            try ScanTable.forEachRefused(scan) { path, reason in
                if try ScanTable.folder(path, scan) != nil {
                    unreadable.append(IndexingNotice(path: path, reason: reason))
                }
            }
            return Staleness(
                unchanged: survey.summary.unchanged, new: counts.new, changed: counts.changed, missing: counts.gone,
                kept: kept.reduce(0) { $0 + $1.count }, unreadableFolders: unreadable.count,
                failedBefore: survey.summary.stillFailing,
                notices: survey.summary.notices + unreadable + kept.map { $0.notice($1, $2) })
        }
    }
}
