// What an indexing run is asked to do, how far it is, and what it did.
public import Logging

/// What a run looks at and dares.
public struct IndexingOptions: Sendable {
    /// Only these folders and what lies below them; empty scans the whole root.
    public var folders: [String] = []
    /// Patterns of what to leave out: `*.tmp.jpg`, `thumbnails/`, `2019/**/small`.
    ///
    /// A pattern without `/` is compared with names, one with `/` with paths below the root; `**` is any number of
    /// folders. Items that match stay as they are: they are not looked for.
    public var excludes: [String] = []
    /// Follows links to folders, and links that lead out of the root.
    public var followsLinks = false
    /// Looks into every file, whatever its name promises.
    public var takesAllFiles = false
    /// Reads files again that seem unchanged, and compares their content.
    public var rehashes = false
    /// Reads and decodes, but encodes and writes nothing: the summary says what a run would do.
    public var isDryRun = false
    /// Lets a folder lose its pictures that is now empty, gone or on another device: it may be an unmounted disk, so by
    /// default nothing is deleted there.
    public var deletesMissing = false
    /// Tries files again that failed before and have not changed since.
    public var retriesFailed = false
    /// Workers that read, decode and encode; at least 1.
    public var jobs: Int
    /// Where the run tells, at debug level, what it does and how long it takes.
    ///
    /// Silent by default.
    public var logger = Logger(label: "penumbra.indexing") { _ in SwiftLogNoOpLogHandler() }

    /// Called for every file that is not as it was, one call at a time.
    public var report: @Sendable (IndexingChange) -> Void = { _ in }

    /// The whole root, carefully, with one worker per core.
    public init(jobs: Int = Index.processorCount) { self.jobs = max(jobs, 1) }
}

/// What became, or would become, of one file; paths below the root, raw bytes.
public enum IndexingChange: Sendable, Equatable {
    /// New.
    case added([UInt8])
    /// Its content changed.
    case changed([UInt8])
    /// The content of an item whose file is gone, under another name.
    case renamed([UInt8], to: [UInt8])
    /// Another name for content that the first path has too.
    case copied([UInt8], to: [UInt8])
    /// Its file is gone.
    case removed([UInt8])
    /// Cannot be indexed, with the reason.
    case failed([UInt8], String)
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
    /// The first thousand files that could not be indexed in this run, with the reason.
    public private(set) var failures: [IndexingNotice] = []
    /// Files that could not be indexed in this run.
    public private(set) var failed = 0
    /// Files that failed in an earlier run and have not changed since.
    public var stillFailing = 0
    /// Files of kinds that cannot be read, by kind.
    public var unsupported: [String: Int] = [:]
    /// Links to folders that were not followed.
    public var folderLinks = 0
    /// What else people should know: folders skipped or protected.
    public var notices: [IndexingNotice] = []
    /// The run was cancelled; what it had done is kept.
    public var wasInterrupted = false
    /// Pictures in the index now.
    public var total = 0

    mutating func note(failure path: [UInt8], _ reason: String) {
        failed += 1
        if failures.count < 1_000 { failures.append(IndexingNotice(path: path, reason: reason)) }
    }

    /// Pictures that were found, whatever became of them.
    public var found: Int { added + unchanged + renamed + copied + changed }
}
