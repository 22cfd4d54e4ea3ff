// A collection to the few items that may be more general, or more specific, than X: all but those a bound excludes.
import Dispatch
import Gaussians
import Storage
import Synchronization

/// Which way a question about generality looks.
package enum GeneralityDirection: Sendable, CaseIterable {
    /// For what is more general than X.
    case general
    /// For what X is more general than.
    case specific
}

/// The cheap half of the rule of generality, over blocks of items in place.
///
/// What it leaves is judged by `Generality` itself, item by item in Float64; what it drops, that would drop, too. Each test is
/// one of the rule's with a margin that covers all rounding: ratio of total variances, distance, inclusion from
/// half-precision variances, and, for `specific`, how many strangers are closer to the item than X is.
package struct GeneralitySieve: Sendable {
    private let x: PreparedItem
    private let generality: Generality
    private let direction: GeneralityDirection
    private let kernels: Kernels
    private let inclusion: InclusionQuery?
    private let crowd: CentralStrangers?
    private static let blocksPerTurn = 8

    /// Prepares a question.
    /// - Parameters:
    ///   - generality: the rule.
    ///   - x: the item asked about.
    ///   - direction: which way.
    ///   - kernels: the instruction set; no choice changes an answer.
    package init(
        _ generality: Generality, _ x: PreparedItem, _ direction: GeneralityDirection, kernels: Kernels = .best
    ) {
        (self.generality, self.x, self.direction, self.kernels) = (generality, x, direction, kernels)
        inclusion = InclusionQuery(x.gaussian)
        let strangers = x.kind == .images ? generality.pictures?.strangers : generality.sample.strangers
        crowd = direction == .specific ? strangers.map { CentralStrangers($0) } : nil
    }

    /// The slots that may hold answers, by block, ascending.
    /// - Parameters:
    ///   - blocks: of one collection.
    ///   - kind: which.
    ///   - threads: how many to use, at least 1.
    /// - Returns: one list a block.
    /// - Complexity: O(items * D); `specific` O(items * sample * D) at worst, seldom a fifth of it.
    package func slots(in blocks: [InclusionBlock], of kind: Collection, threads: Int) -> [[UInt32]] {
        let bounds = GeneralityBounds(generality, x, direction, kind)
        guard bounds.isPossible, !blocks.isEmpty else { return blocks.map { _ in [] } }
        let found = Mutex([[UInt32]](repeating: [], count: blocks.count))
        let next = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: max(threads, 1)) { _ in
            var pass = SievePass(x.gaussian, bounds, kernels, inclusion, crowd)
            while let first = next.withLock({ next in
                defer { next += Self.blocksPerTurn }
                return next < blocks.count ? next : nil
            }) {
                let range = first..<min(first + Self.blocksPerTurn, blocks.count)
                let slots = range.map { pass.slots(in: blocks[$0]) }
                found.withLock { $0.replaceSubrange(range, with: slots) }
            }
        }
        return found.withLock { $0 }
    }
}

/// The rule's bounds for one question and one kind of items.
struct GeneralityBounds {
    let direction: GeneralityDirection
    /// False where the kinds alone exclude every item.
    let isPossible: Bool
    /// What the ratio of total variances must exceed; nil does not ask.
    let ratio: Double?
    /// What inclusion must exceed; nil does not ask.
    let margin: Double?
    /// `general`: the largest distance that is related; nil does not ask.
    let distance: Double?
    /// `specific`: with so many strangers closer than X an item is not related to it; nil does not ask.
    let closer: Int?
    /// Whether strangers may be copies of the item, which do not count.
    let mayHoldCopies: Bool
    /// From distance and squared norms to match probability, and the least there must be; nil does not ask.
    let match: (scale: MatchScale, from: Double)?

    init(_ generality: Generality, _ x: PreparedItem, _ direction: GeneralityDirection, _ kind: Collection) {
        self.direction = direction
        let isOneKind = x.kind == kind
        let (outer, inner) = direction == .general ? (kind, x.kind) : (x.kind, kind)
        mayHoldCopies = x.kind == .images && kind == .images
        isPossible = (isOneKind || outer == .texts) && !(mayHoldCopies && generality.pictures == nil)
        ratio = isOneKind ? generality.ratioBound(inner) : nil
        margin = isOneKind ? generality.rule.inclusionMargin : nil
        match = isOneKind ? nil : generality.matchesFrom.map { (generality.scale, $0) }
        let share = isOneKind ? generality.rule.relatedBelow : Generality.relatedBetweenKinds
        guard match == nil, let share, isPossible else {
            (distance, closer) = (nil, nil)
            return
        }
        switch direction {
        case .general:
            let null =
                mayHoldCopies
                ? generality.pictures?.distribution(ofMember: x.gaussian)
                : generality.sample.distribution(of: x.gaussian)
            distance = null.map { Self.largestDistance($0, share) }
            closer = nil
        case .specific:
            let strangers = mayHoldCopies ? generality.pictures?.strangers : generality.sample.strangers
            closer = Self.least(share, strangers?.count ?? 0)
            distance = nil
        }
    }

    /// The least number of `count` strangers that is no longer below a share.
    static func least(_ share: Double, _ count: Int) -> Int {
        (0...count).first { !(Double($0) / Double(count) < share) } ?? count + 1
    }

    /// The largest distance whose percentile is below a share.
    static func largestDistance(_ null: NullDistribution, _ share: Double) -> Double {
        let least = least(share, null.distances.count)
        guard least > 0 else { return -.infinity }
        return least > null.distances.count ? .infinity : null.distances.sorted()[least - 1]
    }
}
