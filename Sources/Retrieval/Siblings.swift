// A text to what is above it in the fixed sample, and a candidate to whether it stands beside the text under one of those.
import Gaussians
import Storage

/// A text of the sample that is above X by every other step of the rule.
package struct Roof: Sendable {
    /// Its place in the sample.
    package let stranger: Int
    /// Its closed-form sampled distance to X.
    package let csd: Double
}

extension Generality {
    /// The texts of the sample above X, the closest first; none for pictures, and where the rule does not ask.
    /// - Parameters:
    ///   - x: a text.
    ///   - null: its distances to the sample, in the sample's order.
    ///   - among: the texts of the sample that include a candidate, where it is known: then only the closest roof counts.
    /// - Returns: those that are related to X, are no hubs, and include it.
    /// - Complexity: O(sample), and O(D) for each that is related.
    package func roofs(over x: PreparedItem, _ null: NullDistribution, among: [Int]? = nil) -> [Roof] {
        guard x.kind == .texts, rule.siblingsFrom != nil, among?.isEmpty != true else { return [] }
        let nearest = (among ?? Array(null.distances.indices)).sorted {
            (null.distances[$0], $0) < (null.distances[$1], $1)
        }
        func isRoof(_ stranger: Int) -> Bool {
            if let crowding, let bound = rule.neighboursBelow, crowding.shares[stranger] >= bound { return false }
            return includes(x.gaussian, in: sample.strangers[stranger])
        }
        func roof(_ stranger: Int) -> Roof { Roof(stranger: stranger, csd: null.distances[stranger]) }
        if among != nil {  // asked for each item of a collection: no time to select the nearest of all
            let near = nearest.lazy.prefix { stranger in
                rule.relatedBelow.map { null.isNear(null.distances[stranger], within: $0) } ?? true
            }
            return near.first(where: isRoof).map { [roof($0)] } ?? []
        }
        let isNear = rule.relatedBelow.map { null.threshold(below: $0) } ?? .infinity
        return nearest.prefix { null.distances[$0] <= isNear }.filter(isRoof).map(roof)
    }

    /// The texts of the sample that include X, ascending; none for pictures, and where the rule does not ask.
    /// - Complexity: O(sample * D).
    func strangersIncluding(_ x: PreparedItem) -> [Int] {
        guard x.kind == .texts, rule.siblingsFrom != nil else { return [] }
        return sample.strangers.indices.filter { includes(x.gaussian, in: sample.strangers[$0]) }
    }

    /// How much farther from X a candidate is than the closest text above X that includes the candidate too.
    ///
    /// "green boat" is near "a red boat" and by chance a little vaguer; but "boat" is above both, and clearly closer to the
    /// one: they are siblings. What lies between X and "boat" is closer to X than "boat" is.
    /// - Parameters:
    ///   - b: the candidate.
    ///   - csd: its distance to X.
    ///   - roofs: what is above X.
    /// - Returns: the ratio of the distances; nil where no text above X includes the candidate.
    func siblingRatio(of b: PreparedItem, _ csd: Double, under roofs: [Roof]) -> Double? {
        guard b.kind == .texts else { return nil }
        return roofs.first { includes(b.gaussian, in: sample.strangers[$0.stranger]) }.map { csd / $0.csd }
    }

    /// Step 2 between two texts.
    private func includes(_ inner: PreparedGaussian, in outer: PreparedGaussian) -> Bool {
        if let ratio = rule.varianceRatio, !(outer.totalVariance > ratio * inner.totalVariance) { return false }
        return rule.inclusionMargin.map { inner.inclusion(in: outer) > $0 } ?? true
    }
}
