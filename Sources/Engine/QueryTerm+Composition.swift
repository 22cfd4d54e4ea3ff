// The terms of a query to one Gaussian.
import Corpus
import Encoders
import Gaussians
import Glibc
import Storage

/// What a query was made of.
public enum QueryKind: String, Sendable {
    case text, picture, mixed

    /// Whether it is of the one kind that items of a collection are not: only then is there a match probability.
    func matches(_ collection: Collection) -> Bool {
        switch self {
        case .text: collection == .images
        case .picture: collection == .texts
        case .mixed: false
        }
    }
}

/// A query, ready to be searched for.
public struct Query: Sendable {
    /// Where to look.
    public let gaussian: Gaussian
    /// What it was made of.
    public let kind: QueryKind
    /// What the asker should know: a text cut to the model's context, characters the model does not know.
    public let warnings: [String]
    /// The contents of the pictures it names: no answer is one of them.
    let pictures: [[UInt8]]
    /// The Gaussians of its terms; none where it was given as a whole.
    let terms: [Gaussian]

    /// A query that is a Gaussian of the index's own model.
    public init(_ gaussian: Gaussian, kind: QueryKind) {
        self.init(gaussian, kind: kind, warnings: [], pictures: [], terms: [])
    }

    init(_ gaussian: Gaussian, kind: QueryKind, warnings: [String], pictures: [[UInt8]], terms: [Gaussian] = []) {
        self.gaussian = gaussian
        self.kind = kind
        self.warnings = warnings
        self.pictures = pictures
        self.terms = terms
    }
}

extension Gaussian {
    /// Weighted terms as one Gaussian, in Float64.
    ///
    /// The mean is the normalised weighted sum of the means, the variances are the sum of weight squared times variance
    /// over the squared length of that sum; a single term of positive weight stays as it is, to the bit.
    /// - Parameter terms: at least one, all of the same dimension.
    /// - Returns: the composed Gaussian, its mean of length 1.
    /// - Throws: `QueryError.cancelled` when the sum is shorter than 1e-3.
    public static func composed(
        of terms: [(gaussian: Gaussian, weight: Double)]
    ) throws(QueryError) -> Gaussian {
        guard let first = terms.first else { throw .empty }
        if terms.count == 1, first.weight > 0 { return first.gaussian }
        var sum = [Double](repeating: 0, count: first.gaussian.dimension)
        var variance = sum
        for (gaussian, weight) in terms {
            precondition(gaussian.dimension == sum.count, "terms of one dimension")
            for i in sum.indices {
                sum[i] += weight * Double(gaussian.mean[i])
                variance[i] += weight * weight * exp(Double(gaussian.logVariance[i]))
            }
        }
        let squaredNorm = sum.reduce(0) { $0 + $1 * $1 }
        guard squaredNorm.isFinite else { throw .badTerm("the weights", "too large") }
        guard squaredNorm.squareRoot() >= 1e-3 else { throw .cancelled }
        return Gaussian(
            mean: sum.map { Float($0 / squaredNorm.squareRoot()) },
            logVariance: variance.map { Float(log($0 / squaredNorm)) })
    }
}

extension Index {
    /// Encodes the terms of a query and composes them.
    /// - Parameter terms: at least one.
    /// - Returns: the query.
    /// - Throws: `QueryError`; an error when the model lacks what a term needs.
    public func query(_ terms: [QueryTerm]) throws -> Query {
        var parts: [(gaussian: Gaussian, weight: Double)] = []
        var kinds: Set<Collection> = []
        var warnings: [String] = []
        var pictures: [[UInt8]] = []
        for term in terms {
            let gaussian: Gaussian
            switch term.content {
            case .text(let text):
                gaussian = try encode(text, &warnings)
                kinds.insert(.texts)
            case .picture(let path):
                let (picture, hash) = try encode(pictureAt: path)
                gaussian = picture
                pictures.append(hash)
                kinds.insert(.images)
            case .vector(let path, let row):
                let rows = try VectorRows(path: path, for: self)
                gaussian = try rows.gaussian(row)
                kinds.insert(rows.kind(row))
            }
            parts.append((gaussian, term.weight))
        }
        let kind: QueryKind = kinds.count == 2 ? .mixed : kinds.contains(.images) ? .picture : .text
        return Query(
            try .composed(of: parts), kind: kind, warnings: warnings, pictures: pictures, terms: parts.map(\.gaussian))
    }

    private func encode(_ text: String, _ warnings: inout [String]) throws -> Gaussian {
        let encoded = try queryCache.encode(text, model())
        guard !encoded.isEmpty else { throw QueryError.empty }
        warnings += encoded.warnings()
        return encoded.gaussian
    }

    /// A picture's Gaussian and the hash of its content; content that is indexed is not encoded again.
    private func encode(pictureAt path: [UInt8]) throws -> (Gaussian, hash: [UInt8]) {
        let name = String(decoding: path, as: UTF8.self)
        let content: FileContent
        do {
            content = try FileReader(root: ".").read(RelativePath(bytes: path))
        } catch {
            throw QueryError.unreadable(name, "\(error)")
        }
        let stored = try store.read { snapshot in
            try Catalogue.item(hash: content.hash, .images, snapshot.database).map {
                try snapshot.gaussian(.images, at: $0.placement)
            }
        }
        if let stored { return (stored, content.hash) }
        let encoder = try model().imageEncoder()
        let picture: PreparedPicture
        do {
            picture = try encoder.prepare(content.bytes)
        } catch {
            throw QueryError.unreadable(name, "\(error)")
        }
        let gaussian = encoder.encode([picture], threads: Index.processorCount)[0]
        guard gaussian.isFinite else {
            throw QueryError.unreadable(name, "the model gives numbers that are not finite")
        }
        return (gaussian, content.hash)
    }
}

extension EncodedText {
    /// What was lost on the way: "longer than the model's context; its end was not looked at".
    var losses: [String] { [end, characters].compactMap { $0 } }

    /// The same in sentences; `name` tells which of many queries it is.
    func warnings(of name: String? = nil) -> [String] {
        if let name { return losses.map { "\(name): \($0)" } }
        return [end.map { "the query is \($0)" }, characters].compactMap { $0 }
    }

    private var end: String? { isTruncated ? "longer than the model's context; its end was not looked at" : nil }

    private var characters: String? {
        unknownCharacters.isEmpty ? nil : "the model does not know: \(unknownCharacters.joined(separator: " "))"
    }
}
