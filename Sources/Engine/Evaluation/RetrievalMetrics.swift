// Distances from each query to all candidates, and which are right, to retrieval figures.

/// How well queries find what belongs to them.
public struct RetrievalFigures: Sendable, Equatable {
    /// Queries that have something right to find.
    public let queries: Int
    /// What they were compared with.
    public let candidates: Int
    /// Share of queries with something right among the first 1, 0 to 1.
    public let recallAt1: Double
    /// Share of queries with something right among the first 5.
    public let recallAt5: Double
    /// Share of queries with something right among the first 10.
    public let recallAt10: Double
    /// Over the queries, the median of the best right candidate's rank; the mean of the two in the middle for an even count.
    public let medianRank: Double
    /// R-Precision: the share of right ones among the first R, where R is how many are right; averaged over the queries.
    public let rPrecision: Double
    /// mAP@R: 1/R times the sum, over the right candidates ranked within R, of the precision at their rank; averaged.
    public let meanAveragePrecisionAtR: Double
}

/// What one query found.
///
/// Equal distances share ranks: of n candidates at one distance behind m closer ones, r of them right, the k-th right one
/// has rank m + k (n + 1) / (r + 1), its mean over all orders. A single right one has the mean rank of its ties, and a
/// model that cannot tell candidates apart gains nothing by the order they happen to stand in.
package struct QueryRanks: Sendable {
    /// The ranks of the right candidates, from 1, ascending.
    package let right: [Double]

    /// Ranks the right candidates.
    /// - Parameters:
    ///   - distances: to all candidates; lower is closer.
    ///   - right: which candidates are right.
    /// - Complexity: O(n log n).
    package init(distances: [Double], right: Set<Int>) {
        let sorted = distances.sorted()
        let groups = Dictionary(grouping: right) { distances[$0] }.mapValues(\.count)
        self.right = groups.flatMap { distance, rightOnes in
            let closer = sorted.partitioningIndex { $0 >= distance }
            let ties = sorted.partitioningIndex { $0 > distance } - closer
            return (1...rightOnes).map { Double(closer) + Double($0 * (ties + 1)) / Double(rightOnes + 1) }
        }.sorted()
    }

    /// Whether something right is among the first `count`.
    package func isFound(within count: Int) -> Bool { right.first.map { $0 <= Double(count) } ?? false }

    /// The share of right ones among the first R.
    package var rPrecision: Double { Double(right.count { $0 <= Double(right.count) }) / Double(right.count) }

    /// The sum, over the right ones within R, of the precision at their rank, over R.
    package var averagePrecisionAtR: Double {
        right.enumerated().reduce(0) { sum, entry in
            entry.element <= Double(right.count) ? sum + Double(entry.offset + 1) / entry.element : sum
        } / Double(right.count)
    }
}

extension RetrievalFigures {
    /// Averages over queries.
    /// - Parameters:
    ///   - ranks: one per query; each with something right.
    ///   - candidates: what they were compared with.
    package init(_ ranks: [QueryRanks], candidates: Int) {
        func mean(_ figure: (QueryRanks) -> Double) -> Double {
            ranks.isEmpty ? 0 : ranks.reduce(0) { $0 + figure($1) } / Double(ranks.count)
        }
        let best = ranks.compactMap(\.right.first).sorted()
        queries = ranks.count
        self.candidates = candidates
        recallAt1 = mean { $0.isFound(within: 1) ? 1 : 0 }
        recallAt5 = mean { $0.isFound(within: 5) ? 1 : 0 }
        recallAt10 = mean { $0.isFound(within: 10) ? 1 : 0 }
        medianRank = best.isEmpty ? 0 : (best[(best.count - 1) / 2] + best[best.count / 2]) / 2
        rPrecision = mean(\.rPrecision)
        meanAveragePrecisionAtR = mean(\.averagePrecisionAtR)
    }
}

extension Array {
    /// The first index whose element satisfies a predicate that is false before it and true from there on.
    fileprivate func partitioningIndex(where isBeyond: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
