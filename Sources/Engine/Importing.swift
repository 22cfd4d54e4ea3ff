// Vectors from elsewhere become items of an index: read in pieces, compared with what is stored, committed in batches.
import Encoders
import Glibc
import Storage

/// What an import did.
public struct ImportSummary: Sendable {
    /// Rows whose name was new to the source.
    public var added = 0
    /// Rows whose item had another Gaussian: it ended, and a new one began.
    public var changed = 0
    /// Rows whose item was stored already, bit for bit.
    public var unchanged = 0
    /// Rows that say again what an earlier row says.
    public var repeated = 0
    /// The import was cancelled; what it had done is kept.
    public var wasInterrupted = false
    /// Items of the collection now, of all sources.
    public var total = 0
}

extension Index {
    /// The source that imports have unless they name another.
    public static let importSource = "import"

    /// Checks that this index can hold a file's rows, without reading them.
    /// - Parameters:
    ///   - file: the file.
    ///   - model: the model that someone says made them; needed where the file does not say.
    /// - Throws: `ImportRefusal` naming both encodings.
    public func check(_ file: VectorFile, model: Model? = nil) throws {
        let state = try store.readCatalogue { try Catalogue.state($0, path: folder) }
        try file.check(
            encodingID: state.encodingID, fingerprint: state.modelFingerprint, dimension: state.dimension,
            model: model)
    }

    /// Makes the rows of a file items of a source of its own, which no folder scan touches.
    ///
    /// A name is an item's path or text. Running it again changes nothing: rows that are stored, bit for bit, are skipped,
    /// others replace the item of their name; items that the file does not name stay. All rows are checked before the
    /// first is written. A cancelled task commits what it has and says so in the summary.
    /// - Parameters:
    ///   - file: the file.
    ///   - collection: what its rows become.
    ///   - source: keeps the items of one import from those of another.
    ///   - model: the model that someone says made them; needed where the file does not say.
    ///   - progress: called after some rows, one call at a time, first of the check, then of the import.
    /// - Returns: what was done, row by row counted.
    /// - Throws: `ImportRefusal`, before anything is written; an error when the index cannot be written;
    ///   `CancellationError` when there is nothing to commit yet.
    public func importVectors(
        _ file: VectorFile, as collection: Collection, source: String = importSource, model: Model? = nil,
        progress: @Sendable (IndexingProgress) -> Void = { _ in }
    ) async throws -> ImportSummary {
        try check(file, model: model)
        let writer = try IndexWriter(store)
        let vectors = try await file.checked(as: collection, progress: progress)
        return try await write(vectors, source, model, writer, progress)
    }

    /// As above, of a file whose rows were checked before.
    public func importVectors(
        _ vectors: CheckedVectors, source: String = importSource, model: Model? = nil,
        progress: @Sendable (IndexingProgress) -> Void = { _ in }
    ) async throws -> ImportSummary {
        try check(vectors.file, model: model)
        return try await write(vectors, source, model, IndexWriter(store), progress)
    }

    private func write(
        _ vectors: CheckedVectors, _ source: String, _ model: Model?, _ writer: IndexWriter,
        _ progress: @Sendable (IndexingProgress) -> Void
    ) async throws -> ImportSummary {
        try checkPoints(vectors, model)
        let count = vectors.file.count
        var run = try ImportRun(vectors, Source(kind: .imported, name: source), writer, store)
        let size = RowChunk.count(dimension: vectors.file.dimension)
        var next = 0
        try await withThrowingTaskGroup(of: RowChunk.self) { group in
            // One piece is prepared while the one before is written.
            func feed(_ reader: ImportReader) {
                guard next < count, !Task.isCancelled else { return }
                let range = next..<min(next + size, count)
                group.addTask { try reader.prepare(range) }
                next = range.upperBound
            }
            feed(run.reader)
            while let chunk = try await group.next() {
                feed(run.reader)
                try run.take(chunk)
                progress(IndexingProgress(done: run.done, total: count))
            }
        }
        try run.commit()
        run.summary.wasInterrupted = run.done < count
        run.summary.total = try store.readCatalogue { try Catalogue.count(vectors.collection, $0) }
        return run.summary
    }

