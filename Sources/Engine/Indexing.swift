// The first flow: a folder of pictures becomes items of an index. Survey, encode, commit in batches; read top to bottom.
import Corpus
import Encoders
import Glibc
import Storage

extension Index {
    /// Cores this process may use.
    public static var processorCount: Int { max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1) }

    /// Brings the index up to date with the pictures below its root.
    ///
    /// Only new and changed files are read, equal content is encoded once, and what is done is committed every few
    /// seconds: a cancelled task finishes its batch, commits, and says so in the summary.
    /// - Parameters:
    ///   - options: which folder, and how.
    ///   - progress: called after every few files, one call at a time.
    /// - Returns: what was done, file by file counted.
    /// - Throws: an error when the index cannot be written ("busy, process N") or the root cannot be read.
    public func update(
        _ options: IndexingOptions = IndexingOptions(), progress: @Sendable (IndexingProgress) -> Void = { _ in }
    ) async throws -> IndexingSummary {
        let folder = try options.folder.map(relative) ?? RelativePath("")
        let writer = try IndexWriter(store)
        let survey = try Survey(self, folder: folder, options)
        var run = try IndexingRun(survey, writer, options.logger)

        let store = store
        let ledger = ContentLedger()
        let worker = PictureWorker(
            reader: try FileReader(root: root), encoder: try model().imageEncoder(), ledger: ledger,
            isStored: { hash in try store.readCatalogue { try !Catalogue.items(hash: hash, .images, $0).isEmpty } })
        var pending = survey.pending
        while !pending.isEmpty, !run.summary.wasInterrupted {
            try await encode(pending, worker, jobs: options.jobs, &run) { done in
                progress(IndexingProgress(done: done, total: survey.pending.count))
            }
            pending = try resolve(&run, ledger)
            progress(IndexingProgress(done: run.done, total: survey.pending.count))
        }
        if !run.summary.wasInterrupted { try run.removeMissing() }
        run.summary.total = try store.readCatalogue { try Catalogue.count(.images, $0) }
        return run.summary
    }

    /// Feeds the workers and commits what they return.
    ///
    /// At most `jobs` + 1 shares are in memory.
    private func encode(
        _ files: [PendingFile], _ worker: PictureWorker, jobs: Int, _ run: inout IndexingRun, progress: (Int) -> Void
    ) async throws {
        let size = ImageEncoder.share(of: files.count, jobs: jobs)
        var next = 0
        try await withThrowingTaskGroup(of: (Int, [PictureOutcome]).self) { group in
            func feed() {
                guard next < files.count, !Task.isCancelled else { return }
                let start = next
                let share = Array(files[start..<min(start + size, files.count)])
                group.addTask { (start, try worker.process(share)) }
                next += share.count
            }
            for _ in 0...jobs { feed() }
            while let (start, outcomes) = try await group.next() {
                feed()
                for (offset, outcome) in outcomes.enumerated() { run.take(files[start + offset], outcome) }
                try run.commitIfDue()
                progress(run.done)
            }
        }
        run.summary.wasInterrupted = next < files.count
        try run.commit()
    }

    /// Settles files whose content is stored: each is another name of an item whose file is gone, or a copy.
    /// - Returns: files whose content is not stored after all, since the item that had it changed: to be encoded.
    private func resolve(_ run: inout IndexingRun, _ ledger: ContentLedger) throws -> [PendingFile] {
        var leftOver: [PendingFile] = []
        for (file, record) in run.takeKnown() {
            let items = try store.readCatalogue { try Catalogue.items(hash: record.hash, .images, $0) }
            if let gone = items.first(where: { run.missing[$0.id] != nil }) {
                run.rename(gone, to: file, record)
            } else if let original = items.first {
                run.copy(original, to: file, record)
            } else if let reason = ledger.failure(record.hash) {
                run.take(file, .failed(reason, file.file.facts))
            } else {
                leftOver.append(file)
            }
        }
        try run.commit()
        ledger.release()
        return leftOver
    }
}
