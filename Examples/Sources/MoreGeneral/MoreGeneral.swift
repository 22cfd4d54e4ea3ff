// Tells which of two texts (or pictures) is the more general: swift run MoreGeneral A B
import Foundation
import Penumbra

@main
enum MoreGeneral {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count == 2 else {
            print("usage: MoreGeneral A B   (texts, or paths of pictures)")
            exit(64)
        }
        let model = try Model.builtin()
        let gaussians = try arguments.map { argument in
            isPicture(argument)
                ? try model.encode(pictureAt: argument) : try model.encode(texts: [argument])[0]
        }
        let (a, b) = (gaussians[0], gaussians[1])
        for (name, gaussian) in zip(arguments, gaussians) {
            print(String(format: "uncertainty %.4f  ", gaussian.totalVariance) + name)
        }
        print(String(format: "CSD %.4f (lower is closer)", a.csd(to: b)))

        let isMixed = isPicture(arguments[0]) != isPicture(arguments[1])
        guard try areRelated(a, b, model, isMixed: isMixed) else {
            print("unrelated: neither holds the other")
            return
        }
        if isMixed {
            // A text says of many pictures what is true of this one: between kinds the kind tells the direction.
            let (inner, outer) = isPicture(arguments[0]) ? (0, 1) : (1, 0)
            print("\(arguments[outer]) holds \(arguments[inner])")
            return
        }
        // Inclusion tells the direction between Gaussians that match; between strangers it means nothing.
        guard let inclusion = a.inclusion(in: b) else {
            print("inclusion is undefined: \(model.name) gives points")
            return
        }
        let (inner, outer) = inclusion > 0 ? (0, 1) : (1, 0)
        print(String(format: "inclusion %.1f nats: ", abs(inclusion)) + "\(arguments[outer]) holds \(arguments[inner])")
    }

    static func isPicture(_ argument: String) -> Bool { FileManager.default.fileExists(atPath: argument) }

    /// Picture and text: whether the match convinces; like kinds: whether few everyday phrases are as close.
    static func areRelated(_ a: Gaussian, _ b: Gaussian, _ model: Model, isMixed: Bool) throws -> Bool {
        let csd = a.csd(to: b)
        if isMixed {
            let logit = model.matchScale.logit(csd: csd, squaredNorms: a.squaredNorm + b.squaredNorm)
            return model.matchScale.probability(logit: logit) >= model.unconvincingBelow ?? 0.5
        }
        let strangers = try Lexicon.load(model).gaussians
        return strangers.count { a.csd(to: $0) < csd } * 20 < strangers.count
    }
}
