// What an index says of itself.
import Storage

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
    /// Grows by one with every commit.
    public let generation: Int
    /// Live pictures.
    public let images: Int
    /// Live texts.
    public let texts: Int
    /// Slots of items that are gone.
    public let deadSlots: Int
    /// Files that could not be indexed, with the reason.
    public let failures: [IndexingNotice]
    /// Bytes of the index folder.
    public let bytes: Int
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
            let failures = try Catalogue.failures(.scan, database).map {
                IndexingNotice(path: $0.name, reason: $0.reason)
            }
            return IndexStatus(
                folder: folder, root: root, model: state.model, modelFingerprint: state.modelFingerprint,
                encodingID: state.encodingID, dimension: state.dimension, generation: state.generation,
                images: images, texts: texts, deadSlots: slots - images - texts, failures: failures,
                bytes: store.size(vectors: state.vectors))
        }
    }
}
