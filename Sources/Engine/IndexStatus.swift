// What an index says of itself.
import Storage

/// A file, or a name of another source, that could not be indexed.
public struct FailedItem: Sendable, Equatable {
    /// The path below the root, or the name; raw bytes.
    public let path: [UInt8]
    /// The reason.
    public let reason: String
    /// When it failed, seconds since 1970; nil where an early version did not note it.
    public let time: Int?
    /// Whether trying it again as it is can help: it could not be read, rather than not be understood.
    public let isRetryable: Bool
    /// The name of the source; nil for the scanned folder.
    public let source: String?
}

/// How many items a source has in a collection.
public struct SourceCount: Sendable, Equatable {
    /// "scan", "texts" or "import".
    public let kind: String
    /// Tells it from others of its kind; empty for the scan.
    public let name: String
    /// Where the items are.
    public let collection: Collection
    /// How many there are.
    public let items: Int
}

/// The state of an index.
public struct IndexStatus: Sendable {
    /// The index folder.
    public let folder: String
    /// The folder the pictures lie below.
    public let root: String
    /// The model's name or folder.
    public let model: String
    /// SHA-256 of the model's weights.
    public let modelFingerprint: String
    /// What makes the Gaussians comparable.
    public let encodingID: String
    /// The embedding dimension, D.
    public let dimension: Int
    /// The stored format.
    public let format: Int
    /// Grows by one with every commit.
    public let generation: Int
    /// Live pictures.
    public let images: Int
    /// Live texts.
    public let texts: Int
    /// Live items by source and collection.
    public let sources: [SourceCount]
    /// Slots of items that are gone.
    public let deadSlots: Int
    /// What could not be indexed, with the reason.
    public let failed: [FailedItem]
    /// Bytes of the index folder.
    public let bytes: Int
    /// Bytes of the catalogue among them.
    public let catalogueBytes: Int

    /// Scanned files that could not be indexed, with the reason.
    public var failures: [IndexingNotice] {
        failed.filter { $0.source == nil }.map { IndexingNotice(path: $0.path, reason: $0.reason) }
    }
}

extension Index {
    /// Reads the catalogue; needs no model.
    /// - Throws: an error when the catalogue cannot be read.
    public func status() throws -> IndexStatus {
        try store.readCatalogue { database in
            let state = try Catalogue.state(database, path: folder)
            let images = try Catalogue.count(.images, database)
            let texts = try Catalogue.count(.texts, database)
            let slots = try Collection.allCases.reduce(0) { try $0 + Catalogue.slots($1, database) }
            let sources = try Catalogue.counts(database).map {
                SourceCount(
                    kind: $0.source.kind.rawValue, name: $0.source.name, collection: $0.collection, items: $0.items)
            }
            let failed = try Catalogue.sources(database).flatMap { source in
                try Catalogue.failures(source, database).map { FailedItem($0, source) }
            }
            return IndexStatus(
                folder: folder, root: root, model: state.model, modelFingerprint: state.modelFingerprint,
                encodingID: state.encodingID, dimension: state.dimension, format: state.format,
                generation: state.generation, images: images, texts: texts, sources: sources,
                deadSlots: slots - images - texts, failed: failed, bytes: store.size,
                catalogueBytes: store.catalogueSize)
        }
    }
}

extension FailedItem {
    fileprivate init(_ record: FailureRecord, _ source: Source) {
        self.init(
            path: record.name, reason: record.reason, time: record.time > 0 ? record.time : nil,
            isRetryable: record.isRetryable, source: source == .scan ? nil : source.name)
    }
}
