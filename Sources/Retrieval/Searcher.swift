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
}

/// What a scan did.
package struct ScanReport: Sendable, Equatable {
    /// Live items whose approximate distance was computed.
    package var scanned = 0
    /// Items whose exact distance was computed.
    package var reranked = 0
}

/// Exact search by CSD over all live items of a collection.
///
/// Two stages with a proven margin between them: single-precision dot products with every item, whose rounding error is
/// bounded (CKernels.h), then the exact Float64 distance for every item that the bound cannot exclude. The answer is that
/// of a full Float64 scan, to the bit, whatever instruction set made the dot products.
package struct Searcher {
    /// The query.
    package let query: Gaussian
    /// The instruction set of the first stage.
    package let kernels: Kernels

    /// Prepares a query.
    package init(query: Gaussian, kernels: Kernels = .best) {
        self.query = query
        self.kernels = kernels
    }

    /// The closest items, closest first; ties by item id, so the first five of fifteen are the first five of five.
    /// - Parameters:
    ///   - limit: the most items to return, at least 0.
    ///   - collection: which items.
    ///   - snapshot: the generation to search.
    /// - Returns: the items, and what the scan did.
    /// - Complexity: reads the means of all live items once; O(N * D).
    /// - Throws: `StorageError` for a damaged index; `DimensionError` when the query is of another dimension.
    package func nearest(
        _ limit: Int, in collection: Collection, _ snapshot: Snapshot
    ) throws -> (candidates: [Candidate], report: ScanReport) {
        guard query.dimension == snapshot.state.dimension else {
            throw DimensionError(got: query.dimension, expected: snapshot.state.dimension)
        }
        var report = ScanReport()
        let blocks = try snapshot.blocks(of: collection)
        let limit = min(limit, blocks.reduce(0) { $0 + $1.live.count })
        guard limit > 0 else { return ([], report) }
        let survivors = try scan(blocks, limit, in: collection, snapshot, &report)
        return (try rerank(survivors, limit, in: collection, snapshot, &report), report)
    }

    /// Where a surviving item lies and the interval its exact key is in: key = CSD less the query's own part.
    private struct Survivor {
        let block: LiveBlock
        let slot: Int
        let lowerBound: Double
        let upperBound: Double
    }

    /// Stage one: all items whose lower bound does not exceed the `limit`-th smallest upper bound.
    private func scan(
        _ blocks: [LiveBlock], _ limit: Int, in collection: Collection, _ snapshot: Snapshot, _ report: inout ScanReport
    ) throws -> [Survivor] {
        let queryNorm = query.squaredNorm.squareRoot()
        let dimension = query.dimension
        let relativeError = Double(dimension + 4) * 0x1p-24 * queryNorm
        var best = BoundedHeap(capacity: limit)
        var survivors: [Survivor] = []
        var products = [Float](repeating: 0, count: GaussianCodec.slotsPerBlock)
        for live in blocks {
            let block = try snapshot.view(live, of: collection)
            kernels.table.pointee.dot_rows_f32(query.mean, block.means, block.count, dimension, &products)
            for slot in 0..<block.count where block.live[slot] {
                let squaredNorm = block.scalars[2 * slot]
                let key = squaredNorm + block.scalars[2 * slot + 1] - 2 * Double(products[slot])
                let error = 2 * relativeError * squaredNorm.squareRoot() + 0x1p-40 * (abs(key) + 1)
                report.scanned += 1
                guard key - error <= best.threshold else { continue }
                best.insert(key + error)
                survivors.append(
                    Survivor(block: live, slot: slot, lowerBound: key - error, upperBound: key + error))
            }
            if survivors.count > 4 * limit + 4_096 { survivors.removeAll { $0.lowerBound > best.threshold } }
        }
        return survivors.filter { $0.lowerBound <= best.threshold }
    }

    /// Stage two: exact distances, sorted.
    private func rerank(
        _ survivors: [Survivor], _ limit: Int, in collection: Collection, _ snapshot: Snapshot,
        _ report: inout ScanReport
    ) throws -> [Candidate] {
        let queryVariance = query.totalVariance
        var candidates: [Candidate] = []
        var next = 0
        while next < survivors.count {
            let block = try snapshot.view(survivors[next].block, of: collection)
            while next < survivors.count, survivors[next].block.number == block.number {
                let slot = survivors[next].slot
                let mean = block.means + slot * query.dimension
                let distance = pk_squared_distance_f64(query.mean, mean, query.dimension)
                let totalVariance = block.scalars[2 * slot + 1]
                candidates.append(
                    Candidate(
                        id: ItemID(rawValue: Int64(block.ids[slot])), csd: distance + (queryVariance + totalVariance),
                        totalVariance: totalVariance, squaredNorm: block.scalars[2 * slot]))
                next += 1
            }
        }
        report.reranked = candidates.count
        candidates.sort { ($0.csd, $0.id) < ($1.csd, $1.id) }
        return Array(candidates.prefix(limit))
    }
}

/// A query whose dimension is not the index's.
package struct DimensionError: Error, CustomStringConvertible, Equatable {
    package let got: Int
    package let expected: Int
    package var description: String { "the query has \(got) dimensions, the index \(expected)" }
}
