// The live items of an index become a file of vectors that other programs, and `penumbra import`, read.
import Encoders
import Glibc
import Storage

/// An export that was asked for something the index does not hold.
public enum ExportError: Error, CustomStringConvertible, Sendable, Equatable {
    /// No source has that name; those that have items do.
    case noSource(String, known: [String])

    /// The sentence shown to people.
    public var description: String {
        switch self {
        case .noSource(let name, let known):
            "no source of the name \(name) here"
                + (known.isEmpty
                    ? ": everything comes from the folder" : ": there are \(known.joined(separator: ", "))")
        }
    }
}

/// What an export wrote.
public struct ExportSummary: Sendable {
    /// Pictures.
    public var images = 0
    /// Texts.
    public var texts = 0
}

extension Index {
    /// Writes live items to a safetensors file, bit for bit, as `encode` writes it: pictures first, each kind in order of
    /// arrival.
    ///
    /// One generation is written, whatever happens meanwhile; the file appears whole. Only names are held in memory.
    /// - Parameters:
    ///   - path: the file to be.
    ///   - source: only items of sources of that name; nil takes all.
    ///   - collections: which kinds.
    ///   - progress: called after some rows, one call at a time.
    /// - Returns: how many were written.
    /// - Throws: `ExportError`; `CancellationError`; an error when the file cannot be written or a block is damaged.
    public func exportVectors(
        to path: String, source: String? = nil, in collections: [Collection] = Collection.allCases,
        progress: (IndexingProgress) -> Void = { _ in }
    ) throws -> ExportSummary {
        try exportVectors(
            to: path, source: source, in: collections, maximumMetadataSize: RowNames.maximumMetadataSize,
            progress: progress)
    }

    package func exportVectors(
        to path: String, source: String?, in collections: [Collection], maximumMetadataSize: Int,
        progress: (IndexingProgress) -> Void
    ) throws -> ExportSummary {
        let model = try? model()
        return try store.read { snapshot in
            try checkSource(source, snapshot)
            var summary = ExportSummary()
            var names = RowNames()
            for collection in collections {
                try Catalogue.forEachItem(collection, inSource: source, snapshot.database) { _, name in
                    names.append(name(), collection)
                    if collection == .images { summary.images += 1 } else { summary.texts += 1 }
                }
            }
            var metadata = try names.metadata(for: path, maximumSize: maximumMetadataSize)
            let state = snapshot.state
            metadata.merge(
                EncodingFile.metadata(fingerprint: state.modelFingerprint, encodingID: state.encodingID, model)
            ) { $1 }
            let file = try SafetensorsRows(
                path: path, names: ["log_variance", "mean"], rows: names.count, rowLength: state.dimension,
                metadata: metadata)
            var rows = ExportRows(snapshot: snapshot, file: file, total: names.count)
            for collection in collections { try rows.write(collection, source, progress) }
            try file.finish()
            return summary
        }
    }

    private func checkSource(_ name: String?, _ snapshot: Snapshot) throws {
        guard let name else { return }
        let known = try Catalogue.sources(snapshot.database).map(\.name)
        guard known.contains(name) else {
            throw ExportError.noSource(name, known: known.filter { !$0.isEmpty })
        }
    }
}

/// Copies rows from the store to a file, neighbours together.
private struct ExportRows {
    let snapshot: Snapshot
    let file: SafetensorsRows
    let total: Int
    private var done = 0
    private var run: SlotRun?
    /// The block whose checksums were last found right.
    private var checked: Int?

    init(snapshot: Snapshot, file: SafetensorsRows, total: Int) {
        self.snapshot = snapshot
        self.file = file
        self.total = total
    }

    mutating func write(_ collection: Collection, _ source: String?, _ progress: (IndexingProgress) -> Void) throws {
        checked = nil
        try Catalogue.forEachItem(collection, inSource: source, snapshot.database) { place, _ in
            if let open = run, open.first.block == place.block, open.end == place.slot {
                run?.end += 1
                return
            }
            try flush(collection, progress)
            run = SlotRun(first: place, end: place.slot + 1)
        }
        try flush(collection, progress)
    }

    private mutating func flush(_ collection: Collection, _ progress: (IndexingProgress) -> Void) throws {
        guard let run else { return }
        try Task.checkCancellation()
        for (tensor, column) in [Column.logVariances, .means].enumerated() {
            let rows = try snapshot.rows(column, run, in: collection, checkingSum: checked != run.first.block)
            try file.append(rows, to: tensor)
        }
        checked = run.first.block
        done += run.end - run.first.slot
        self.run = nil
        progress(IndexingProgress(done: done, total: total))
    }
}
