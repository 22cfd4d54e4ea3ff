// `--precision` and `--fast-decode`: how pictures and texts are encoded.
import ArgumentParser
import Engine

extension Precision: ExpressibleByArgument {}

/// What is chosen of the encoding; an index remembers it.
struct EncodingArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "f32 (the default) or bf16: faster on processors with AVX512_BF16, and a little less exact; needs a program "
                + "built with oneDNN. An index keeps its own.", valueName: "precision"))
    var precision: Precision?

    @Flag(
        help: ArgumentHelp(
            "Decode JPEG files at a half, a quarter or an eighth of their size where that is still twice what the model sees: "
                + "faster for large pictures, and a little less exact. An index keeps its own."))
    var fastDecode = false

    /// The options for something new.
    /// - Throws: `PrecisionError` where this program cannot compute so.
    func options() throws -> EncodingOptions {
        var options = EncodingOptions()
        options.precision = precision ?? .f32
        options.decodesReduced = fastDecode
        try options.precision.check()
        return options
    }

    /// Refuses what an index was not made with: its Gaussians could not be compared with the new ones.
    /// - Throws: `Failure`.
    func check(_ index: Index) throws {
        let made = index.encoding
        if let precision, precision != made.precision {
            throw Failure(
                "the index was made with --precision \(made.precision.rawValue), and keeps it; "
                    + "another index (--index PATH) may have \(precision.rawValue)")
        }
        if fastDecode, !made.decodesReduced {
            throw Failure(
                "the index was made without --fast-decode, and stays so; another index (--index PATH) may have it")
        }
    }
}
