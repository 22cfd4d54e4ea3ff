// The first flow: a folder of pictures becomes items of an index. Survey, encode, commit in batches; read top to bottom.
import Corpus
import Encoders
import Storage

extension Index {
    /// Cores this process may use.
    public static var processorCount: Int { SharedWork.processorCount }

    /// Brings the index up to date with the pictures below its root.
    ///
    /// Only new and changed files are read, equal content is encoded once, and what is done is committed every few
    /// seconds: a cancelled task finishes its batch, commits, and says so in the summary. Memory does not grow with the
    /// number of files.
    /// - Parameters:
    ///   - options: which folders, and how.
    ///   - progress: called after every few files, one call at a time.
    /// - Returns: what was done (with `options.isDryRun`: what would be), file by file counted.
    /// - Throws: an error when the index cannot be written ("busy, process N") or the root cannot be read.
    public func update(
        _ options: IndexingOptions = IndexingOptions(), progress: @Sendable (IndexingProgress) -> Void = { _ in }
    ) async throws -> IndexingSummary {
        let scopes = try scopes(options.folders)
        let sink: any BatchSink = options.isDryRun ? try Rehearsal(store) : try IndexWriter(store)
        let survey = try Survey(root: root, scopes: scopes, options, sink)
        let worker = PictureWorker(
            reader: try FileReader(root: root), encoder: try model().imageEncoder(), encodes: !options.isDryRun,
            isStored: { hash in try sink.readCatalogue { try Catalogue.item(hash: hash, .images, $0) != nil } })
        var run = try IndexingRun(survey, sink, worker.ledger, options)
        while try run.hasPending, !run.summary.wasInterrupted {
            try await read(worker, jobs: options.jobs, &run) { done in
                progress(IndexingProgress(done: done, total: survey.pending))
            }
            try resolve(&run, worker)
            progress(IndexingProgress(done: run.done, total: survey.pending))
        }
        if !run.summary.wasInterrupted { try run.removeMissing() }
        run.summary.total = try sink.readCatalogue { try Catalogue.count(.images, $0) }
        return run.summary
    }

    /// The folders of a scan as paths below the root, none inside another; the root itself by default.
    private func scopes(_ folders: [String]) throws -> [RelativePath] {
        let scopes = try folders.map(relative).sorted()
        guard !scopes.isEmpty else { return [RelativePath("")] }
        return scopes.enumerated().filter { index, scope in
            !scopes[..<index].contains { scope.isInside($0) }
        }.map(\.element)
    }

    /// Feeds the workers and commits what they return.
    ///
    /// At most `jobs` + 1 shares are in memory.
    private func read(
        _ worker: PictureWorker, jobs: Int, _ run: inout IndexingRun, progress: (Int) -> Void
    ) async throws {
        let size = ImageEncoder.share(of: run.total, jobs: jobs)
        try await withThrowingTaskGroup(of: ([PendingFile], [PictureOutcome]).self) { group in
            for _ in 0...jobs {
                if let share = try run.nextShare(size) { group.addTask { (share, try worker.process(share)) } }
            }
            while let (files, outcomes) = try await group.next() {
                if let share = try run.nextShare(size) { group.addTask { (share, try worker.process(share)) } }
                for (file, outcome) in zip(files, outcomes) { try run.take(file, outcome) }
                try run.commitIfDue()
                progress(run.done)
            }
        }
        run.summary.wasInterrupted = try run.hasPending
        try run.commit()
    }

    /// Settles files whose content is stored: each is another name of an item whose file is gone, or a copy.
    ///
    /// Content that is not stored after all, since the item that had it changed, is to be read once more.
    private func resolve(_ run: inout IndexingRun, _ worker: PictureWorker) throws {
        while !run.summary.wasInterrupted, case let files = try run.takeKnown(), !files.isEmpty {
            for (file, record) in files {
                if let gone = try run.missingItem(hash: record.hash) {
                    try run.rename(gone, to: file, record)
                } else if let original = try run.item(hash: record.hash) {
                    // A file that moved here from where this scan does not look is missed by nobody else.
                    let isThere = worker.reader.holds(RelativePath(bytes: original.name))
                    if isThere || run.isRenamed(original.id) {
                        run.copy(original, to: file, record)
                    } else {
                        try run.rename(original, to: file, record)
                    }
                } else if let reason = worker.ledger.failure(record.hash) {
                    try run.take(file, .failed(reason, file.file.facts))
                } else {
                    try run.readAgain(file)
                }
            }
            try run.commit()
            run.summary.wasInterrupted = Task.isCancelled
        }
    }
}
