// A file of texts becomes items of an index: stage its rows, compare, encode what is new, commit in batches.
import Corpus
import Encoders
import Gaussians
import Storage

extension Index {
    /// Brings the texts of one file up to date: each distinct text of the file is one item, linked to the pictures its
    /// rows name.
    ///
    /// A file that has not changed is not read. Only new texts are encoded, texts that are gone from the file leave the
    /// index, and what is done is committed every few seconds: a cancelled task finishes its batch, and says so in the
    /// summary.
    /// - Parameters:
    ///   - path: a `.txt`, `.csv`, `.tsv` or `.jsonl` file.
    ///   - options: which columns, and how.
    ///   - progress: called after every few texts, one call at a time.
    /// - Returns: what was done, counted.
    /// - Throws: an error when the index cannot be written, the model encodes no texts, or the file as a whole cannot be
    ///   read.
    public func updateTexts(
        from path: String, _ options: TextOptions = TextOptions(),
        progress: @Sendable (IndexingProgress) -> Void = { _ in }
    ) async throws -> TextSummary {
        let file = try CaptionFile(path: path, columns: options.columns)
        let facts = try CaptionFile.facts(of: path)
        let source = Source(kind: .texts, name: try textSourceName(path))
        let writer = try IndexWriter(store)
        var run = TextIndexingRun(writer, source)
        if try run.skipUnchanged(file, facts, options) { return try finished(run) }
        let hash = try CaptionFile.hash(of: path)
        if try run.skipUntouched(file, facts, hash, options) { return try finished(run) }

        let encoder = try model().textEncoder()
        let table = try TextTable()
        try run.stage(file, in: table, root: root)
        guard !Task.isCancelled else { return try finished(run) }
        let comparison = try store.readCatalogue { try table.compare(source, $0) }
        try run.begin(comparison)
        let total = comparison.pending
        try await encode(table, encoder, jobs: options.jobs, &run) {
            progress(IndexingProgress(done: $0, total: total))
        }
        guard !run.summary.wasInterrupted else { return try finished(run) }
        try run.relink(table)
        try run.removeGone(table)
        guard try CaptionFile.facts(of: path) == facts else {
            throw CaptionFileError(path: path, reason: "changed while it was being read; run the same command again")
        }
        try run.complete(file, facts, hash, options)
        return try finished(run)
    }

    /// The name of a file as a source: below the root relative to it, so that both can be moved together.
    private func textSourceName(_ path: String) throws -> String {
        let absolute = try IndexLocation.existing(path)
        let base = root == "/" ? "/" : "\(root)/"
        return absolute.hasPrefix(base) ? String(absolute.dropFirst(base.count)) : absolute
    }

    private func finished(_ run: TextIndexingRun) throws -> TextSummary {
        var summary = run.summary
        summary.wasInterrupted = summary.wasInterrupted || Task.isCancelled
        try store.readCatalogue { database in
            summary.total = try Catalogue.count(.texts, database)
            if let missing = try Catalogue.missingPictures(of: run.source, database) {
                summary.unlinked.note(String(decoding: missing.first, as: UTF8.self), count: missing.count)
            }
        }
        return summary
    }

    /// Encodes what is pending, a few shares at a time, in the order of the file.
    private func encode(
        _ table: TextTable, _ encoder: TextEncoder, jobs: Int, _ run: inout TextIndexingRun, progress: (Int) -> Void
    ) async throws {
        let size = 2 * TextEncoder.batchSize
        var last = 0
        var done = 0
        while true {
            let texts = try table.pending(after: last, limit: size * jobs)
            guard let end = texts.last?.number else { break }
            if Task.isCancelled {
                run.summary.wasInterrupted = true
                break
            }
            let encoded = try await encoder.encode(texts.map { String(decoding: $0.text, as: UTF8.self) }, share: size)
            for (text, encoded) in zip(texts, encoded) { run.take(text, encoded) }
            try run.commitIfDue()
            last = end
            done += texts.count
            progress(done)
        }
        try run.commit()
    }
}

extension TextEncoder {
    /// Encodes texts on as many workers as there are shares.
    func encode(_ texts: [String], share: Int) async throws -> [EncodedText] {
        try await withThrowingTaskGroup(of: (Int, [EncodedText]).self) { group in
            for start in stride(from: 0, to: texts.count, by: share) {
                let part = Array(texts[start..<min(start + share, texts.count)])
                group.addTask { (start, try self.encode(part)) }
            }
            var parts: [(start: Int, texts: [EncodedText])] = []
            for try await part in group { parts.append((part.0, part.1)) }
            return parts.sorted { $0.start < $1.start }.flatMap(\.texts)
        }
    }
}
