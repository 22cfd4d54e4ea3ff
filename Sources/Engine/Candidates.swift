// A scope of a search to its items as a rule of generality takes them, a part at a time.
import Gaussians
import Retrieval
import Storage

/// An item that may be more general or more specific than another.
struct Candidate {
    let origin: Found.Origin
    let collection: Collection
    let item: PreparedItem
    let gaussian: Gaussian

    init(_ origin: Found.Origin, _ collection: Collection, _ gaussian: Gaussian) throws(PointError) {
        self.origin = origin
        self.collection = collection
        self.gaussian = gaussian
        item = try PreparedItem(gaussian, collection)
    }

    /// The candidate as an answer.
    func found(_ csd: Double, percentile: Double? = nil) -> Found {
        Found(
            origin: origin, csd: csd, totalVariance: item.gaussian.totalVariance,
            squaredNorm: item.gaussian.squaredNorm,
            collection: collection, percentile: percentile)
    }
}

extension SearchScope {
    /// Hands over all items that may answer, a few hundred at a time, in order.
    func forEachPart(_ body: ([Candidate]) throws -> Void) throws {
        if let lexicon {
            return try body(
                try lexicon.gaussians.enumerated().map { try Candidate(.phrase($0), .texts, $1) })
        }
        for block in try snapshot.blocks(of: collection) {
            let view = try snapshot.view(block, of: collection)
            let slots = (0..<block.count).filter { block.live[$0] }
            try body(
                slots.map { slot in
                    let gaussian = try snapshot.gaussian(
                        collection, at: Placement(block: block.number, slot: slot))
                    return try Candidate(.item(ItemID(rawValue: Int64(view.ids[slot]))), collection, gaussian)
                })
        }
    }

    /// All items that may answer, or, of very many, those closest to a Gaussian.
    func candidates(near query: Gaussian, limit: Int) throws -> [Candidate] {
        var candidates: [Candidate] = []
        guard lexicon == nil, itemCount > limit else {
            try forEachPart { candidates += $0 }
            return candidates
        }
        for found in try nearest([query], limit)[0].found {
            guard case .item(let id) = found.origin, let item = try snapshot.item(id) else { continue }
            let gaussian = try snapshot.gaussian(collection, at: item.placement)
            candidates.append(try Candidate(found.origin, collection, gaussian))
        }
        return candidates
    }
}
