// One item to its ladder: from it up to a root, each rung including the one before.
import CKernels
import Gaussians
import Storage

/// How a ladder is climbed.
package enum LadderWalk: String, Sendable, Codable, CaseIterable {
    /// From each rung to its closest generalisation.
    case greedy
    /// ProLIP's and HierarCaps' walk: the nearest text at each step from the item to its root.
    case interpolation
}

extension Generality {
    /// Texts whose means are nearer to each other than this share of the mean stranger's distance are wordings of one phrase.
    static let repeatShare = 0.02
    /// A rung of a picture's ladder must be nearer to the picture than this share of strangers leaves.
    ///
    /// Measured on the gallery: with 0.1 precision is higher and recall as high as without; 0.05 loses what is vague and true.
    static let pictureRungsWithin = 0.1
    /// A picture's first rung is as probable as the most probable text, or this much of it.
    ///
    /// The closest text of a picture is often its vaguest true one, and a ladder that starts there ends there: over the
    /// lexicon, most had one rung. Measured on the gallery with its captions as rungs (precision, recall): 1 gives 0.731,
    /// 0.558; 0.8 0.737, 0.564; 0.7 0.725, 0.556; 0.5 0.666, 0.511.
    static let firstTextShare = 0.7
    /// Points between item and root where none are asked for, as HierarCaps' evaluation has it.
    package static let interpolationSteps = 50
    /// Rungs where none are asked for.
    package static let greedySteps = 32

    /// From X up to a root through a collection, most specific first, without near-repeats.
    /// - Parameters:
    ///   - x: where to start; not itself a rung.
    ///   - items: the possible rungs.
    ///   - walk: how to climb.
    ///   - steps: greedy: the most rungs; interpolation: the points between X and root, at least 2. Nil takes the default.
    ///   - excluded: an index to leave out: X itself.
    /// - Returns: indices of the rungs; each is vaguer than the one before, includes it, and is related to X.
    /// - Complexity: O(rungs * items * D).
    /// - SeeAlso: ProLIP, section 4.4; HierarCaps (Alper and Averbuch-Elor, ECCV 2024), section 3.3
    package func ladder(
        from x: PreparedItem, among items: [PreparedItem], walk: LadderWalk = .greedy, steps: Int? = nil,
        excluding excluded: Int? = nil
    ) -> [Int] {
        switch walk {
        case .greedy: greedyLadder(x, items, steps ?? Self.greedySteps, excluded)
        case .interpolation: interpolationLadder(x, items, steps ?? Self.interpolationSteps, excluded)
        }
    }

    /// The items that X's rungs may be: related to X itself, so that no rung leads away from it.
    private func possibleRungs(_ x: PreparedItem, _ items: [PreparedItem], _ excluded: Int?) -> Set<Int> {
        let null = sample.distribution(of: x.gaussian)
        return Set(
            items.indices.filter { index in
                guard index != excluded else { return false }
                if x.kind == .texts, items[index].kind == .texts {
                    return relatedness(of: items[index], to: x, x.gaussian.csd(to: items[index].gaussian), null)
                        .isRelated
                }
                return items[index].kind != .texts
                    || null.percentile(of: x.gaussian.csd(to: items[index].gaussian)) < Self.pictureRungsWithin
            })
    }

    /// Every rung is a generalisation of the rung before and of the first text, and near X: no drifting away.
    private func greedyLadder(_ x: PreparedItem, _ items: [PreparedItem], _ steps: Int, _ excluded: Int?) -> [Int] {
        var rungs: [Int] = []
        var current = x
        var allowed = possibleRungs(x, items, excluded)
        while rungs.count < steps {
            let near = repeatDistance(of: current)
            let matches = general(current, among: items).filter { allowed.contains($0.index) }
            // A picture and a text never repeat each other.
            let others = matches.filter {
                current.kind != items[$0.index].kind
                    || current.gaussian.squaredMeanDistance(to: items[$0.index].gaussian) > near
            }
            guard let next = firstText(over: current, others, items) ?? others.first else { break }
            if current.kind == items[next.index].kind { allowed.formIntersection(matches.map(\.index)) }
            allowed.remove(next.index)
            rungs.append(next.index)
            current = items[next.index]
        }
        return rungs
    }

    /// Where a picture's ladder starts: at the most specific of the texts that match nearly as well as the best; nil for a
    /// text, and where no text matches.
    private func firstText(
        over x: PreparedItem, _ matches: [GeneralityMatch], _ items: [PreparedItem]
    ) -> GeneralityMatch? {
        guard x.kind == .images else { return nil }
        let texts = matches.filter { items[$0.index].kind == .texts }
        let probabilities = texts.map { matchProbability(items[$0.index], x, $0.csd) }
        guard let best = probabilities.max() else { return nil }
        return zip(texts, probabilities).filter { $1 >= Self.firstTextShare * best }.map(\.0)
            .min { items[$0.index].gaussian.totalVariance < items[$1.index].gaussian.totalVariance }
    }

    private func interpolationLadder(
        _ x: PreparedItem, _ items: [PreparedItem], _ steps: Int, _ excluded: Int?
    ) -> [Int] {
        let possible = possibleRungs(x, items, excluded)
        let near = repeatDistance(of: x)
        // Whatever does not include X can be no rung; left in, it would only stand between the points and the rungs.
        let candidates = items.indices.filter { possible.contains($0) && encloses(items[$0], x, near) }
        let containments = candidates.map { x.gaussian.containment(in: items[$0].gaussian) }
        guard let best = containments.indices.max(by: { containments[$0] < containments[$1] }) else { return [] }
        let root = items[candidates[best]].gaussian.mean
        var rungs: [Int] = []
        var current = x
        for step in 0..<max(steps, 2) {
            let share = Float(step) / Float(max(steps, 2) - 1)
            let point = Self.normalized(zip(x.gaussian.mean, root).map { (1 - share) * $0 + share * $1 })
            guard let nearest = Self.nearest(point, candidates, items), !rungs.contains(nearest),
                encloses(items[nearest], current)
            else { continue }
            rungs.append(nearest)
            current = items[nearest]
        }
        return rungs
    }

    /// Whether a rung may follow another item: it includes it, is vaguer, and is more than another wording.
    /// - Parameters:
    ///   - rung: the upper one.
    ///   - item: the lower one.
    ///   - near: `repeatDistance` of the lower one, where it is at hand.
    /// - Returns: whether it may.
    private func encloses(_ rung: PreparedItem, _ item: PreparedItem, _ near: Double? = nil) -> Bool {
        guard rung.kind == item.kind else { return includesByKind(rung, item) }
        return rung.gaussian.totalVariance > item.gaussian.totalVariance
            && item.gaussian.inclusion(in: rung.gaussian) > 0
            && item.gaussian.squaredMeanDistance(to: rung.gaussian) > (near ?? repeatDistance(of: item))
    }

    /// The squared distance of the means under which two texts are wordings of one phrase.
    private func repeatDistance(of item: PreparedItem) -> Double {
        Self.repeatShare * sample.distribution(of: item.gaussian).mean
    }

    private static func nearest(_ point: [Float], _ candidates: [Int], _ items: [PreparedItem]) -> Int? {
        var best: (index: Int, csd: Double)?
        for index in candidates {
            let gaussian = items[index].gaussian
            let csd = pk_squared_distance_f64(point, gaussian.mean, point.count) + gaussian.totalVariance
            if csd < best?.csd ?? .infinity { best = (index, csd) }
        }
        return best?.index
    }

    private static func normalized(_ vector: [Float]) -> [Float] {
        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return norm > 0 ? vector.map { $0 / norm } : vector
    }
}
