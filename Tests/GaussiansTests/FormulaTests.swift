// The formulas of DESIGN section 2 against the reference's answers and their own laws.
import Foundation
import Gaussians
import TestSupport
import Testing

/// Expects agreement within 1e-5 relative.
private func expectClose(
    _ got: Double?, _ expected: Double, relative: Double = 1e-5, _ location: SourceLocation = #_sourceLocation
) {
    guard let got else {
        Issue.record("no value, expected \(expected)", sourceLocation: location)
        return
    }
    #expect(
        abs(got - expected) <= relative * max(abs(expected), 1e-3), "\(got) for \(expected)", sourceLocation: location)
}

@Suite struct FormulaTests {
    struct Ranking {
        let goldens: Goldens
        let queries: [Gaussian]
        let items: [Gaussian]

        init() throws {
            goldens = try Goldens("math/ranking.safetensors")
            queries = try Self.gaussians(goldens, "query")
            items = try Self.gaussians(goldens, "db")
        }

        static func gaussians(_ goldens: Goldens, _ name: String) throws -> [Gaussian] {
            let shape = try goldens.shape("\(name).mean")
            let means = try goldens.floats("\(name).mean")
            let logVariances = try goldens.floats("\(name).logvar")
            return (0..<shape[0]).map { row in
                let range = (row * shape[1])..<((row + 1) * shape[1])
                return Gaussian(mean: Array(means[range]), logVariance: Array(logVariances[range]))
            }
        }
    }

    @Test func rankingGoldens() throws {
        let ranking = try Ranking()
        let csd = try ranking.goldens.doubles("exact.csd_f64")
        let inclusion = try ranking.goldens.doubles("exact.inclusion.query_in_db_f64")
        let containment = try ranking.goldens.doubles("exact.containment.query_in_db_f64")
        let official = try ranking.goldens.doubles("inclusion.query_in_db_f64")
        let officialLoss = try ranking.goldens.doubles("inclusion.query_in_db_eps-10_f64")
        for (q, query) in ranking.queries.enumerated() {
            for (i, item) in ranking.items.enumerated() {
                let at = q * ranking.items.count + i
                expectClose(query.csd(to: item), csd[at])
                expectClose(query.inclusion(in: item), inclusion[at])
                expectClose(query.containment(in: item), containment[at])
                expectClose(query.containment(in: item, form: .official(eps: 0)), official[at])
                expectClose(query.containment(in: item, form: .official(eps: -10)), officialLoss[at])
            }
        }
    }

    struct ScalarCase: Decodable {
        let mu1, logvar1, mu2, logvar2, official, official_eps_minus10, exact: Double
    }

    @Test func scalarGoldens() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("math/inclusion_1d.json")))
        let cases = try JSONDecoder().decode([ScalarCase].self, from: data)
        #expect(cases.count > 10)
        for c in cases {
            let a = Gaussian(mean: [Float(c.mu1)], logVariance: [Float(c.logvar1)])
            let b = Gaussian(mean: [Float(c.mu2)], logVariance: [Float(c.logvar2)])
            expectClose(a.containment(in: b), c.exact)
            expectClose(a.containment(in: b, form: .official(eps: 0)), c.official)
            expectClose(a.containment(in: b, form: .official(eps: -10)), c.official_eps_minus10)
        }
    }

    @Test func inclusionIsAntisymmetricAndZeroForEquals() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<50 {
            let a = generator.gaussian(dimension: 96, logVariance: -9)
            let b = generator.gaussian(dimension: 96, logVariance: -8)
            expectClose(a.inclusion(in: b), -(b.inclusion(in: a) ?? .nan), relative: 1e-12)
            #expect(a.inclusion(in: a) == 0)
            expectClose(
                a.inclusion(in: b), (a.containment(in: b) ?? .nan) - (b.containment(in: a) ?? .nan), relative: 1e-9)
        }
    }

    @Test func csdIsSymmetricAndItsLogitAgreesWithTheDefinition() {
        var generator = SeededGenerator(seed: 8)
        let scale = MatchScale(scale: 12, bias: -6, slope: 0.979, offset: -2.2779)
        for _ in 0..<50 {
            let a = generator.gaussian(dimension: 100)
            let b = generator.gaussian(dimension: 100)
            #expect(a.csd(to: b) == b.csd(to: a))
            let dot = zip(a.mean, b.mean).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            let defined = 12 * (dot - (a.totalVariance + b.totalVariance) / 2) - 6
            let logit = scale.logit(csd: a.csd(to: b), squaredNorms: a.squaredNorm + b.squaredNorm)
            expectClose(logit, defined, relative: 1e-9)
            expectClose(scale.probability(logit: logit), 1 / (1 + exp(-(0.979 * defined - 2.2779))), relative: 1e-9)
        }
    }

    @Test func pointsHaveNoVarianceAndNoInclusion() {
        let a = Gaussian(point: [1, 0])
        let b = Gaussian(mean: [0, 1], logVariance: [-3, -3])
        #expect(a.isPoint && !b.isPoint)
        #expect(a.totalVariance == 0)
        #expect(a.inclusion(in: b) == nil && b.inclusion(in: a) == nil && a.containment(in: b) == nil)
        expectClose(a.csd(to: b), 2 + 2 * exp(-3), relative: 1e-12)
    }
}
