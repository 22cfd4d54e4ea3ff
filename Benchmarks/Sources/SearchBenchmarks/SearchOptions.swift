// The command line to what is to be measured.
import Foundation
import Gaussians

/// A way to search.
struct SearchCase {
    var name: String
    var engine = "penumbra"
    var kernels = Kernels.best
    var codes = true
    var accuracy = 1.0
    var hundredth = false
    /// Measured at every limit and size, or only for k = 10 at up to 100,000: what is there to compare ourselves with.
    var isForAll = true
    var isForBatches = false

    /// The cases of every size and limit.
    static var all: [SearchCase] {
        [
            SearchCase(name: "exact", isForBatches: true),
            SearchCase(name: "accuracy=0.999", engine: "penumbra --accuracy 0.999", accuracy: 0.999),
            SearchCase(name: "filter=1%", hundredth: true, isForBatches: true),
            SearchCase(name: "no-codes", engine: "penumbra without codes", codes: false, isForAll: false),
        ]
            + Kernels.available.filter { $0.name != Kernels.best.name }.map {
                SearchCase(name: $0.name, engine: "penumbra \($0.name)", kernels: $0, isForAll: false)
            }
    }
}

/// What the command line says.
struct SearchOptions {
    var folder = NSTemporaryDirectory()
    var output: String?
    var export: String?
    var sizes = [10_000, 100_000]
    var limits = [10, 100]
    var queries = 1_000
    var dimension = 768
    var runs = 200
    var cases: [String] = []
    /// Files that are locked before anything but storing is timed: others who lock them do not disturb.
    var locks: [String] = []

    /// Whether a case was asked for.
    func wants(_ name: String) -> Bool { cases.isEmpty || cases.contains(name) }

    /// Whether a case was asked for at this limit and size: what only shows our own steps is left out where it takes long.
    func wants(_ search: SearchCase, _ limit: Int, _ count: Int) -> Bool {
        wants(search.name) && (search.isForAll || limit == 10 && (count <= 100_000 || !cases.isEmpty))
    }

    /// Reads the options of `UnknownArgument`'s usage, each with a value.
    init(_ arguments: ArraySlice<String>) throws {
        var arguments = Array(arguments)
        while arguments.count >= 2 {
            let (name, value) = (arguments.removeFirst(), arguments.removeFirst())
            switch name {
            case "--folder": folder = value
            case "--output": output = value
            case "--export": export = value
            case "--locks": locks = value.split(separator: ",").map(String.init)
            case "--runs": runs = Int(value) ?? runs
            case "--cases": cases = value.split(separator: ",").map(String.init)
            case "--sizes": sizes = value.split(separator: ",").compactMap { Int($0) }
            case "--limits": limits = value.split(separator: ",").compactMap { Int($0) }
            case "--queries": queries = Int(value) ?? queries
            case "--dimension": dimension = Int(value) ?? dimension
            default: throw UnknownArgument(argument: name)
            }
        }
        if let rest = arguments.first { throw UnknownArgument(argument: rest) }
    }
}

/// An argument nobody knows.
struct UnknownArgument: Error, CustomStringConvertible {
    let argument: String
    var description: String {
        "what is \(argument)? usage: SearchBenchmarks [--sizes N,N] [--limits K,K] [--queries N] [--dimension D]"
            + " [--runs N] [--cases NAME,NAME] [--locks FILE,FILE] [--folder FOLDER] [--export FOLDER] [--output FILE]"
            + " | containment [--count N] [--dimension D] [--folder FOLDER] [--export FOLDER] [--output FILE]"
            + " | int8 [--count N] [--dimension D] [--output FILE]"
    }
}
