// A condition on items to one bound SQL statement, and to the slots of the items that meet it.
import Foundation
import GRDB
import Gaussians

/// What an item must be to answer.
package indirect enum ItemCondition: Sendable, Equatable {
    case all([ItemCondition])
    case any([ItemCondition])
    case not(ItemCondition)
    /// A field compared with a value.
    case compare(Field, Comparison, Value)
    /// A pattern: `*`, `?`, `[...]` (case counts) or `%`, `_` (it does not).
    case matches(Field, Pattern, String)
    /// In this folder or below it; the root for an empty path.
    case isBelow(folder: [UInt8])
    /// A caption that holds all these words.
    case hasWords([String])
    /// A linked caption that is this text, or is like a pattern.
    case hasCaption(Pattern?, String)

    /// What is known of an item.
    package enum Field: Sendable, Equatable {
        /// The path below the root, or the text.
        case name
        /// The last component of the path.
        case fileName
        /// What holds the file, below the root; empty for the root.
        case folder
        /// Behind the last dot, lower case; empty where there is none.
        case fileExtension
        /// The capture time's beginning: that many characters of "2019-06-01T12:34:56".
        case taken(prefix: Int)
        case bytes
        /// Pixels of the upright picture.
        case width
        case height
        /// "landscape", "portrait" or "square", of the upright picture.
        case orientation
        case totalVariance
    }

    /// How a field stands to a value.
    package enum Comparison: String, Sendable {
        case equal = "="
        case unequal = "<>"
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    package enum Value: Sendable, Equatable {
        case text(String)
        case number(Double)
    }

    package enum Pattern: Sendable, Equatable {
        case glob
        case like
    }
}

/// A condition as SQL over the table `item`, with the values of its question marks.
struct ItemSQL {
    var text: String
    var arguments: [DatabaseValue]

    /// Compiles a condition; whatever is unknown of an item (a capture time) meets no comparison, so that `not` is the
    /// exact complement.
    init(_ condition: ItemCondition, _ collection: Collection) {
        switch condition {
        case .all(let parts): self = Self.joined(parts, " AND ", empty: "1", collection)
        case .any(let parts): self = Self.joined(parts, " OR ", empty: "0", collection)
        case .not(let part):
            let part = ItemSQL(part, collection)
            self.init(text: "NOT (\(part.text))", arguments: part.arguments)
        case .compare(let field, let comparison, .text(let value)):
            self.init(
                text: "coalesce(\(Self.column(field)) \(comparison.rawValue) ?, 0)", arguments: [value.databaseValue])
        case .compare(let field, let comparison, .number(let value)):
            self.init(
                text: "coalesce(\(Self.column(field)) \(comparison.rawValue) ?, 0)", arguments: [value.databaseValue])
        case .matches(let field, let pattern, let value):
            let word = pattern == .glob ? "GLOB" : "LIKE"
            self.init(text: "coalesce(\(Self.column(field)) \(word) ?, 0)", arguments: [value.databaseValue])
        case .isBelow(let folder) where folder.isEmpty: self.init(text: "1", arguments: [])
        case .isBelow(let folder):
            // '0' follows '/': everything from "folder/" up to "folder0" begins with "folder/".
            self.init(
                text: "(item.name >= ? AND item.name < ?)",
                arguments: [Data(folder + [0x2F]).databaseValue, Data(folder + [0x30]).databaseValue])
        case .hasWords(let words):
            let query = words.map { "\"\($0.replacingOccurrences(of: "\"", with: "\"\""))\"" }.joined(separator: " ")
            self = Self.caption("caption MATCH ?", query, collection)
        case .hasCaption(nil, let value): self = Self.caption("caption.text = ?", value, collection)
        case .hasCaption(.glob?, let value): self = Self.caption("caption.text GLOB ?", value, collection)
        case .hasCaption(.like?, let value): self = Self.caption("caption.text LIKE ?", value, collection)
        }
    }

    private init(text: String, arguments: [DatabaseValue]) {
        self.text = text
        self.arguments = arguments
    }

    private static func joined(
        _ parts: [ItemCondition], _ separator: String, empty: String, _ collection: Collection
    ) -> ItemSQL {
        let compiled = parts.map { ItemSQL($0, collection) }
        guard !compiled.isEmpty else { return ItemSQL(text: empty, arguments: []) }
        return ItemSQL(
            text: "(" + compiled.map(\.text).joined(separator: separator) + ")",
            arguments: compiled.flatMap(\.arguments))
    }

    /// Texts by their own words, pictures by the words of the texts that are linked to them.
    private static func caption(_ test: String, _ value: String, _ collection: Collection) -> ItemSQL {
        let matching = "SELECT rowid FROM caption WHERE \(test)"
        return switch collection {
        case .texts: ItemSQL(text: "item.id IN (\(matching))", arguments: [value.databaseValue])
        case .images:
            ItemSQL(
                text: "item.name IN (SELECT picture FROM text_link WHERE item IN (\(matching)))",
                arguments: [value.databaseValue])
        }
    }

    private static func column(_ field: ItemCondition.Field) -> String {
        let name = "CAST(item.name AS TEXT)"
        // What is left of a path when all but its slashes is trimmed from its end: the folder with a slash behind it.
        let folder = "rtrim(\(name), replace(\(name), '/', ''))"
        let file = "substr(\(name), length(\(folder)) + 1)"
        let upright = { (a: String, b: String) in "CASE WHEN item.orientation >= 5 THEN item.\(b) ELSE item.\(a) END" }
        let width = upright("width", "height")
        let height = upright("height", "width")
        return switch field {
        case .name: name
        case .fileName: file
        case .folder: "rtrim(\(folder), '/')"
        case .fileExtension:
            """
            CASE WHEN instr(\(file), '.') THEN
            lower(substr(\(file), length(rtrim(\(file), replace(\(file), '.', ''))) + 1)) ELSE '' END
            """
        case .taken(let prefix): "substr(item.taken, 1, \(prefix))"
        case .bytes: "item.size"
        case .width: "(\(width))"
        case .height: "(\(height))"
        case .orientation:
            """
            CASE WHEN (\(width)) > (\(height)) THEN 'landscape' WHEN (\(width)) < (\(height)) THEN 'portrait'
            WHEN (\(width)) = (\(height)) AND item.width > 0 THEN 'square' END
            """
        case .totalVariance: "item.total_variance"
        }
    }
}

