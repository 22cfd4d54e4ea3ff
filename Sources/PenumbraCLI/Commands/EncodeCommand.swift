// `penumbra encode`: pictures and texts become Gaussians in a file, or JSON lines.
import ArgumentParser
import Engine
import Foundation
import Glibc
import Presentation

struct EncodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Turn pictures and texts into Gaussians: a safetensors file, or JSON lines.",
        discussion: """
            Rows come in the order of the arguments: files first, then every line of the texts, blank ones too. The file \
            holds `mean` (normalised) and `log_variance` (natural logarithm of the variance), [N, D] Float32, and says in its \
            metadata what each row is and which model made it. A file that fails has no row.

            EXAMPLES
              penumbra encode *.jpg --output pictures.safetensors
              penumbra encode --texts captions.txt --model prolip-b16 --output captions.safetensors
              echo "a dog" | penumbra encode --texts -
            """)

    @Argument(help: "Picture files.", completion: .file())
    var files: [String] = []

    @Option(help: ArgumentHelp("A file of texts, one per line; - reads stdin.", valueName: "file"), completion: .file())
    var texts: String?

    @Option(help: "A registered name, a model folder, or penumbra-tiny.", completion: .directory)
    var model = Model.builtinName

    @Flag(help: "Leave pictures as they lie in their files, as the reference does.")
    var ignoreOrientation = false

    @OptionGroup var encoding: EncodingArguments

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Where to write. Default: JSON lines on stdout.", valueName: "file"),
        completion: .file(extensions: ["safetensors"]))
    var output: String?

    func validate() throws {
        if output == "-" { throw ValidationError("without --output, JSON lines go to stdout; safetensors need a file") }
        if files.isEmpty, texts == nil { throw ValidationError("nothing to encode: name files, or --texts") }
    }

    func run() async throws {
        var options = try encoding.options()
        options.appliesOrientation = !ignoreOrientation
        let model = try Environment.registry.open(model, options)
        var raw = RawArguments()
        let lines = try lines()
        let inputs =
            files.map { EncodingInput.picture(raw.bytes(of: $0)) } + lines.compactMap { $0.map(EncodingInput.text) }
        for (number, line) in lines.enumerated() where line == nil {
            Console.error("\(texts ?? ""): line \(number + 1) is not UTF-8")
        }
        let file = try output.map { try EncodingFile(path: $0, model: model) }
        var failures = lines.count { $0 == nil }
        var done = 0
        var warnings = 0
        let bar = ProgressBar(isShown: file != nil && Environment.showsProgress)
        defer { bar.finish() }
        try await model.encode(inputs) { row in
            done += 1
            bar.show(IndexingProgress(done: done, total: inputs.count))
            for warning in row.warnings {
                warnings += 1
                if warnings <= Self.shownWarnings {
                    Console.error("\(Self.short(row.input)): \(Escaping.visible(Array(warning.utf8)))")
                }
            }
            switch row.result {
            case .success(let gaussian):
                if let file {
                    try file.append(row.input, gaussian)
                } else {
                    Console.write(GaussianLines.line(row.input, gaussian))
                }
            case .failure(let failure):
                failures += 1
                Console.error("\(Self.name(row.input)): \(failure)")
            }
        }
        if warnings > Self.shownWarnings { Console.error("and \(warnings - Self.shownWarnings) more such warnings") }
        try file?.finish()
        if failures > 0 { throw ExitCode(2) }
    }

    /// Every line of the texts, nil for one that is not UTF-8; a line's end is a newline, with or without a carriage
    /// return.
    private func lines() throws -> [String?] {
        guard let texts else { return [] }
        let data: Data
        if texts == "-" {
            data = FileHandle.standardInput.readDataToEndOfFile()
        } else {
            // Not `Data(contentsOf:)`: it cannot read pipes, and `--texts <(command)` is one.
            guard let file = FileHandle(forReadingAtPath: texts), let content = try? file.readToEnd() ?? Data() else {
                throw Failure("\(texts): \(String(cString: strerror(errno)))")
            }
            data = content
        }
        var lines = data.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.last?.isEmpty ?? false { lines.removeLast() }
        return lines.map { String(validating: $0.last == 0x0D ? $0.dropLast() : $0, as: UTF8.self) }
    }

    /// More warnings than these are counted.
    private static let shownWarnings = 10

    /// The name of an input, a long one cut.
    private static func short(_ input: EncodingInput) -> String {
        let name = name(input)
        return name.count > 60 ? "\(name.prefix(59))\u{2026}" : name
    }

    private static func name(_ input: EncodingInput) -> String {
        switch input {
        case .picture(let path): Escaping.visible(path)
        case .text(let text): Escaping.visible(Array(text.utf8))
        }
    }
}
