// A file of vectors to the certainty that an index can take all of it: read once before anything is written.
import Encoders
import Storage

/// A file of vectors in which every row was found to be a Gaussian, of the right kind and rightly named.
public struct CheckedVectors: Sendable {
    /// The file.
    public let file: VectorFile
    /// What its rows are.
    public let collection: Collection
    /// Rows that say again what an earlier row says.
    let repeated: Set<Int>
    /// The first row without variance, and the first with.
    let firstPoint: Int?
    let firstSpread: Int?
}

extension VectorFile {
    /// Checks that a model of that encoding made the rows.
    /// - Parameters:
    ///   - encodingID: what the rows must be comparable with.
    ///   - fingerprint: SHA-256 of that model's weights.
    ///   - dimension: D of that model.
    ///   - model: the model that someone says made them; needed where the file does not say.
    /// - Throws: `ImportRefusal` naming both encodings.
    public func check(encodingID: String, fingerprint: String, dimension: Int, model: Model? = nil) throws {
        if let own = self.encodingID {
            for expected in [encodingID, model?.encodingID ?? encodingID] where expected != own {
                throw ImportRefusal(path, .foreignEncoding(got: own, expected: expected))
            }
        } else if let model {
            guard model.encodingID == encodingID else {
                throw ImportRefusal(path, .foreignEncoding(got: model.encodingID, expected: encodingID))
            }
            if let own = modelFingerprint, own != model.fingerprint {
                throw ImportRefusal(path, .foreignFingerprint(got: own, expected: model.fingerprint))
            }
        } else {
            if let own = modelFingerprint, own != fingerprint {
                throw ImportRefusal(path, .foreignFingerprint(got: own, expected: fingerprint))
            }
            throw ImportRefusal(path, .noEncodingID)
        }
        guard self.dimension == dimension || count == 0 else {
            throw refuse(0, .dimension(got: self.dimension, expected: dimension))
        }
    }

    /// Reads every row and checks it; nothing is written.
    /// - Parameters:
    ///   - collection: what the rows are to become.
    ///   - progress: called after some rows, one call at a time.
    /// - Returns: the file, for `Index.importVectors`.
    /// - Throws: `ImportRefusal` for the first row that cannot be taken; `CancellationError`.
    public func checked(
        as collection: Collection, progress: @Sendable (IndexingProgress) -> Void = { _ in }
    ) async throws -> CheckedVectors {
        for row in 0..<count {
            if let kind = names.kind(of: row), kind != collection {
                throw refuse(row, .kind(got: kind.kindName, expected: collection))
            }
            if collection == .images, names[row].isEmpty { throw refuse(row, .emptyName) }
            if collection == .texts, !RowNames.isUTF8(names[row]) { throw refuse(row, .nameNotUTF8) }
        }
        let points = try await checkRows(progress)
        return CheckedVectors(
            file: self, collection: collection, repeated: try checkRepeats(), firstPoint: points.point,
            firstSpread: points.spread)
    }

    /// Checks all rows on all cores; the first row that is wrong is the one that is named.
    private func checkRows(
        _ progress: @Sendable (IndexingProgress) -> Void
    ) async throws -> (point: Int?, spread: Int?) {
        let size = RowChunk.count(dimension: dimension)
        var next = 0
        var done = 0
        var flaw: (row: Int, error: any Error)?
        var first: (point: Int?, spread: Int?) = (nil, nil)
        await withTaskGroup(of: (Range<Int>, Result<RowChunk, any Error>).self) { group in
            func feed() {
                guard next < count, flaw == nil, !Task.isCancelled else { return }
                let range = next..<min(next + size, count)
                group.addTask { (range, Result { try RowChunk(self, range) }) }
                next = range.upperBound
            }
            for _ in 0..<Index.processorCount { feed() }
            while let (range, result) = await group.next() {
                switch result {
                case .success(let chunk):
                    first.point = [first.point, chunk.firstPoint].compactMap { $0 }.min()
                    first.spread = [first.spread, chunk.firstSpread].compactMap { $0 }.min()
                case .failure(let error):
                    if flaw.map({ range.lowerBound < $0.row }) ?? true { flaw = (range.lowerBound, error) }
                }
                feed()
                done += range.count
                progress(IndexingProgress(done: done, total: count))
            }
        }
        if let flaw { throw flaw.error }
        try Task.checkCancellation()
        return first
    }

    /// Rows that repeat an earlier one.
    /// - Throws: `ImportRefusal` for the first that has an earlier one's name and another Gaussian.
    private func checkRepeats() throws -> Set<Int> {
        let repeats = names.repeats()
        for (row, first) in repeats {
            let (one, other) = (try RowChunk(self, first..<(first + 1)), try RowChunk(self, row..<(row + 1)))
            guard one.isEqual(other) else { throw refuse(row, .repeated(row: first + 1)) }
        }
        return Set(repeats.map(\.row))
    }
}

extension RowChunk {
    /// Whether the first rows of both are the same, bit for bit.
    fileprivate func isEqual(_ other: RowChunk) -> Bool {
        [(mean(0), other.mean(0)), (logVariance(0), other.logVariance(0))].allSatisfy { one, other in
            UnsafeRawBufferPointer(one).elementsEqual(UnsafeRawBufferPointer(other))
        }
    }
}
