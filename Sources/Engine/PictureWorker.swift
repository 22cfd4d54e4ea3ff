// Files to Gaussians: what one worker does with its share. One bad file never stops a run.
import Corpus
import Encoders
import Gaussians
import Storage
import Synchronization

/// What became of one file.
enum PictureOutcome: Sendable {
    /// New content, encoded; nil in a rehearsal.
    case encoded(FileRecord, Gaussian?)
    /// Content that is stored already, or that another worker is encoding.
    case known(FileRecord)
    /// The content is what the file's item has: only its times changed.
    case touched(FileRecord)
    /// Why its content could not be read.
    case unreadable(String, FileFacts)
    /// Why its content cannot be indexed.
    case failed(String, FileFacts)
}

/// Who encodes which content in this run, so that equal files are encoded once.
final class ContentLedger: Sendable {
    private struct State {
        var claimed: Set<[UInt8]> = []
        var failures: [[UInt8]: String] = [:]
    }
    /// More failures are forgotten: their files are decoded again, that is all.
    private static let maximumFailures = 10_000
    private let state = Mutex(State())

    /// Whether the caller is the first to come with this content, of those whose work is not committed yet.
    func claim(_ hash: [UInt8]) -> Bool { state.withLock { $0.claimed.insert(hash).inserted } }

    /// Gives claims back: the content is stored now, or nobody will.
    func release(_ hashes: [[UInt8]]) { state.withLock { $0.claimed.subtract(hashes) } }

    /// Says that this content cannot be encoded.
    func fail(_ hash: [UInt8], _ reason: String) {
        state.withLock { state in
            state.claimed.remove(hash)
            if state.failures.count < Self.maximumFailures { state.failures[hash] = reason }
        }
    }

    /// Why this content cannot be encoded, if that is so.
    func failure(_ hash: [UInt8]) -> String? { state.withLock { $0.failures[hash] } }
}

/// Reads, hashes, decodes and encodes.
struct PictureWorker: Sendable {
    let reader: FileReader
    let encoder: ImageEncoder
    /// False in a rehearsal, which reads and decodes.
    let encodes: Bool
    let ledger = ContentLedger()
    /// Whether a live item has this content.
    let isStored: @Sendable ([UInt8]) throws -> Bool

    /// Deals with some files.
    /// - Returns: one outcome per file, in order.
    func process(_ files: [PendingFile]) throws -> [PictureOutcome] {
        let preparations = try files.map(prepare)
        let pictures = encodes ? preparations.compactMap(\.picture) : []
        var gaussians = encoder.encode(pictures).makeIterator()
        return preparations.map { preparation in
            switch preparation {
            case .settled(let outcome): return outcome
            case .ready(let record, _):
                guard encodes else { return .encoded(record, nil) }
                guard let gaussian = gaussians.next() else { preconditionFailure("one Gaussian per picture") }
                return settle(record, gaussian)
            }
        }
    }

    private enum Preparation {
        case ready(FileRecord, PreparedPicture)
        case settled(PictureOutcome)

        var picture: PreparedPicture? {
            if case .ready(_, let picture) = self { picture } else { nil }
        }
    }

    /// Reads and decodes one file, unless its content is known.
    private func prepare(_ file: PendingFile) throws -> Preparation {
        let content: FileContent
        do {
            content = try reader.read(RelativePath(bytes: file.file.path))
        } catch {
            return .settled(.unreadable(error.reason, file.file.facts))
        }
        let exif = Exif(file: content.bytes)
        var record = FileRecord(
            size: content.facts.size, modified: content.facts.modified,
            // Time 0 is never that of a file: the next run reads it again.
            changed: content.isFresh ? 0 : content.facts.changed, hash: content.hash,
            picture: PictureRecord(orientation: exif.orientation, taken: exif.taken, takenOffset: exif.takenOffset))
        if content.hash == file.previous?.file?.hash { return .settled(.touched(record)) }
        if let reason = ledger.failure(content.hash) { return .settled(.failed(reason, content.facts)) }
        guard ledger.claim(content.hash) else { return .settled(.known(record)) }
        if try isStored(content.hash) {
            ledger.release([content.hash])
            return .settled(.known(record))
        }
        do {
            let picture = try encoder.prepare(content.bytes)
            record.picture.width = picture.width
            record.picture.height = picture.height
            return .ready(record, picture)
        } catch {
            ledger.fail(content.hash, "\(error)")
            return .settled(.failed("\(error)", content.facts))
        }
    }

    /// Accepts a Gaussian if it is one: damaged weights must not reach the index.
    private func settle(_ record: FileRecord, _ gaussian: Gaussian) -> PictureOutcome {
        guard gaussian.isFinite else {
            ledger.release([record.hash])
            return .failed("the model gives numbers that are not finite", record.facts)
        }
        return .encoded(record, gaussian)
    }
}
