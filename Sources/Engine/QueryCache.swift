// Texts that were asked for to their Gaussians: a repeated query needs neither tokenizer nor weights.
import Crypto
import Encoders
import Foundation
import Gaussians
import Glibc
public import Logging

/// The Gaussians of single queries, one file of the user's cache per model, encoding and tokenizer.
///
/// A file is a table of a fixed number of slots, so that its size is bounded without ever being cleaned up, a query reads one
/// small part of it, and writers overwrite a slot in place: nothing has to be rewritten, as a log would, and nothing has to
/// be opened and locked, as a database would, before it can be read. Each slot carries a checksum. Whatever is wrong, a torn
/// write or another's file, is as if nothing were there.
///
/// The file holds digests of the texts, not their words; still, who reads it can test a guess.
public struct QueryCache: Sendable {
    /// Remembers nothing.
    public static let none = QueryCache(folder: nil)

    /// The folder of the files, or nil where nothing is remembered.
    public let folder: String?
    private let logger: Logger

    /// What the figures of this program are made of: to be raised when the same text gets other bits.
    private static let arithmetic = 3
    /// More files than these are of models nobody uses any more.
    private static let maximumFiles = 8

    /// Uses `queries/` of a cache folder, created on the first write; nil remembers nothing.
    /// - Parameters:
    ///   - folder: the cache folder.
    ///   - logger: is told, at debug level, what was found, kept, and could not be read.
    public init(
        folder: String?, logger: Logger = Logger(label: "penumbra.queries") { _ in SwiftLogNoOpLogHandler() }
    ) {
        self.folder = folder.map { "\($0)/queries" }
        self.logger = logger
    }

    /// Encodes a text, or finds it encoded: the same bytes either way.
    /// - Throws: what the encoder throws.
    package func encode(_ text: String, _ model: Model) throws -> EncodedText {
        guard let table = try table(model) else { return try Self.encodeNow(text, model) }
        do {
            if let known = try table.find(text) {
                logger.debug("found the query in the cache", metadata: ["file": "\(table.path)"])
                return known
            }
        } catch {
            logger.debug("the cache of queries cannot be read", metadata: ["error": "\(error)"])
        }
        let encoded = try Self.encodeNow(text, model)
        guard !encoded.isEmpty, encoded.gaussian.isFinite else { return encoded }
        do {
            try prepareFolder(for: table)
            try table.keep(text, encoded)
        } catch {
            logger.debug("the query was not kept", metadata: ["error": "\(error)"])
        }
        return encoded
    }

    /// All cores are ours: whoever asks waits for this text.
    private static func encodeNow(_ text: String, _ model: Model) throws -> EncodedText {
        try model.textEncoder().encode([text], threads: Index.processorCount)[0]
    }

    /// What is remembered now.
    /// - Returns: queries and bytes on disk.
    public func content() -> (queries: Int, bytes: Int) {
        files.reduce((0, 0)) { sum, path in
            var status = stat()
            guard stat(path, &status) == 0 else { return sum }
            return (sum.0 + QueryTable.count(path), sum.1 + Int(status.st_blocks) * 512)
        }
    }

    /// Forgets all queries.
    /// - Returns: how many there were.
    /// - Throws: `FileError` when a file cannot be removed.
    @discardableResult public func removeAll() throws -> Int {
        let count = content().queries
        for path in files where unlink(path) != 0 && errno != ENOENT {
            throw FileError(path: path, reason: String(cString: strerror(errno)))
        }
        return count
    }

    private var files: [String] {
        guard let folder else { return [] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(QueryTable.suffix) }.map { "\(folder)/\($0)" }
    }

    /// The table of a model's queries; nil where nothing is remembered, or the model encodes no texts.
    private func table(_ model: Model) throws -> QueryTable? {
        guard let folder, let tokenizer = try model.tokenizerFingerprint() else { return nil }
        let identity = [
            "\(Self.arithmetic)", model.encodingID, "tokenizer=\(tokenizer)", "kernels=\(Kernels.best.name)",
        ]
        let key = SHA256.hash(data: Data(identity.joined(separator: ";").utf8))
        return QueryTable(
            folder: folder, key: Array(key), dimension: model.dimension, isPoint: model.isPointModel)
    }

    /// Makes the folder, and room in it for one more file: the one written longest ago goes.
    private func prepareFolder(for table: QueryTable) throws {
        guard let folder, access(table.path, F_OK) != 0 else { return }
        try FileManager.default.createPrivateFolder(folder)
        let byAge = files.sorted { modified($0) < modified($1) }
        for path in byAge.dropLast(Self.maximumFiles - 1) { unlink(path) }
    }

    private func modified(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mtim.tv_sec : 0
    }
}
