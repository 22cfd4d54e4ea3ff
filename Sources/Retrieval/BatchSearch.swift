// Many queries to many answers: each block is read once for several queries, on several threads.
import CKernels
import Gaussians
import Storage

extension Searcher {
    /// Queries that share each reading of a block: as many as fine codes serve, or what keeps the bounds of all items of a
    /// thread below 64 MiB.
    private static func tile(_ table: BlockTable) -> Int {
        min(
            max((16 << 20) / max(GaussianCodec.slotsPerBlock * table.blocks.count, 1), Int(PK_QUERIES)),
            Int(PK_TOGETHER))
    }

    /// The closest items of each of many queries: the same answers as one by one.
    /// - Parameters:
    ///   - queries: all of the index's dimension.
    ///   - limit: the most items to return for each, at least 0.
    ///   - collection: which items.
    ///   - snapshot: the generation to search.
    ///   - slots: what a filter leaves; nil for everything.
    ///   - kernels: the instruction set that scans.
    ///   - accuracy: as of `init`.
    ///   - threads: how many to use, at least 1.
    /// - Returns: the items and what the search did, one entry a query, in order.
    /// - Throws: `StorageError` for a damaged index; `DimensionError` for the first query of another dimension.
    package static func nearest(
        queries: [Gaussian], _ limit: Int, in collection: Collection, _ snapshot: Snapshot,
        among slots: SlotSet? = nil, kernels: Kernels = .best, accuracy: Double = 1, threads: Int
    ) throws -> [(candidates: [Candidate], report: ScanReport)] {
        for query in queries where query.dimension != snapshot.state.dimension {
            throw DimensionError(got: query.dimension, expected: snapshot.state.dimension)
        }
        let table = try BlockTable(collection, snapshot, among: slots)
        let limit = min(limit, table.itemCount)
        guard limit > 0 else { return queries.map { _ in ([], ScanReport()) } }
        let tile = tile(table)
        // As even shares as the tile allows: 9 queries on two threads are 5 and 4, not 8 and 1.
        let tiles = max((queries.count + tile - 1) / tile, min(threads, queries.count))
        return try SharedWork.map(tiles, threads: threads) { number in
            let range = (number * queries.count / tiles)..<((number + 1) * queries.count / tiles)
            return try answer(queries[range], table, limit: limit, kernels: kernels, accuracy: accuracy)
        }.flatMap { $0 }
    }

    /// One thread's work: a tile of queries, block by block.
    private static func answer(
        _ queries: ArraySlice<Gaussian>, _ table: BlockTable, limit: Int, kernels: Kernels, accuracy: Double
    ) throws -> [(candidates: [Candidate], report: ScanReport)] {
        let rows = StoredRowPointers(table, dimension: queries.first?.dimension ?? 0)
        var ladders = CodedQuery.prepare(queries, table.parameters, accuracy: accuracy, kernels).map {
            CodeLadder(table, rows, $0, limit: limit, kernels: kernels)
        }
        try CodeLadder.scan(&ladders, table)
        let candidates = try CodeLadder.climb(&ladders, table)
        return zip(candidates, ladders).map { ($0, $1.report) }
    }
}
