// Queries and all items to the answers by definition: a full scan in Float64, which uses no code and no fast kernel.
import CKernels
import Gaussians
import Retrieval
import Storage

/// The closest items by definition.
struct Truth {
    /// An item and its closed-form sampled distance.
    struct Answer {
        let csd: Double
        let id: ItemID
    }

    /// By query, closest first, ties by id.
    let answers: [[Answer]]

    /// One pass over the items for all queries.
    init(_ queries: ArraySlice<Gaussian>, limit: Int, _ snapshot: Snapshot, among slots: SlotSet?) throws {
        var kept = queries.map { _ in [Answer]() }
        var worst = queries.map { _ in Double.infinity }
        let queries = queries.map { ($0.mean, $0.totalVariance) }
        func shorten(_ number: Int) {
            kept[number].sort { ($0.csd, $0.id) < ($1.csd, $1.id) }
            kept[number].removeLast(max(kept[number].count - limit, 0))
            if kept[number].count == limit { worst[number] = kept[number][limit - 1].csd }
        }
        try snapshot.forEachBlock(in: .images) { block in
            for (number, (mean, variance)) in queries.enumerated() {
                for slot in 0..<block.count where block.live[slot] && slots?[block.number][slot] ?? true {
                    let distance = pk_squared_distance_f64(mean, block.means + slot * mean.count, mean.count)
                    let csd = distance + (variance + block.scalars[2 * slot + 1])
                    if csd <= worst[number] {
                        kept[number].append(Answer(csd: csd, id: ItemID(rawValue: Int64(block.ids[slot]))))
                    }
                }
                if kept[number].count > 4 * limit { shorten(number) }
            }
        }
        for number in kept.indices { shorten(number) }
        answers = kept
    }

    /// Whether an answer of `limit` items is the truth, to the bit.
    func agrees(_ candidates: [Candidate], _ number: Int, _ limit: Int) -> Bool {
        let truth = answers[number].prefix(limit)
        return candidates.map(\.csd) == truth.map(\.csd) && candidates.map(\.id) == truth.map(\.id)
    }
}
