// What an indexing run is asked to do, how far it is, and what it did.
public import Logging

/// What a run looks at and dares.
public struct IndexingOptions: Sendable {
    /// Only this folder and what lies below it; nil scans the whole root.
    public var folder: String?
    /// Lets a folder that held pictures and is now empty lose them: it may be an unmounted disk, so by default nothing
    /// is deleted there.
    public var deletesMissing = false
    /// Tries files again that failed before and have not changed since.
    public var retriesFailed = false
    /// Workers that read, decode and encode; at least 1.
    public var jobs: Int
    /// Where the run tells, at debug level, what it does and how long it takes.
    ///
    /// Silent by default.
    public var logger = Logger(label: "penumbra.indexing") { _ in SwiftLogNoOpLogHandler() }

    /// The whole root, carefully, with one worker per core.
    public init(jobs: Int = Index.processorCount) { self.jobs = max(jobs, 1) }
}

/// How far a run is.
public struct IndexingProgress: Sendable {
    /// Files dealt with so far.
    public var done: Int
    /// Files to deal with: new and changed ones.
    public var total: Int

    /// How many of how many.
    public init(done: Int, total: Int) {
        self.done = done
        self.total = total
    }
}

/// A file or folder and what is to be said about it.
public struct IndexingNotice: Sendable, Equatable {
    /// Below the root, raw bytes; empty for the root itself.
    public var path: [UInt8]
    /// The reason, without the path.
    public var reason: String
}

/// What a run did.
public struct IndexingSummary: Sendable {
    /// Pictures that were new.
    public var added = 0
    /// Pictures as they were.
    public var unchanged = 0
    /// Pictures found under another name, with the same content.
    public var renamed = 0
    /// New names for content that another picture has too.
    public var copied = 0
    /// Pictures whose content changed.
    public var changed = 0
    /// Pictures that are gone.
    public var removed = 0
    /// Files that could not be indexed in this run, with the reason.
    public var failures: [IndexingNotice] = []
    /// Files that failed in an earlier run and have not changed since.
    public var stillFailing = 0
    /// Files of kinds that cannot be read, by kind.
    public var unsupported: [String: Int] = [:]
    /// What else people should know: folders skipped or protected.
    public var notices: [IndexingNotice] = []
    /// The run was cancelled; what it had done is kept.
    public var wasInterrupted = false
    /// Pictures in the index now.
    public var total = 0

    /// Pictures that were found, whatever became of them.
    public var found: Int { added + unchanged + renamed + copied + changed }
}
