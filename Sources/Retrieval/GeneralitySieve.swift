// A collection to the few items that may be more general, or more specific, than X: all but those a bound excludes.
import COpenBLAS
import CKernels
import Dispatch
import Gaussians
import Storage
import Synchronization

/// Which way a question about generality looks.
package enum GeneralityDirection: Sendable {
    /// For what is more general than X.
    case general
    /// For what X is more general than.
    case specific
}

/// The cheap half of the rule of generality, over blocks of items in place.
///
/// What it leaves is judged by `Generality` itself, item by item in Float64; what it drops, that would drop, too. Each test
/// here is one of the rule's with a margin that covers all rounding: ratio of total variances, distance, inclusion from
/// half-precision variances, and, for `specific`, how many strangers are closer to the item than X is.
package struct GeneralitySieve: Sendable {
    private let generality: Generality
    private let x: PreparedItem
    private let direction: GeneralityDirection
    private let kernels: Kernels
    private let inclusion: InclusionQuery?
    /// X as an answer, or no item at all: X is a hub, or the kinds exclude each other.
    private let crowd: StrangerSieve?

    /// More than Float64 can lose in sums of a few thousand terms.
    static let slack = 1e-9
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
        self.generality = generality
        self.x = x
        self.direction = direction
        self.kernels = kernels
        inclusion = InclusionQuery(x.gaussian)
        crowd = direction == .specific ? generality.crowd(around: x.kind).map(StrangerSieve.init) : nil
    }

    /// The slots that may hold answers, by block, ascending.
    /// - Parameters:
    ///   - blocks: of one collection.
    ///   - kind: which.
    ///   - threads: how many to use, at least 1.
    /// - Returns: one list a block.
    /// - Complexity: O(items * D); `specific` O(items * sample * D) at worst, and about a tenth of that.
    package func slots(in blocks: [InclusionBlock], of kind: Collection, threads: Int) -> [[UInt32]] {
        let bounds = GeneralityBounds(generality, x, direction, kind)
        guard bounds.isPossible else { return blocks.map { _ in [] } }
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

extension Generality {
    /// The strangers by which `specific` judges items of a kind: those of texts, and of pictures for two pictures.
    func crowd(around kind: Collection) -> [PreparedGaussian]? {
        kind == .images ? pictures?.strangers : sample.strangers
    }
}

/// The rule's bounds for one question and one kind of items.
struct GeneralityBounds {
    let direction: GeneralityDirection
    /// False where the kinds alone exclude every item.
    let isPossible: Bool
    let isOneKind: Bool
    /// What the ratio of total variances must exceed; nil does not ask.
    let ratio: Double?
    /// What inclusion must exceed; nil does not ask.
    let margin: Double?
    /// `general`: the largest distance that is related; nil does not ask.
    let distance: Double?
    /// `specific`: so many strangers closer than X, and an item is not related; nil does not ask.
    let closer: Int?
    /// Whether strangers may be copies of the item, which do not count.
    let mayHoldCopies: Bool
    /// From distance and squared norms to match probability, and the least; nil where the kinds are equal or it is not asked.
    let match: (scale: MatchScale, from: Double)?

    init(_ generality: Generality, _ x: PreparedItem, _ direction: GeneralityDirection, _ kind: Collection) {
        self.direction = direction
        isOneKind = x.kind == kind
        let (outer, inner) = direction == .general ? (kind, x.kind) : (x.kind, kind)
        let isOfPictures = x.kind == .images && kind == .images
        isPossible = (isOneKind || outer == .texts) && !(isOfPictures && generality.pictures == nil)
        ratio = isOneKind ? generality.ratioBound(inner) : nil
        margin = isOneKind ? generality.rule.inclusionMargin : nil
        match = isOneKind ? nil : generality.matchesFrom.map { (generality.scale, $0) }
        mayHoldCopies = isOfPictures
        let share = isOneKind ? generality.rule.relatedBelow : Generality.relatedBetweenKinds
        guard match == nil, let share, isPossible else {
            (distance, closer) = (nil, nil)
            return
        }
        switch direction {
        case .general:
            let null = isOfPictures ? generality.strangers(x, x) : generality.sample.distribution(of: x.gaussian)
            distance = null.map { Self.largestDistance($0, share) }
            closer = nil
        case .specific:
            let count = isOfPictures ? generality.pictures?.strangers.count ?? 0 : generality.sample.strangers.count
            closer = Self.least(share, count)
            distance = nil
        }
    }

    /// The least number of `count` strangers that is no longer below a share.
    static func least(_ share: Double, _ count: Int) -> Int {
        (0...count).first { Double($0) / Double(count) >= share } ?? count + 1
    }

    /// The largest distance whose percentile is below a share.
    static func largestDistance(_ null: NullDistribution, _ share: Double) -> Double {
        let least = least(share, null.distances.count)
        guard least > 0 else { return -.infinity }
        return least > null.distances.count ? .infinity : null.distances.sorted()[least - 1]
    }
}

/// One thread's way through blocks, with the memory it needs.
struct SievePass {
    private let x: PreparedGaussian
    private let bounds: GeneralityBounds
    private let kernels: Kernels
    private let inclusion: InclusionQuery?
    private let crowd: StrangerSieve?
    private var distances = [Double](repeating: 0, count: GaussianCodec.slotsPerBlock)
    private var containments = pk_inclusion_buffer()
    private var rows: [Float] = []
    private var products: [Float] = []

    init(
        _ x: PreparedGaussian, _ bounds: GeneralityBounds, _ kernels: Kernels, _ inclusion: InclusionQuery?,
        _ crowd: StrangerSieve?
    ) {
        (self.x, self.bounds, self.kernels, self.inclusion, self.crowd) = (x, bounds, kernels, inclusion, crowd)
    }
}
