// What reading a file of texts is asked to do, and what it did.
import Corpus

/// How a file of texts is read.
public struct TextOptions: Sendable {
    /// The column or field that holds the text; nil takes `text`, `caption`, the last of `levels`, or the only column.
    public var textColumn: String?
    /// The column or field that names the text's picture, relative to the root; nil takes `file` or `image` where there
    /// is one.
    public var pictureColumn: String?
    /// Reads an unchanged file again if some of its rows failed.
    public var retriesFailed = false
    /// Workers that encode; at least 1.
    public var jobs: Int

    /// The default columns, one worker per core.
    public init(textColumn: String? = nil, pictureColumn: String? = nil, jobs: Int = Index.processorCount) {
        self.textColumn = textColumn
        self.pictureColumn = pictureColumn
        self.jobs = max(jobs, 1)
    }

    var columns: CaptionColumns { CaptionColumns(text: textColumn, picture: pictureColumn) }

    /// The choice of columns, as it is remembered.
    var description: String { [textColumn, pictureColumn].map { $0.map { "=\($0)" } ?? "" }.joined(separator: "\n") }
}

/// Things of one sort that were met: all counted, the first few kept.
public struct Occurrences: Sendable, Equatable {
    /// How many there were.
    public private(set) var count = 0
    /// The first distinct ones.
    public private(set) var first: [String] = []
    private static let kept = 10

    /// Nothing was met.
    public init() {}

    mutating func note(_ name: String, count more: Int = 1) {
        count += more
        if first.count < Self.kept, !first.contains(name) { first.append(name) }
    }
}

/// What reading a file of texts did.
public struct TextSummary: Sendable, Equatable {
    /// Texts that were new.
    public var added = 0
    /// Texts as they were.
    public var unchanged = 0
    /// Texts that belong to other pictures than before.
    public var relinked = 0
    /// Texts that are gone from the file.
    public var removed = 0
    /// Rows that could not be indexed in this run: "line 7: not UTF-8".
    public var failures = Occurrences()
    /// Rows that failed when the file, unchanged since, was read.
    public var stillFailing = 0
    /// New texts longer than the model's context, of which it saw the beginning.
    public var truncated = Occurrences()
    /// Characters of new texts that the model does not know.
    public var unknownCharacters = Occurrences()
    /// Pictures that texts of the file belong to and that are not in the index.
    public var unlinked = Occurrences()
    /// The run was cancelled; what it had done is kept.
    public var wasInterrupted = false
    /// Texts in the index now, of all files.
    public var total = 0

    /// Nothing was done.
    public init() {}
}
