// The rows of the catalogue as values.
import Foundation

/// What an index is: written once at creation, but for the counters and the model's location.
package struct IndexState: Sendable, Equatable {
    /// Identity shared by catalogue and vectors.
    package var uuid: String
    /// The stored format.
    package var format: Int
    /// The root of the pictures, raw bytes, or nil: the folder that holds the index folder.
    package var root: [UInt8]?
    /// The model's registered name or folder.
    package var model: String
    /// SHA-256 of the model's weights, hexadecimal.
    package var modelFingerprint: String
    /// What makes two Gaussians comparable.
    package var encodingID: String
    /// D.
    package var dimension: Int
    /// Name of the vectors' folder.
    package var vectors: String
    /// Grows by one with every commit.
    package var generation: Int
    /// The next item's id.
    package var nextItemID: ItemID
}

extension IndexState {
    /// A new, empty index with an identity of its own.
    /// - Parameters: as the properties of the same names.
    package init(root: [UInt8]?, model: String, modelFingerprint: String, encodingID: String, dimension: Int) {
        self.init(
            uuid: UUID().uuidString, format: Catalogue.format, root: root, model: model,
            modelFingerprint: modelFingerprint, encodingID: encodingID, dimension: dimension, vectors: "vectors-1",
            generation: 0, nextItemID: ItemID(rawValue: 1))
    }
}

/// What is known of a file when it was indexed.
package struct FileRecord: Sendable, Equatable {
    /// Bytes.
    package var size: Int
    /// Modification time, nanoseconds since 1970.
    package var modified: Int
    /// Time of the last status change, nanoseconds since 1970.
    package var changed: Int
    /// SHA-256 of the content.
    package var hash: [UInt8]
    /// What the content says of itself.
    package var picture: PictureRecord

    package init(
        size: Int, modified: Int, changed: Int, hash: [UInt8], picture: PictureRecord = PictureRecord()
    ) {
        self.size = size
        self.modified = modified
        self.changed = changed
        self.hash = hash
        self.picture = picture
    }
}

/// What a picture's content says of itself.
package struct PictureRecord: Sendable, Equatable {
    /// Pixels, before orientation.
    package var width = 0
    package var height = 0
    /// EXIF orientation, 1 to 8; 1 where there is none.
    package var orientation = 1
    /// When it was taken, by the clock of the place: "2019-06-01T12:34:56"; nil where EXIF does not say.
    package var taken: String?
    /// Minutes that clock was ahead of UTC; nil where EXIF does not say.
    package var takenOffset: Int?

    package init(width: Int = 0, height: Int = 0, orientation: Int = 1, taken: String? = nil, takenOffset: Int? = nil) {
        self.width = width
        self.height = height
        self.orientation = orientation
        self.taken = taken
        self.takenOffset = takenOffset
    }
}

/// An item of the catalogue: a picture's path below the root (raw bytes) or a text, and where its rows lie.
package struct ItemRecord: Sendable, Equatable {
    package var id: ItemID
    package var name: [UInt8]
    package var file: FileRecord?
    package var placement: Placement
    /// The item's uncertainty, as its stored scalars say.
    package var totalVariance: Double
}

/// A file that could not be indexed, and as what it was seen.
package struct FailureRecord: Sendable, Equatable {
    package var name: [UInt8]
    package var reason: String
    package var size: Int
    package var modified: Int
    package var changed: Int
    /// When it failed, seconds since 1970; 0 where an early version did not note it.
    package var time: Int
    /// Whether trying the unchanged file again can help: it could not be read, rather than not be understood.
    package var isRetryable: Bool

    package init(
        name: [UInt8], reason: String, size: Int, modified: Int, changed: Int, time: Int, isRetryable: Bool
    ) {
        self.name = name
        self.reason = reason
        self.size = size
        self.modified = modified
        self.changed = changed
        self.time = time
        self.isRetryable = isRetryable
    }
}

/// Where items come from.
package struct Source: Hashable, Sendable {
    /// The kinds of sources.
    package enum Kind: String, Sendable, CaseIterable {
        /// The folder scan of the root.
        case scan
        /// A file of texts.
        case texts
        /// Vectors that were encoded elsewhere.
        case imported = "import"
    }
    package var kind: Kind
    /// What tells it from others of its kind: a file's path, an import's name; empty for the scan.
    package var name: String

    package init(kind: Kind, name: String) {
        self.kind = kind
        self.name = name
    }

    /// The folder scan of the root.
    package static let scan = Source(kind: .scan, name: "")
}
