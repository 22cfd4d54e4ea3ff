// A scope and a question about generality to its answers: what the sieve leaves is judged, on all cores.
import Gaussians
import Retrieval
import Storage

/// An answer on its way: what was found, and what the rule orders by.
struct Generalization: Sendable {
    let found: Found
    let match: GeneralityMatch
}

extension SearchScope {
    /// All answers to a question, in the order of the items.
    /// - Parameters:
    ///   - question: judges one item.
    ///   - sieve: tells which items need not be judged.
    /// - Returns: the answers.
    /// - Throws: `StorageError` for a damaged index; `PointError` where an item that may answer is a point.
    func answers(_ question: GeneralityQuestion, _ sieve: GeneralitySieve) throws -> [Generalization] {
        let threads = Index.processorCount
        if let lexicon {
            return try Self.answers(question, lexicon.gaussians.count, threads) { index in
                try Candidate(.phrase(index), .texts, lexicon.gaussians[index])
            }
        }
        let blocks = try snapshot.inclusionBlocks(of: collection)
        let slots = sieve.slots(in: blocks, of: collection, threads: threads)
        let places = zip(blocks, slots).flatMap { block, slots in slots.map { (block: block, slot: Int($0)) } }
        let kind = collection
        return try Self.answers(question, places.count, threads) { index in
            let (block, slot) = places[index]
            return try Candidate(.item(ItemID(rawValue: Int64(block.view.ids[slot]))), kind, block.gaussian(slot))
        }
    }

    /// Judges candidates by number, some at a time on each thread, and keeps their order.
    private static func answers(
        _ question: GeneralityQuestion, _ count: Int, _ threads: Int,
        _ candidate: @Sendable (Int) throws -> Candidate
    ) throws -> [Generalization] {
        let size = 64
        return try SharedWork.map((count + size - 1) / size, threads: threads) { part in
            try (part * size..<min((part + 1) * size, count)).compactMap { index -> Generalization? in
                let candidate = try candidate(index)
                return question.answer(candidate.item, index: index).map {
                    Generalization(found: candidate.found($0.csd, percentile: $0.percentile), match: $0)
                }
            }
        }.flatMap { $0 }
    }
}
