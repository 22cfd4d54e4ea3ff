// Which items may answer a query: those of a collection that a filter leaves, or the phrases of a lexicon.
import Gaussians
import Retrieval
import Storage

/// An item found, before it has a name.
struct Found {
    /// The item, or the phrase's place in the lexicon.
    enum Origin {
        case item(ItemID)
        case phrase(Int)
    }
    let origin: Origin
    let csd: Double
    let totalVariance: Double
    let squaredNorm: Double
    let collection: Collection
    /// The figure a rule judged it by; nil where it is to be counted from the query.
    var percentile: Double?
}

/// What a scan found for one query.
struct Findings {
    /// Closest first.
    let found: [Found]
    let scanned: Int
    let rungs: SearchRungs
}

/// What a search looks at.
struct SearchScope {
    let snapshot: Snapshot
    let collection: Collection
    let lexicon: Lexicon?
    /// Items before any filter.
    let itemCount: Int
    /// What filters left out.
    private(set) var dropped: [SearchDrop] = []

    var isLexicon: Bool { lexicon != nil }

    /// Restricts a collection to what the options let answer, without some pictures and their copies.
    init(_ options: SearchOptions, without pictures: [[UInt8]], _ snapshot: Snapshot) throws {
        collection = options.collection
        let total = try snapshot.slotCount(collection)
        let usesLexicon =
            collection == .texts
            && (options.lexiconUse == .only || (options.lexiconUse == .auto && total == 0 && options.lexicon != nil))
        guard !usesLexicon else {
            if options.filter != nil { throw QueryError.noFields }
            lexicon = options.lexicon
            itemCount = options.lexicon?.texts.count ?? 0
            self.snapshot = snapshot
            return
        }
        lexicon = nil
        itemCount = total
        let pictures = collection == .images ? pictures : []
        let condition = try options.filter?.condition(on: collection)
        let filtered =
            condition == nil ? total : try snapshot.restricted(collection, to: condition).count
        let (restricted, left) = try snapshot.restricted(
            collection, to: condition, excluding: pictures)
        self.snapshot = restricted
        if filtered < total { dropped.append(SearchDrop(reason: .filter, count: total - filtered)) }
        if left < filtered { dropped.append(SearchDrop(reason: .queryPictures, count: filtered - left)) }
    }

    /// The closest items of each query, and how many were compared, and how.
    ///
    /// Queries are answered together, on all cores: each reading of the codes serves several.
    func nearest(_ queries: [Gaussian], _ limit: Int, accuracy: Double = 1) throws -> [Findings] {
        if let lexicon { return queries.map { nearest($0, limit, lexicon) } }
        return try Searcher.nearest(
            queries: queries, limit, in: collection, snapshot, accuracy: accuracy, threads: Index.processorCount
        ).map { candidates, report in
            let found = candidates.map {
                Found(
                    origin: .item($0.id), csd: $0.csd, totalVariance: $0.totalVariance, squaredNorm: $0.squaredNorm,
                    collection: collection)
            }
            return Findings(
                found: found, scanned: report.scanned,
                rungs: SearchRungs(
                    coarse: report.coarse, means: report.means, residual: report.residual, fine: report.fine,
                    exact: report.reranked))
        }
    }