extension Snapshot {
    /// The same generation, with a collection restricted to items that meet a condition and have none of these contents.
    ///
    /// `blocks(of:)` and all that is built on it then see those items alone.
    /// - Returns: the restricted snapshot, and how many items are left.
    /// - Complexity: one statement over the items of the collection.
    package func restricted(
        _ collection: Collection, to condition: ItemCondition?, excluding hashes: [[UInt8]] = []
    ) throws -> (snapshot: Snapshot, count: Int) {
        guard condition != nil || !hashes.isEmpty else { return (self, try slotCount(collection)) }
        var sql = ItemSQL(.all(condition.map { [$0] } ?? []), collection)
        if !hashes.isEmpty {
            let marks = hashes.map { _ in "?" }.joined(separator: ", ")
            sql.text += " AND (item.hash IS NULL OR item.hash NOT IN (\(marks)))"
            sql.arguments += hashes.map { Data($0).databaseValue }
        }
        var allowed: [Int: LiveBitmap] = [:]
        var count = 0
        let rows = try Row.fetchCursor(
            database, sql: "SELECT block, slot FROM item WHERE collection = ? AND \(sql.text)",
            arguments: StatementArguments([collection.rawValue.databaseValue] + sql.arguments))
        while let row = try rows.next() {
            allowed[row[0], default: LiveBitmap()][row[1]] = true
            count += 1
        }
        var restricted = self
        restricted.restrictions[collection] = allowed
        return (restricted, count)
    }
}

/// How items are listed.
package enum ItemOrder: Sendable {
    case name
    case taken
    case totalVariance
}

extension Catalogue {
    /// Items that meet a condition, in an order; ties, and items without a capture time, which come last, by name.
    package static func list(
        _ collection: Collection, where condition: ItemCondition?, by order: ItemOrder, isReversed: Bool, limit: Int?,
        offset: Int, _ database: Database, _ body: (ItemRecord) throws -> Void
    ) throws {
        let sql = ItemSQL(.all(condition.map { [$0] } ?? []), collection)
        let direction = isReversed ? "DESC" : "ASC"
        let columns =
            switch order {
            case .name: "name \(direction)"
            case .taken: "taken IS NULL, taken \(direction), name"
            case .totalVariance: "total_variance \(direction), name"
            }
        let arguments =
            [collection.rawValue.databaseValue] + sql.arguments
            + [(limit ?? -1).databaseValue, offset.databaseValue]
        try forEachItem(
            sql: "collection = ? AND \(sql.text) ORDER BY \(columns), source LIMIT ? OFFSET ?",
            StatementArguments(arguments), database, body)
    }
}

extension Snapshot {
    /// What `body` makes of a fixed sample of a collection: evenly spaced over all its live items, restricted or not.
    package func sample<T>(_ collection: Collection, limit: Int, _ body: (Gaussian) throws -> T) throws -> [T] {
        try sampleSlots(collection, limit: limit).flatMap { block, slots in
            try slots.map { try body(gaussian(collection, at: Placement(block: block.number, slot: $0))) }
        }
    }

    /// The same of means `[D]` and total variances, in place: log variances are not read.
    package func sampleMeans<T>(
        _ collection: Collection, limit: Int, _ body: (UnsafeBufferPointer<Float>, Double) throws -> T
    ) throws -> [T] {
        try sampleSlots(collection, limit: limit).flatMap { block, slots in
            let view = try view(block, of: collection)
            return try slots.map { slot in
                let mean = UnsafeBufferPointer(
                    start: view.means + slot * vectors.dimension, count: vectors.dimension)
                return try body(mean, view.scalars[2 * slot + 1])
            }
        }
    }

    private func sampleSlots(_ collection: Collection, limit: Int) throws -> [(LiveBlock, [Int])] {
        let blocks = try allBlocks(of: collection)
        let total = blocks.reduce(0) { $0 + $1.live.count }
        let count = min(limit, total)
        var made = 0
        var seen = 0
        return blocks.map { block in
            var slots: [Int] = []
            for slot in 0..<block.count where block.live[slot] {
                // The next due item is the one whose number is made * total / count.
                if made < count, seen == made * total / count {
                    slots.append(slot)
                    made += 1
                }
                seen += 1
            }
            return (block, slots)
        }.filter { !$0.1.isEmpty }
    }
}
