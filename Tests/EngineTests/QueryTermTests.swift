// What people type to terms, and terms to one Gaussian.
import Engine
import Foundation
import Gaussians
import TestSupport
import Testing

@Suite struct QueryTermTests {
    private func terms(_ arguments: String...) throws -> [QueryTerm] {
        try QueryTerm.terms(of: arguments.map { Array($0.utf8) })
    }

    private func weighted(_ argument: String, sign: Double = 1) throws -> QueryTerm {
        try QueryTerm(weighted: Array(argument.utf8), sign: sign)
    }

    private func picture(_ path: String) -> QueryTerm.Content { .picture(Array(path.utf8)) }

    @Test func bareWordsAreOneText() throws {
        #expect(try terms("a", "red", "dog") == [QueryTerm(.text("a red dog"))])
        #expect(
            try terms("a dog", "image:x y.jpg", "in snow").map(\.content) == [
                .text("a dog in snow"), picture("x y.jpg"),
            ])
        #expect(try terms("black/white photo").map(\.content) == [.text("black/white photo")], "no such file")
        #expect(try terms("pool.JPG").map(\.content) == [picture("pool.JPG")])
        #expect(try terms("text:pool.jpg").map(\.content) == [.text("pool.jpg")])
        #expect(try terms("").map(\.content) == [.text("")])
    }

    @Test func aBareWordStaysAWordWhateverFilesThereAre() throws {
        let folder = try TemporaryFolder()
        try folder.write("dog", [1])
        #expect(try terms(folder.file("dog")).map(\.content) == [picture(folder.file("dog"))])
        let here = FileManager.default.currentDirectoryPath
        #expect(FileManager.default.fileExists(atPath: "\(here)/Package.swift"), "tests run in the repository")
        #expect(try terms("Package.swift").map(\.content) == [.text("Package.swift")])
    }

    @Test func weightsLeadAndBehindTextNothingIsParsed() throws {
        #expect(try weighted("0.5:people", sign: -1) == QueryTerm(.text("people"), weight: -0.5))
        #expect(try weighted(".5:image:a.jpg") == QueryTerm(picture("a.jpg"), weight: 0.5))
        #expect(try weighted("2:text:3:x") == QueryTerm(.text("3:x"), weight: 2))
        #expect(try weighted("text:0.5:people") == QueryTerm(.text("0.5:people")))
        #expect(try weighted("at 10:30") == QueryTerm(.text("at 10:30")))
        #expect(try weighted("-1:x") == QueryTerm(.text("-1:x")), "a decimal number has no sign")
        #expect(try weighted("1e3:x") == QueryTerm(.text("1e3:x")))
        #expect(try weighted("1.2.3:x") == QueryTerm(.text("1.2.3:x")))
        #expect(try weighted("vector:a.safetensors#12") == QueryTerm(.vector(path: "a.safetensors", row: 12)))
        #expect(throws: QueryError.self) { try weighted("vector:a.safetensors") }
        #expect(throws: QueryError.self) { try weighted("vector:a.safetensors#-1") }
    }

    @Test func aSingleTermIsTheTermToTheBit() throws {
        var generator = SeededGenerator(seed: 1)
        for weight in [1.0, 0.3, 7] {
            let gaussian = generator.gaussian(dimension: 17)
            #expect(try Gaussian.composed(of: [(gaussian, weight)]) == gaussian)
        }
    }

    @Test(arguments: 0..<20) func compositionFollowsItsFormula(_ seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let dimension = 33
        let terms = (0..<(2 + seed % 3)).map { index in
            (
                gaussian: generator.gaussian(dimension: dimension, logVariance: Float(-6 - index)),
                weight: Double.random(in: -1...2, using: &generator)
            )
        }
        let composed = try Gaussian.composed(of: terms)
        let sum = (0..<dimension).map { i in terms.reduce(0.0) { $0 + $1.weight * Double($1.gaussian.mean[i]) } }
        let squaredNorm = sum.reduce(0) { $0 + $1 * $1 }
        for i in 0..<dimension {
            #expect(abs(Double(composed.mean[i]) - sum[i] / squaredNorm.squareRoot()) < 1e-6)
            let variance = terms.reduce(0.0) { $0 + $1.weight * $1.weight * exp(Double($1.gaussian.logVariance[i])) }
            #expect(abs(Double(composed.logVariance[i]) - log(variance / squaredNorm)) < 1e-5)
        }
        #expect(abs(composed.squaredNorm - 1) < 1e-5)
        let order = try Gaussian.composed(of: terms.reversed())
        #expect(zip(order.mean, composed.mean).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test func termsThatCancelAreAnError() throws {
        var generator = SeededGenerator(seed: 5)
        let a = generator.gaussian(dimension: 8)
        let b = generator.gaussian(dimension: 8)
        #expect(throws: QueryError.cancelled) { try Gaussian.composed(of: [(a, 1), (a, -1)]) }
        #expect(throws: QueryError.cancelled) { try Gaussian.composed(of: [(a, 0)]) }
        #expect(throws: QueryError.cancelled) { try Gaussian.composed(of: [(a, 1), (b, 1), (a, -1), (b, -1.0005)]) }
        #expect(throws: QueryError.self) { try Gaussian.composed(of: [(a, 1e308), (b, 1e308)]) }
        #expect(throws: QueryError.empty) { try Gaussian.composed(of: []) }
        #expect(
            try Gaussian.composed(of: [(a, -1)]).mean
                == a.mean.map { -$0 }.map { $0 / Float(a.squaredNorm.squareRoot()) })
    }

    @Test func pointsStayPoints() throws {
        let a = Gaussian(point: [1, 0])
        let b = Gaussian(point: [0, 1])
        let composed = try Gaussian.composed(of: [(a, 1), (b, 1)])
        #expect(composed.isPoint && composed.isFinite)
        #expect(abs(composed.mean[0] - Float(0.5).squareRoot()) < 1e-7)
    }
}
