// The cases: encoding pictures and texts, indexing a folder, searching it.
import Foundation
import Penumbra

@main
enum PenumbraBenchmarks {
    static func main() async throws {
        let options = try Options(CommandLine.arguments.dropFirst())
        if !options.parts.isEmpty { return try await runEncodingCases(options) }
        let pictures = try FileManager.default.contentsOfDirectory(atPath: options.gallery)
            .filter { $0.hasSuffix(".jpg") }.sorted()
            .map { Array(try Data(contentsOf: URL(fileURLWithPath: "\(options.gallery)/\($0)"))) }
        print(Measurement.header)
        var measurements: [Measurement] = []
        func add(_ measurement: Measurement) {
            print(measurement.row)
            measurements.append(measurement)
        }

        let model = try Model.builtin()
        for batch in [1, 8, 32] {
            add(
                try .run("encode/pictures/model=tiny/batch=\(batch)", items: batch) {
                    _ = try model.encode(pictures: Array(pictures.prefix(batch)))
                })
            let texts = (0..<batch).map { "a photo of a dog, number \($0)" }
            add(try .run("encode/texts/model=tiny/batch=\(batch)", items: batch) { _ = try model.encode(texts: texts) })
        }
        for count in options.sizes {
            let folder = try Self.folder(of: pictures, count: count)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let index = try Index.create(at: "\(folder)/.penumbra", root: folder, model: model)
            let start = ContinuousClock.now
            _ = try await index.update()
            let seconds = Measurement.seconds(ContinuousClock.now - start)
            add(Measurement(name: "index/pictures/N=\(count)", seconds: [seconds], items: count))
            for limit in [10, 100] {
                let query = try model.encode(texts: ["a red car"])[0]
                add(
                    try .run("search/D=192/N=\(count)/k=\(limit)", items: count) {
                        _ = try index.search(near: query, of: .texts, limit: limit)
                    })
            }
        }
        let lines = measurements.map(\.json).joined(separator: "\n") + "\n"
        if let output = options.output { try lines.write(toFile: output, atomically: true, encoding: .utf8) }
    }

    /// The cases of ViT-B/16's shape, with the peers' figures beside them.
    private static func runEncodingCases(_ options: Options) async throws {
        var measurements: [(Measurement, note: String?)] = []
        print(Measurement.header)
        let workplace = options.workplace ?? NSTemporaryDirectory() + "penumbra-bench"
        try FileManager.default.createDirectory(atPath: workplace, withIntermediateDirectories: true)
        let cases = EncodingCases(
            program: options.program, gallery: options.gallery, photographs: options.photographs, workplace: workplace
        ) { measurement, note in
            print(measurement.row + (note.map { "  \($0)" } ?? ""))
            measurements.append((measurement, note))
        }
        try cases.prepare(tokenizer: options.tokenizer)
        for part in options.parts {
            switch part {
            case "encode": try await cases.encode()
            case "index": try cases.index()
            case "start": try cases.start()
            default: throw UsageError(argument: part)
            }
        }
        let peers = try options.peers.map(PeerMeasurement.read) ?? []
        if let output = options.output {
            try append(measurements.map { $0.0.json + "\n" }.joined(), to: output)
            try append(PeerTable.markdown(measurements, peers), to: output.replacing(".jsonl", with: ".md"))
        }
    }

    /// Parts of a run are measured one after the other, into the same files.
    private static func append(_ text: String, to path: String) throws {
        let before = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        try (before + text).write(toFile: path, atomically: true, encoding: .utf8)
    }

    /// A folder of `count` pictures with distinct content: bytes after the end of a JPEG change its hash, not its pixels.
    static func folder(of pictures: [[UInt8]], count: Int) throws -> String {
        let folder = NSTemporaryDirectory() + "penumbra-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for number in 0..<count {
            let bytes = pictures[number % pictures.count] + Array("\(number)".utf8)
            try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(number).jpg"))
        }
        return folder
    }
}

/// What the command line says.
struct Options {
    var gallery = "../Examples/Gallery"
    var output: String?
    var sizes = [1_000, 10_000]
    /// The parts with a model of ViT-B/16's shape: `encode`, `index`, `start`.
    var parts: [String] = []
    var peers: String?
    var photographs: String?
    var program = ""
    var workplace: String?
    var tokenizer = ""

    /// Reads options, each with a value.
    init(_ arguments: ArraySlice<String>) throws {
        var arguments = Array(arguments)
        while arguments.count >= 2 {
            let (name, value) = (arguments.removeFirst(), arguments.removeFirst())
            switch name {
            case "--gallery": gallery = value
            case "--output": output = value
            case "--parts": parts = value.split(separator: ",").map(String.init)
            case "--peers": peers = value
            case "--photographs": photographs = value
            case "--program": program = value
            case "--workplace": workplace = value
            case "--tokenizer": tokenizer = value
            case "--sizes": sizes = value.split(separator: ",").compactMap { Int($0) }
            default: throw UsageError(argument: name)
            }
        }
        if let rest = arguments.first { throw UsageError(argument: rest) }
    }
}

/// An argument nobody knows.
struct UsageError: Error, CustomStringConvertible {
    let argument: String
    var description: String {
        "what is \(argument)? usage: PenumbraBenchmarks [--gallery FOLDER] [--output FILE] [--sizes N,N] "
            + "[--parts encode,index,start --program FILE --tokenizer FILE [--peers FILE] [--photographs FOLDER] "
            + "[--workplace FOLDER]]"
    }
}
