// A question about generality to a judge of single items, with what does not depend on them worked out once.
import Gaussians
import Storage

/// "What is more general (or more specific) than X?", asked of one item after the other.
///
/// The answers are those of `Generality.general` and `specific`, in which everything about X is worked out at each call.
package struct GeneralityQuestion: Sendable {
    private let generality: Generality
    private let x: PreparedItem
    private let direction: GeneralityDirection
    /// `general`: what X is judged against.
    private let surroundings: Generality.Surroundings?
    /// `specific`: whether X is near to too much, and the texts of the sample that include X.
    private let isHub: Bool
    private let above: [Int]

    /// Prepares a question.
    package init(_ generality: Generality, _ x: PreparedItem, _ direction: GeneralityDirection) {
        (self.generality, self.x, self.direction) = (generality, x, direction)
        switch direction {
        case .general:
            surroundings = generality.surroundings(of: x)
            (isHub, above) = (false, [])
        case .specific:
            surroundings = nil
            isHub = generality.isTooNear(x)
            above = generality.strangersIncluding(x)
        }
    }

    /// The item as an answer; nil where a step of the rule fails.
    /// - Parameters:
    ///   - item: a Gaussian and its kind.
    ///   - index: what the answer calls it.
    /// - Returns: the answer.
    package func answer(_ item: PreparedItem, index: Int) -> GeneralityMatch? {
        let judgement =
            direction == .general
            ? generality.judgeQuickly(item, over: x, surroundings)
            : generality.judgeQuickly(x, over: item, nil, isHub: isHub, above: above)
        return judgement.map {
            GeneralityMatch(index: index, csd: $0.csd, cost: $0.cost, percentile: $0.percentile)
        }
    }
}
