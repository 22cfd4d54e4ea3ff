// Files of texts in the catalogue: what each was when it was read, and which pictures its texts belong to.
import Foundation
import GRDB

/// A file of texts as it was when it was read to its end.
package struct TextFileRecord: Sendable, Equatable {
    package var size: Int
    /// Nanoseconds since 1970.
    package var modified: Int
    package var changed: Int
    /// SHA-256 of the content.
    package var hash: [UInt8]
    /// Which columns were read: another choice reads the file again.
    package var columns: String

    package init(size: Int, modified: Int, changed: Int, hash: [UInt8], columns: String) {
        self.size = size
        self.modified = modified
        self.changed = changed
        self.hash = hash
        self.columns = columns
    }
}

/// What a batch changes about a file of texts besides its items.
package struct TextChanges: Sendable {
    /// The pictures of these texts from now on; the texts are items of the batch's source.
    package var links: [(text: [UInt8], pictures: [[UInt8]])] = []
    /// The file was read to its end, and was this.
    package var file: TextFileRecord?
    /// Forgets every failure of the source: the file is being read anew.
    package var forgetsFailures = false

    package init() {}

    var isEmpty: Bool { links.isEmpty && file == nil && !forgetsFailures }
}

extension Catalogue {
    /// A file that lost a text, for whatever reason, is read again.
    static let textSchema = """
        CREATE TABLE text_file (
            source INTEGER PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE, size INTEGER NOT NULL,
            modified_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL, hash BLOB NOT NULL, columns TEXT NOT NULL);
        CREATE TABLE text_link (
            item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE, picture BLOB NOT NULL,
            PRIMARY KEY (item, picture)) WITHOUT ROWID;
        CREATE INDEX text_link_picture ON text_link (picture);
        CREATE VIRTUAL TABLE caption USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2');
        INSERT INTO caption (rowid, text) SELECT id, CAST(name AS TEXT) FROM item WHERE collection = 1;
        CREATE TRIGGER caption_added AFTER INSERT ON item WHEN new.collection = 1 BEGIN
            INSERT INTO caption (rowid, text) VALUES (new.id, CAST(new.name AS TEXT));
        END;
        CREATE TRIGGER caption_removed AFTER DELETE ON item WHEN old.collection = 1 BEGIN
            DELETE FROM caption WHERE rowid = old.id;
            DELETE FROM text_file WHERE source = old.source;
        END;
        """

    /// Writes what a batch says of a file of texts; its additions are already items.
    static func record(_ changes: TextChanges, source: Int, _ database: Database) throws {
        if changes.forgetsFailures {
            try database.execute(sql: "DELETE FROM failure WHERE source = ?", arguments: [source])
        }
        for (text, pictures) in changes.links {
            guard
                let item = try Int64.fetchOne(
                    database.cachedStatement(
                        sql: "SELECT id FROM item WHERE collection = 1 AND source = ? AND name = ?"),
                    arguments: [source, Data(text)])
            else { continue }
            try database.cachedStatement(sql: "DELETE FROM text_link WHERE item = ?").execute(arguments: [item])
            let insert = try database.cachedStatement(sql: "INSERT OR IGNORE INTO text_link VALUES (?, ?)")
            for picture in pictures { try insert.execute(arguments: [item, Data(picture)]) }
        }
        if let file = changes.file {
            try database.execute(
                sql: "INSERT OR REPLACE INTO text_file VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [source, file.size, file.modified, file.changed, Data(file.hash), file.columns])
        }
    }

    /// What a source's file was when it was last read to its end, or nil.
    package static func textFile(_ source: Source, _ database: Database) throws -> TextFileRecord? {
        try Row.fetchOne(
            database,
            sql: """
                SELECT size, modified_ns, changed_ns, hash, columns FROM text_file
                WHERE source = (SELECT id FROM source WHERE kind = ? AND name = ?)
                """, arguments: [source.kind.rawValue, source.name]
        ).map { row in
            TextFileRecord(
                size: row[0], modified: row[1], changed: row[2], hash: Array(row[3] as Data), columns: row[4])
        }
    }

    /// The pictures a text belongs to, in byte order.
    package static func links(of text: ItemID, _ database: Database) throws -> [[UInt8]] {
        try Data.fetchAll(
            database.cachedStatement(sql: "SELECT picture FROM text_link WHERE item = ? ORDER BY picture"),
            arguments: [text.rawValue]
        ).map { Array($0) }
    }

    /// How many pictures the texts of a source belong to that are not in the index, and the first of them by name.
    package static func missingPictures(
        of source: Source, _ database: Database
    ) throws -> (count: Int, first: [UInt8])? {
        try Row.fetchOne(
            database,
            sql: """
                SELECT count(*), min(picture) FROM (
                    SELECT DISTINCT picture FROM text_link JOIN item ON item.id = text_link.item
                    WHERE item.source = (SELECT id FROM source WHERE kind = ? AND name = ?) AND NOT EXISTS (
                        SELECT 1 FROM item AS image WHERE image.collection = 0
                            AND image.source IN (SELECT id FROM source) AND image.name = text_link.picture))
                HAVING count(*) > 0
                """, arguments: [source.kind.rawValue, source.name]
        ).map { row in (row[0], Array(row[1] as Data)) }
    }
}
