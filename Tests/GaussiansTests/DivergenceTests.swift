// The divergences against numerical integration, and the prepared formulas against the plain ones and the goldens.
import Foundation
import Gaussians
import TestSupport
import Testing

@Suite struct DivergenceTests {
    struct Case: Decodable {
        let mean1, logvar1, mean2, logvar2: [Float]
        let kl, bhattacharyya: Double
    }

    static func isClose(_ got: Double?, _ expected: Double, relative: Double = 1e-5) -> Bool {
        guard let got else { return false }
        return abs(got - expected) <= relative * max(abs(expected), 1e-3)
    }

    @Test func closedFormsAgreeWithTheIntegrals() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("math/divergences.json")))
        let cases = try JSONDecoder().decode([Case].self, from: data)
        #expect(cases.count == 12)
        for c in cases {
            let a = Gaussian(mean: c.mean1, logVariance: c.logvar1)
            let b = Gaussian(mean: c.mean2, logVariance: c.logvar2)
            #expect(Self.isClose(a.divergence(to: b), c.kl))
            #expect(Self.isClose(a.bhattacharyyaDistance(to: b), c.bhattacharyya))
        }
    }

    @Test func laws() {
        var generator = SeededGenerator(seed: 31)
        for _ in 0..<50 {
            let a = generator.gaussian(dimension: 100, logVariance: -7)
            let b = generator.gaussian(dimension: 100, logVariance: -6)
            #expect(
                Self.isClose(a.bhattacharyyaDistance(to: b), b.bhattacharyyaDistance(to: a) ?? .nan, relative: 1e-12))
            #expect((a.divergence(to: b) ?? -1) > 0 && (a.bhattacharyyaDistance(to: b) ?? -1) > 0)
            #expect(abs(a.divergence(to: a) ?? 1) < 1e-12 && abs(a.bhattacharyyaDistance(to: a) ?? 1) < 1e-12)
        }
        let point = Gaussian(point: [1, 0])
        let wide = Gaussian(mean: [0, 1], logVariance: [-3, -3])
        #expect(point.divergence(to: wide) == nil && wide.bhattacharyyaDistance(to: point) == nil)
        #expect(throws: PointError.self) { try PreparedGaussian(point) }
    }

    /// D=1,000 at log variances near -30: products of variances leave Float64's range and must not leave the formulas.
    @Test(arguments: [1, 7, 100, 1_000]) func preparedFormulasAreThePlainOnes(dimension: Int) throws {
        var generator = SeededGenerator(seed: UInt64(dimension))
        for logVariance: Float in [-30, -8, 3] {
            let a = generator.gaussian(dimension: dimension, logVariance: logVariance)
            let b = generator.gaussian(dimension: dimension, logVariance: logVariance + 1)
            let pa = try PreparedGaussian(a)
            let pb = try PreparedGaussian(b)
            #expect(pa.csd(to: pb) == a.csd(to: b))
            #expect(pa.squaredNorm == a.squaredNorm && pa.totalVariance == a.totalVariance)
            #expect(Self.isClose(pa.inclusion(in: pb), a.inclusion(in: b) ?? .nan, relative: 1e-9))
            #expect(Self.isClose(pa.containment(in: pb), a.containment(in: b) ?? .nan, relative: 1e-9))
            let official = ContainmentForm.official(eps: -10)
            #expect(
                Self.isClose(
                    pa.containment(in: pb, form: official), a.containment(in: b, form: official) ?? .nan, relative: 1e-9
                ))
            #expect(Self.isClose(pa.divergence(to: pb), a.divergence(to: b) ?? .nan, relative: 1e-9))
            #expect(
                Self.isClose(pa.bhattacharyyaDistance(to: pb), a.bhattacharyyaDistance(to: b) ?? .nan, relative: 1e-9))
        }
    }

    @Test func preparedFormulasKeepTheGoldens() throws {
        let ranking = try FormulaTests.Ranking()
        let queries = try ranking.queries.map { try PreparedGaussian($0) }
        let items = try ranking.items.map { try PreparedGaussian($0) }
        let inclusion = try ranking.goldens.doubles("exact.inclusion.query_in_db_f64")
        let containment = try ranking.goldens.doubles("exact.containment.query_in_db_f64")
        let official = try ranking.goldens.doubles("inclusion.query_in_db_f64")
        let officialLoss = try ranking.goldens.doubles("inclusion.query_in_db_eps-10_f64")
        for (q, query) in queries.enumerated() {
            for (i, item) in items.enumerated() {
                let at = q * items.count + i
                #expect(Self.isClose(query.inclusion(in: item), inclusion[at]))
                #expect(Self.isClose(query.containment(in: item), containment[at]))
                #expect(Self.isClose(query.containment(in: item, form: .official(eps: 0)), official[at]))
                #expect(Self.isClose(query.containment(in: item, form: .official(eps: -10)), officialLoss[at]))
            }
        }
    }
}
