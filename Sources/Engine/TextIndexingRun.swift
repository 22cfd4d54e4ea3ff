// Encoded texts to batches: what reading a file of texts has done so far and what it commits next.
import Corpus
import Encoders
import Gaussians
import Glibc
import Storage

/// The state of one reading of a file of texts.
struct TextIndexingRun {
    /// Commit when so many additions have come together, or so much time has passed.
    private static let batchSize = 1_024
    private static let batchTime = Duration.seconds(2)
    /// Rows handed to the staging table at once.
    private static let stagedRows = 4_096

    var summary = TextSummary()
    private let writer: IndexWriter
    let source: Source
    private var batch: Batch
    private var lastCommit = ContinuousClock.now

    init(_ writer: IndexWriter, _ source: Source) {
        self.writer = writer
        self.source = source
        batch = Batch()
        reset()
    }

    private mutating func reset() {
        batch = Batch()
        batch.collection = .texts
        batch.source = source
        lastCommit = ContinuousClock.now
    }

    // MARK: Files that need not be read

    /// Whether the file is, by what `stat` says, the one that was read.
    mutating func skipUnchanged(_ file: CaptionFile, _ facts: FileFacts, _ options: TextOptions) throws -> Bool {
        guard let known = try known(options), known.size == facts.size, known.modified == facts.modified,
            known.changed == facts.changed
        else { return false }
        try countUnchanged()
        return true
    }

    /// Whether the file's content is that which was read; then only its times are noted.
    mutating func skipUntouched(
        _ file: CaptionFile, _ facts: FileFacts, _ hash: [UInt8], _ options: TextOptions
    ) throws -> Bool {
        guard let known = try known(options), known.hash == hash else { return false }
        try complete(file, facts, hash, options)
        try countUnchanged()
        return true
    }

    /// What the file was when it was last read with these columns; nil where it must be read again.
    private func known(_ options: TextOptions) throws -> TextFileRecord? {
        try writer.readCatalogue { database in
            guard let known = try Catalogue.textFile(source, database), known.columns == options.description else {
                return nil
            }
            if options.retriesFailed, try !Catalogue.failures(source, database).isEmpty { return nil }
            return known
        }
    }

    private mutating func countUnchanged() throws {
        (summary.unchanged, summary.stillFailing) = try writer.readCatalogue { database in
            (
                try Catalogue.count(.texts, source, database),
                try Catalogue.failures(source, database).count
            )
        }
    }

    // MARK: Reading

    /// Reads the file into the table; damaged rows are remembered as failures.
    mutating func stage(_ file: CaptionFile, in table: TextTable, root: String) throws {
        batch.texts.forgetsFailures = true
        var rows: [(text: [UInt8], line: Int, picture: [UInt8]?)] = []
        var damages: [CaptionFileError] = []
        try file.forEachRow(
            onDamage: { damages.append($0) },
            { row in
                let pictures = row.pictures.map { Self.picture($0, root: root) }
                for text in row.texts.map({ Array($0.utf8) }) {
                    if pictures.isEmpty { rows.append((text, row.line, nil)) }
                    for picture in pictures { rows.append((text, row.line, picture)) }
                }
                if rows.count >= Self.stagedRows {
                    try table.add(rows)
                    rows = []
                }
                return !Task.isCancelled
            })
        try table.add(rows)
        // A file without one text is more likely the wrong field than a wish to forget all of them.
        if let first = damages.first, try table.isEmpty() { throw first }
        for damage in damages { fail("line \(damage.line ?? 0)", line: damage.line, damage.reason) }
    }

    /// A picture's path as the index names pictures: below the root.
    private static func picture(_ path: String, root: String) -> [UInt8] {
        let base = root == "/" ? "/" : "\(root)/"
        if path.hasPrefix(base) { return Array(path.utf8.dropFirst(base.utf8.count)) }
        return Array((path.hasPrefix("./") ? path.dropFirst(2) : path[...]).utf8)
    }

    /// Notes what the comparison alone could decide.
    mutating func begin(_ comparison: TextTable.Comparison) throws {
        summary.unchanged = comparison.kept - comparison.relinked
        summary.relinked = comparison.relinked
        try commit()
    }

    /// Takes one encoded text in.
    mutating func take(_ text: TextTable.Pending, _ encoded: EncodedText) {
        guard !encoded.isEmpty else {
            return fail(
                text.text, line: text.line, "nothing is left of it: the model sees neither punctuation nor spaces")
        }
        guard encoded.gaussian.isFinite else {
            return fail(text.text, line: text.line, "the model gives numbers that are not finite")
        }
        let name = String(decoding: text.text, as: UTF8.self)
        if encoded.isTruncated { summary.truncated.note(name) }
        for character in encoded.unknownCharacters { summary.unknownCharacters.note(character) }
        batch.additions.append(NewItem(name: text.text, file: nil, vector: .gaussian(encoded.gaussian)))
        if !text.pictures.isEmpty { batch.texts.links.append((text.text, text.pictures)) }
        summary.added += 1
    }

    private mutating func fail(_ name: String, line: Int?, _ reason: String) {
        fail(Array(name.utf8), line: line, reason)
    }

    private mutating func fail(_ name: [UInt8], line: Int?, _ reason: String) {
        batch.failures.append(
            FailureRecord(
                name: name, reason: reason, size: 0, modified: 0, changed: 0, time: Int(time(nil)), isRetryable: false))
        summary.failures.note("line \(line ?? 0): \(reason)")
    }

    /// Gives items the pictures that the file names now.
    mutating func relink(_ table: TextTable) throws {
        var last = 0
        while true {
            let texts = try table.relinked(after: last, limit: Self.batchSize)
            guard let end = texts.last?.number else { return }
            batch.texts.links += texts.map { ($0.text, $0.pictures) }
            last = end
            try commit()
        }
    }

    /// Ends the items whose texts are gone from the file.
    mutating func removeGone(_ table: TextTable) throws {
        while true {
            let gone = try table.takeGone(limit: Self.batchSize)
            guard !gone.isEmpty else { return }
            batch.removals = gone
            summary.removed += gone.count
            try commit()
        }
    }

    /// Notes that the file was read to its end, and what it was.
    mutating func complete(
        _ file: CaptionFile, _ facts: FileFacts, _ hash: [UInt8], _ options: TextOptions
    ) throws {
        batch.texts.file = TextFileRecord(
            size: facts.size, modified: facts.modified, changed: facts.changed, hash: hash,
            columns: options.description)
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
        try writer.commit(batch)
        reset()
    }
}
