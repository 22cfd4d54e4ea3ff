// Turns a text and the matches of a pattern in it into words.

/// What becomes of the matches a text is cut at.
enum SplitBehavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    init(_ node: JSONNode) throws(TokenizerError) {
        guard let behavior = SplitBehavior(rawValue: try node.string()) else {
            throw node.refuse(expected: "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous")
        }
        self = behavior
    }

    /// Cuts a span at `matches` (UTF-8 ranges, ascending); inverted, the rest counts as match.
    func split(_ span: TextSpan, at matches: [Range<Int>], isInverted: Bool = false) -> [TextSpan] {
        var parts: [(range: Range<Int>, isMatch: Bool)] = []
        var end = 0
        for match in matches {
            if match.lowerBound > end { parts.append((end..<match.lowerBound, isInverted)) }
            parts.append((match, !isInverted))
            end = match.upperBound
        }
        if end < span.utf8.count { parts.append((end..<span.utf8.count, isInverted)) }
        return merge(parts).map {
            TextSpan(utf8: Array(span.utf8[$0]), isFirst: span.isFirst && $0.lowerBound == 0)
        }
    }

    private func merge(_ parts: [(range: Range<Int>, isMatch: Bool)]) -> [Range<Int>] {
        switch self {
        case .removed: return parts.filter { !$0.isMatch }.map(\.range)
        case .isolated: return parts.map(\.range)
        case .mergedWithPrevious: return join(parts) { previous, part in part.isMatch && !previous }
        case .contiguous: return join(parts) { previous, part in part.isMatch == previous }
        case .mergedWithNext:
            return join(parts.reversed()) { previous, part in part.isMatch && !previous }.reversed()
        }
    }

    /// Joins a part to the one before it where `joins`, told whether that one was a match, says so.
    private func join(
        _ parts: [(range: Range<Int>, isMatch: Bool)], _ joins: (Bool, (range: Range<Int>, isMatch: Bool)) -> Bool
    ) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var previous = false
        for part in parts {
            if joins(previous, part), let last = result.popLast() {
                result.append(
                    min(last.lowerBound, part.range.lowerBound)..<max(last.upperBound, part.range.upperBound))
            } else {
                result.append(part.range)
            }
            previous = part.isMatch
        }
        return result
    }
}