    /// Rows without variance belong into an index of a model that gives points, and there alone.
    private func checkPoints(_ vectors: CheckedVectors, _ model: Model?) throws {
        guard let point = vectors.firstPoint else { return }
        // Where the model is not at hand, a file of nothing but points is taken for that of a point model.
        let isPointModel = (try? model ?? self.model())?.isPointModel ?? (vectors.firstSpread == nil)
        guard isPointModel else { throw vectors.file.refuse(point, .point) }
    }
}

/// Prepares rows beside the writing of others.
struct ImportReader: Sendable {
    let vectors: CheckedVectors
    let source: Source
    /// Whether items of the source may be stored already.
    let isKnown: Bool
    let store: IndexStore

    /// Reads rows, drops those that need no writing, and computes the scalars of the others.
    func prepare(_ range: Range<Int>) throws -> RowChunk {
        let chunk = try RowChunk(vectors.file, range)
        if !vectors.repeated.isEmpty {
            chunk.keep { _, row in !vectors.repeated.contains(row) }
            chunk.repeated = range.count - chunk.rows.count
        }
        if isKnown {
            try store.read { snapshot in
                try chunk.keep { try !isStored(chunk, $0, name: Array(vectors.file.names[$1]), snapshot) }
            }
        }
        chunk.computeScalars()
        return chunk
    }

    /// Whether a row is stored as it is; an item of its name with another Gaussian is noted as replaced.
    private func isStored(_ chunk: RowChunk, _ place: Int, name: [UInt8], _ snapshot: Snapshot) throws -> Bool {
        let collection = vectors.collection
        guard let stored = try Catalogue.place(of: name, collection, source, snapshot.database) else { return false }
        if try snapshot.holds(
            mean: chunk.mean(place), logVariance: chunk.logVariance(place), at: stored.placement, in: collection)
        {
            chunk.unchanged += 1
            return true
        }
        chunk.replaced.append(stored)
        return false
    }
}

/// The state of one import.
struct ImportRun {
    /// Commit to the catalogue when so many rows have come together, or so much time has passed: names in no order
    /// change nearly every page of their index, in small batches and in large ones.
    private static let batchSize = 131_072
    private static let batchTime = Duration.seconds(5)

    var summary = ImportSummary()
    /// Rows dealt with.
    private(set) var done = 0
    let reader: ImportReader
    private let writer: IndexWriter
    private var pending: PendingRows
    private var lastCommit = ContinuousClock.now

    init(_ vectors: CheckedVectors, _ source: Source, _ writer: IndexWriter, _ store: IndexStore) throws {
        self.writer = writer
        pending = try writer.begin(vectors.collection, source)
        let stored = try store.readCatalogue { try Catalogue.count(vectors.collection, source, $0) }
        reader = ImportReader(vectors: vectors, source: source, isKnown: stored > 0, store: store)
    }

    /// Writes a prepared piece.
    mutating func take(_ chunk: RowChunk) throws {
        let names = chunk.rows.map { Array(reader.vectors.file.names[$0]) }
        if !names.isEmpty {
            try chunk.withColumns {
                try writer.append($0, names: names, replacing: chunk.replaced, to: &pending)
            }
        }
        summary.added += names.count - chunk.replaced.count
        summary.changed += chunk.replaced.count
        summary.unchanged += chunk.unchanged
        summary.repeated += chunk.repeated
        done += names.count + chunk.unchanged + chunk.repeated
        if pending.count >= Self.batchSize || ContinuousClock.now - lastCommit > Self.batchTime { try commit() }
    }

    /// Makes everything taken so far visible.
    mutating func commit() throws {
        guard pending.count > 0 else { return }
        try writer.commit(pending)
        pending = try writer.begin(pending.collection, pending.source)
        lastCommit = ContinuousClock.now
    }
}
