// A query Gaussian to a ranked list: every live item is scanned where it lies, then the closest are ranked exactly.
import CKernels
import Gaussians
import Storage

/// An item that answers a query.
package struct Candidate: Sendable, Equatable {
    /// Which item.
    package let id: ItemID
    /// The closed-form sampled distance to the query, Float64; lower is closer.
    package let csd: Double
    /// The item's total variance.
    package let totalVariance: Double
    /// The squared length of the item's mean.
    package let squaredNorm: Double

    package init(id: ItemID, csd: Double, totalVariance: Double, squaredNorm: Double) {
        self.id = id
        self.csd = csd
        self.totalVariance = totalVariance
        self.squaredNorm = squaredNorm
    }
}

/// What a search did: how many items each rung touched.
package struct ScanReport: Sendable, Equatable {
    /// Items that were searched.
    package var scanned = 0
    /// Items bounded from coarse codes.
    package var coarse = 0
    /// Items bounded from their Float32 means, for want of codes.
    package var means = 0
    /// Items bounded again from residual codes.
    package var residual = 0
    /// Items bounded from fine codes: all that have them, where many queries are answered together.
    package var fine = 0
    /// Items whose exact distance was computed.
    package var reranked = 0

    /// Nothing yet.
    package init() {}
}

/// Exact search by CSD over the live items of a collection.
///
/// A ladder of codes with proven error bounds (`CodeLadder`), then the exact Float64 distance for every item that the bounds
/// cannot exclude. The answer is that of a full Float64 scan, to the bit, whatever instruction set scans and whether or not
/// there are codes.
package struct Searcher {
    /// The query.
    package let query: Gaussian
    /// The instruction set that scans.
    package let kernels: Kernels
    /// The least probability with which each of the true neighbours is found; 1, exact, unless asked for less.
    package let accuracy: Double
    /// Whether codes are used where there are any; no choice changes an answer.
    package let usesCodes: Bool

    /// Prepares a query.
    /// - Parameters:
    ///   - query: where to look.
    ///   - kernels: the instruction set that scans; no choice changes an answer.
    ///   - accuracy: 1 for exact search; less, for example 0.999, takes the errors of coarse codes as random.
    ///   - usesCodes: false to scan the means of all items, as a reference.
    package init(query: Gaussian, kernels: Kernels = .best, accuracy: Double = 1, usesCodes: Bool = true) {
        self.query = query
        self.kernels = kernels
        self.accuracy = accuracy
        self.usesCodes = usesCodes
    }

    /// The closest items, closest first; ties by item id, so the first five of fifteen are the first five of five.
    /// - Parameters:
    ///   - limit: the most items to return, at least 0.
    ///   - collection: which items.
    ///   - snapshot: the generation to search.
    ///   - slots: what a filter leaves; nil for everything.
    /// - Returns: the items, and what the search did.
    /// - Complexity: reads about D/2 bytes of every item once, and of a few the means.
    /// - Throws: `StorageError` for a damaged index; `DimensionError` when the query is of another dimension.
    package func nearest(
        _ limit: Int, in collection: Collection, _ snapshot: Snapshot, among slots: SlotSet? = nil
    ) throws -> (candidates: [Candidate], report: ScanReport) {
        guard query.dimension == snapshot.state.dimension else {
            throw DimensionError(got: query.dimension, expected: snapshot.state.dimension)
        }
        let table = try BlockTable(collection, snapshot, among: slots, usesCodes: usesCodes)
        let limit = min(limit, table.itemCount)
        guard limit > 0 else { return ([], ScanReport()) }
        let coded = CodedQuery.prepare([query], table.parameters, accuracy: accuracy, kernels)
        let rows = StoredRowPointers(table, dimension: query.dimension)
        var ladders = coded.map { CodeLadder(table, rows, $0, limit: limit, kernels: kernels) }
        try CodeLadder.scan(&ladders, table)
        return (try CodeLadder.climb(&ladders, table)[0], ladders[0].report)
    }
}

/// A query whose dimension is not the index's.
package struct DimensionError: Error, CustomStringConvertible, Equatable {
    package let got: Int
    package let expected: Int
    package var description: String { "the query has \(got) dimensions, the index \(expected)" }
}
