// A fixed sample to how crowded it is around each of its texts, and to which of them are near to too much.
import Gaussians

/// How near a near neighbour of each text of a sample is, and to how many others each is one.
///
/// It belongs to the sample, whatever is asked: measured once per model and kept with the rule.
package struct Crowding: Sendable, Equatable, Codable {
    /// How near a near neighbour is: nearer than this share of the sample leaves.
    static let nearShare = 0.05

    /// For each text of the sample, the CSD within which its near neighbours lie.
    package let radii: [Double]
    /// For each text of the sample, the share of the sample that it is a near neighbour of, 0 to 1.
    package let shares: [Double]

    /// Measures a sample.
    /// - Complexity: O(sample^2 * D).
    package init(_ sample: NullSample) {
        let rows = sample.strangers.map { sample.distribution(of: $0) }
        let radii = rows.map { $0.quantile(Self.nearShare) }
        self.radii = radii
        shares = rows.indices.map { text in
            Double(rows.indices.count { rows[$0].distances[text] < radii[$0] }) / Double(rows.count)
        }
    }
}