    private func nearest(_ query: Gaussian, _ limit: Int, _ lexicon: Lexicon) -> Findings {
        let distances = lexicon.gaussians.map { query.csd(to: $0) }
        let order = distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }
        let found = order.prefix(limit).map { index in
            Found(
                origin: .phrase(index), csd: distances[index],
                totalVariance: lexicon.gaussians[index].totalVariance,
                squaredNorm: lexicon.gaussians[index].squaredNorm, collection: .texts)
        }
        return Findings(found: found, scanned: distances.count, rungs: SearchRungs(exact: distances.count))
    }

    /// Each item's place in the order asked for, where the catalogue knows it: by path or capture time.
    ///
    /// Items of one time share a place.
    func places(_ options: SearchOptions) throws -> [ItemID: Int] {
        guard lexicon == nil, options.order == .path || options.order == .taken else { return [:] }
        var places: [ItemID: Int] = [:]
        var last: [UInt8]?
        var place = -1
        try Catalogue.list(
            collection, where: options.filter?.condition(on: collection), by: options.order == .path ? .name : .taken,
            isReversed: options.isReversed, limit: nil, offset: 0, snapshot.database
        ) { item in
            let key = options.order == .path ? item.name : Array((item.file?.picture.taken ?? "").utf8)
            if key != last { place += 1 }
            last = key
            places[item.id] = place
        }
        return places
    }

    /// The distances from the query to a fixed sample of the collection, where closeness is judged by them: where no match
    /// probability is defined, or the model does not say which is convincing.
    func strangers(for query: Query, _ model: Model) throws -> NullDistribution? {
        guard !query.kind.matches(collection) || model.unconvincingBelow == nil else { return nil }
        // A percentile is shown; where there is a probability, only the tail of the distances is asked.
        let limit = query.kind.matches(collection) ? NullSample.tailLimit : NullSample.defaultLimit
        // Whoever asks, and copies of its pictures, are no strangers to themselves.
        let asking = ([query.gaussian] + query.terms).map { ($0.mean, $0.totalVariance) }
        let own = query.gaussian.totalVariance
        func distance(_ mean: UnsafeBufferPointer<Float>, _ totalVariance: Double) -> Double? {
            guard !asking.contains(where: { Gaussian.areSame($1, totalVariance) && $0.elementsEqual(mean) }) else {
                return nil
            }
            return query.gaussian.squaredDistance(toMean: mean) + (own + totalVariance)
        }
        let distances: [Double?]
        if let lexicon {
            let step = max(1, lexicon.gaussians.count / limit)
            distances = stride(from: 0, to: lexicon.gaussians.count, by: step).map { phrase in
                let gaussian = lexicon.gaussians[phrase]
                return gaussian.mean.withUnsafeBufferPointer { distance($0, gaussian.totalVariance) }
            }
        } else {
            distances = try snapshot.sampleMeans(collection, limit: limit, distance)
        }
        let known = distances.compactMap { $0 }
        return known.isEmpty ? nil : NullDistribution(known)
    }

    /// Gives a result its name and what else the catalogue knows, and explains it to a query.
    func name(_ result: inout SearchResult, explaining query: Gaussian?) throws {
        let gaussian: Gaussian?
        if let lexicon, let phrase = result.phrase {
            result.bytes = Array(lexicon.texts[phrase].utf8)
            gaussian = query == nil ? nil : lexicon.gaussians[phrase]
        } else if let item = try result.item.flatMap({ try snapshot.item($0) }) {
            result.bytes = item.name
            result.taken = item.file?.picture.taken
            gaussian = query == nil ? nil : try snapshot.gaussian(collection, at: item.placement)
        } else {
            preconditionFailure("an item of the snapshot has a row in its catalogue")
        }
        if let query, let gaussian { result.explanation?.complete(query, gaussian) }
    }
}

/// From a distance to a probability or percentile, and to whether it convinces.
struct MatchJudge {
    private let model: Model
    private let strangers: NullDistribution?
    private let hasProbability: Bool
    private let squaredNorm: Double
    private let totalVariance: Double
    private let collection: Collection

    init(_ query: Query, _ collection: Collection, _ model: Model, _ strangers: NullDistribution?) {
        self.model = model
        self.strangers = strangers
        self.collection = collection
        hasProbability = query.kind.matches(collection)
        squaredNorm = query.gaussian.squaredNorm
        totalVariance = query.gaussian.totalVariance
    }

    /// A result without a name.
    func result(_ found: Found, rank: Int) -> SearchResult {
        let scale = model.matchScale
        let logit = scale.logit(csd: found.csd, squaredNorms: squaredNorm + found.squaredNorm)
        let variance = totalVariance + found.totalVariance
        return SearchResult(
            rank: rank, origin: found.origin, collection: collection, csd: found.csd,
            matchProbability: hasProbability ? scale.probability(logit: logit) : nil,
            percentile: hasProbability ? nil : found.percentile ?? strangers?.percentile(of: found.csd),
            totalVariance: found.totalVariance,
            explanation: MatchExplanation(
                meanPart: found.csd - variance, variancePart: variance, logit: hasProbability ? logit : nil))
    }

    /// Whether the closest result convinces: its probability reaches what the model's calibration asks, or, without one, it
    /// is closer than one in a hundred strangers would be; nil where nothing can be said.
    func isConvincing(_ best: SearchResult?) -> Bool? {
        guard let best else { return nil }
        if let probability = best.matchProbability, let least = model.unconvincingBelow { return probability >= least }
        return strangers.flatMap { strangers in strangers.lowerTail(0.01).map { best.csd < $0 } }
    }
}
