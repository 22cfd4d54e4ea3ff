// An index to a list of what it holds, without any query.
import Storage

/// An item of a listing.
public struct ListedItem: Sendable, Equatable {
    /// Picture or text.
    public let collection: Collection
    /// The picture's path below the root, or the text, raw bytes.
    public let bytes: [UInt8]
    /// Its uncertainty: larger is vaguer.
    public let totalVariance: Double
    /// When the picture was taken, by the clock of the place.
    public let taken: String?
    /// Bytes of the file.
    public let size: Int?
    /// Pixels of the upright picture.
    public let width: Int?
    /// Pixels of the upright picture.
    public let height: Int?

    init(_ item: ItemRecord, _ collection: Collection) {
        let picture = item.file?.picture
        let isTurned = (picture?.orientation ?? 1) >= 5
        self.collection = collection
        bytes = item.name
        totalVariance = item.totalVariance
        taken = picture?.taken
        size = item.file?.size
        width = isTurned ? picture?.height : picture?.width
        height = isTurned ? picture?.width : picture?.height
    }
}

extension Index {
    /// Lists items in an order, ties by name; needs no model.
    /// - Parameters:
    ///   - collection: pictures or texts.
    ///   - order: by name (`path` and `csd`), capture time (unknown ones last) or uncertainty.
    ///   - isReversed: largest first.
    ///   - filter: which items.
    ///   - offset: how many to leave out.
    ///   - limit: the most to list; nil lists all.
    ///   - body: called once per item.
    /// - Throws: an error when the catalogue cannot be read; what `body` throws.
    public func list(
        _ collection: Collection = .images, by order: SearchOrder = .path, isReversed: Bool = false,
        where filter: Filter? = nil, offset: Int = 0, limit: Int? = nil, _ body: (ListedItem) throws -> Void
    ) throws {
        let column: ItemOrder =
            switch order {
            case .path, .csd: .name
            case .taken: .taken
            case .uncertainty: .totalVariance
            }
        try store.readCatalogue { database in
            try Catalogue.list(
                collection, where: filter?.condition(on: collection), by: column, isReversed: isReversed, limit: limit,
                offset: offset,
                database
            ) { try body(ListedItem($0, collection)) }
        }
    }
}
