// A model folder to what can be done with it: pictures and texts to Gaussians, and closeness to probability.
import Crypto
import Gaussians
import Glibc
import Synchronization

/// A ProLIP dual encoder: one folder (or the built-in model), opened once, its weights mapped and loaded tower by tower.
public final class Model: Sendable {
    /// The name of the model inside the program.
    public static let builtinName = ModelFiles.builtinName

    /// "penumbra-tiny", a registered name, or the folder it was opened from.
    public let name: String
    /// The embedding dimension, D.
    public var dimension: Int { configuration.dimension }
    /// SHA-256 of `model.safetensors`, hexadecimal.
    public let fingerprint: String
    /// From CSD to match logit and probability.
    public let matchScale: MatchScale
    /// Whether the checkpoint has a `logit_bias`.
    public let hasBias: Bool
    /// The best match probability under which an answer is not convincing, where the model says.
    public let unconvincingBelow: Double?
    /// Whether the model gives points instead of Gaussians: one of its towers has no uncertainty token.
    public var isPointModel: Bool { !configuration.image.hasUncertainty || !configuration.text.hasUncertainty }
    /// How it encodes.
    public let options: EncodingOptions

    package let configuration: ModelConfiguration
    let files: ModelFiles
    let weights: Safetensors
    private let cache: FileCache
    private let image = Mutex<ImageEncoder?>(nil)
    private let text = Mutex<TextEncoder?>(nil)

    /// Opens the built-in model.
    /// - Parameter options: how it encodes.
    /// - Returns: the model compiled into this program.
    /// - Throws: never but for a program built wrongly.
    public static func builtin(_ options: EncodingOptions = EncodingOptions()) throws -> Model {
        try Model(.builtin, name: builtinName, options, .none)
    }

    /// Opens a model folder: `config.json`, `model.safetensors` and, for texts, `tokenizer.json`.
    /// - Parameters:
    ///   - folder: the folder's path.
    ///   - options: how it encodes.
    /// - Throws: an error whose description names file, key, got and expected.
    public convenience init(folder: String, _ options: EncodingOptions = EncodingOptions()) throws {
        try self.init(folder: folder, name: folder, options, cache: .none)
    }

    /// Opens a model folder under a name, with its tokenizer elsewhere and its fingerprint remembered.
    convenience init(
        folder: String, name: String, tokenizer: String? = nil, _ options: EncodingOptions = EncodingOptions(),
        cache: FileCache
    ) throws {
        try self.init(.folder(folder, tokenizer: tokenizer), name: name, options, cache)
    }

    private init(_ files: ModelFiles, name: String, _ options: EncodingOptions, _ cache: FileCache) throws {
        self.name = name
        self.files = files
        self.cache = cache
        self.options = options
        configuration = try ModelConfiguration(files.required("config.json"))
        weights = try Safetensors(file: files.required("model.safetensors"))
        fingerprint = files.fingerprint("model.safetensors") ?? cache.fingerprint(of: weights.file)
        let calibration = try files.file("calibration.json").map(Calibration.init) ?? Calibration()
        unconvincingBelow = calibration.unconvincingBelow
        var checkpoint = Checkpoint(weights)
        let scale = configuration.hasLogitScale ? exp(Double(try checkpoint.scalar("logit_scale"))) : 1
        let bias = configuration.hasLogitBias ? try checkpoint.scalar("logit_bias") : nil
        hasBias = bias != nil
        matchScale = MatchScale(
            scale: scale, bias: Double(bias ?? 0), slope: calibration.slope, offset: calibration.offset)
        try checkpoint.finish(ignoring: ["visual.", "text."])
    }

    /// What makes Gaussians of this model comparable: weights, architecture, preprocessing, orientation, decoding and
    /// precision, as `key=value` pairs.
    public var encodingID: String {
        let image = configuration.image
        let pairs = [
            "model=\(fingerprint)",
            "architecture=\(SHA256.hash(data: Array(configuration.canonical.utf8)).hexadecimal.prefix(16))",
            "picture=\(image.height)x\(image.width)-bicubic-center",
        ]
        return (pairs + options.pairs).joined(separator: ";")
    }

    /// SHA-256 of `tokenizer.json`, hexadecimal, or nil where there is none: which texts are the same to the model is no
    /// part of the encoding id, but is to whoever remembers texts.
    package func tokenizerFingerprint() throws -> String? {
        if let known = files.fingerprint("tokenizer.json") { return known }
        return try files.file("tokenizer.json").map(cache.fingerprint)
    }

    /// Whether the text tower is in memory.
    package var hasLoadedTexts: Bool { text.withLock { $0 != nil } }

    /// Loads both towers and the tokenizer where there is one, so that whatever is wrong is said now.
    func checkEverything() throws {
        _ = try imageEncoder()
        if try files.file("tokenizer.json") != nil { _ = try textEncoder() }
    }

    /// Whether the model has a `tokenizer.json`; without one it encodes pictures only.
    public var encodesTexts: Bool { (try? files.file("tokenizer.json")) != nil }

    /// The image encoder, loaded on first use.
    package func imageEncoder() throws -> ImageEncoder {
        try image.withLock { encoder in
            if let encoder { return encoder }
            try options.precision.check()
            var checkpoint = Checkpoint(weights)
            let tower = try ImageTower(
                &checkpoint, configuration.image, dimension: dimension, precision: options.precision)
            let loaded = ImageEncoder(tower: tower, options)
            encoder = loaded
            return loaded
        }
    }

    /// The text encoder, loaded on first use.
    /// - Throws: `FileError` when the model has no tokenizer; errors of the tokenizer and the weights.
    package func textEncoder() throws -> TextEncoder {
        try text.withLock { encoder in
            if let encoder { return encoder }
            guard let file = try files.file("tokenizer.json") else {
                throw FileError(
                    path: name, reason: "the model has no tokenizer.json: it encodes pictures only, not texts")
            }
            try options.precision.check()
            let tokenizer = try Tokenizer(file, cache: cache)
            var checkpoint = Checkpoint(weights)
            let tower = try TextTower(
                &checkpoint, configuration.text, dimension: dimension, precision: options.precision)
            let loaded = try TextEncoder(tokenizer: tokenizer, tower: tower, file: file.path)
            encoder = loaded
            return loaded
        }
    }

    /// Turns texts into Gaussians.
    /// - Returns: one per text, in order; the means normalised.
    /// - Throws: `FileError` when the model has no tokenizer.
    public func encode(texts: [String]) throws -> [Gaussian] {
        try textEncoder().encode(texts).map(\.gaussian)
    }

    /// Turns the content of picture files into Gaussians.
    /// - Parameter pictures: whole files, JPEG, PNG or WebP.
    /// - Returns: one per picture, in order; the means normalised.
    /// - Throws: an error saying why a picture was refused.
    public func encode(pictures: [[UInt8]]) throws -> [Gaussian] {
        let encoder = try imageEncoder()
        return encoder.encode(try pictures.map { try encoder.prepare($0) })
    }

    /// Turns a picture file into a Gaussian.
    /// - Throws: `FileError` when the file cannot be read; an error saying why the picture was refused.
    public func encode(pictureAt path: String) throws -> Gaussian {
        let encoder = try imageEncoder()
        let file = try MappedFile(path: path)
        return encoder.encode([try encoder.prepare(file.withBytes { Array($0) })])[0]
    }
}

extension Sequence<UInt8> {
    /// Lower-case hexadecimal digits.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
