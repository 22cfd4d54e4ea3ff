// The tables of the catalogue, and how older ones become today's.
import GRDB

extension Catalogue {
    /// Migrations are named and only ever appended; `vectors` opens the vectors an outdated catalogue names, for columns
    /// that are derived from them.
    package static func migrator(
        vectors: @escaping @Sendable (IndexState) throws -> VectorStore
    ) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: state, sources, items, blocks, failures") { database in
            try database.execute(sql: schema)
        }
        migrator.registerMigration("2: capture times, uncertainty, folders, time of failures") { database in
            try database.execute(sql: schema2)
            guard let row = try Row.fetchOne(database, sql: "SELECT * FROM state") else { return }
            try fillUncertainty(vectors(state(row)), database)
        }
        migrator.registerMigration("3: texts") { try $0.execute(sql: textSchema) }
        return migrator
    }

    private static let schema2 = """
        ALTER TABLE item ADD COLUMN orientation INTEGER;
        ALTER TABLE item ADD COLUMN taken TEXT;
        ALTER TABLE item ADD COLUMN taken_offset INTEGER;
        ALTER TABLE item ADD COLUMN total_variance REAL NOT NULL DEFAULT 0;
        ALTER TABLE failure ADD COLUMN failed_at INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE failure ADD COLUMN is_retryable INTEGER NOT NULL DEFAULT 1;
        CREATE TABLE folder (path BLOB PRIMARY KEY, device INTEGER NOT NULL) WITHOUT ROWID;
        """

    /// Copies every item's total variance from the vectors into the catalogue.
    private static func fillUncertainty(_ vectors: VectorStore, _ database: Database) throws {
        let update = try database.makeStatement(sql: "UPDATE item SET total_variance = ? WHERE id = ?")
        try vectors.environment.read { transaction in
            for collection in Collection.allCases {
                for block in try blocks(collection, database) where block.count > 0 {
                    let view = try vectors.view(collection, block, transaction)
                    for slot in 0..<block.count where block.live[slot] {
                        try update.execute(arguments: [view.scalars[2 * slot + 1], Int64(view.ids[slot])])
                    }
                }
            }
        }
    }

    private static let schema = """
        CREATE TABLE state (
            one INTEGER PRIMARY KEY CHECK (one = 1), uuid TEXT NOT NULL, format INTEGER NOT NULL, root BLOB,
            model TEXT NOT NULL, model_fingerprint TEXT NOT NULL, encoding_id TEXT NOT NULL,
            dimension INTEGER NOT NULL, vectors TEXT NOT NULL, generation INTEGER NOT NULL, next_item_id INTEGER NOT NULL);
        CREATE TABLE source (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (kind, name));
        INSERT INTO source VALUES (1, 'scan', '');
        CREATE TABLE item (
            id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, source INTEGER NOT NULL REFERENCES source (id),
            name BLOB NOT NULL, block INTEGER NOT NULL, slot INTEGER NOT NULL,
            size INTEGER, modified_ns INTEGER, changed_ns INTEGER, hash BLOB, width INTEGER, height INTEGER,
            UNIQUE (collection, source, name));
        CREATE INDEX item_hash ON item (hash) WHERE hash IS NOT NULL;
        CREATE TABLE block (
            collection INTEGER NOT NULL, number INTEGER NOT NULL, count INTEGER NOT NULL, live BLOB NOT NULL,
            PRIMARY KEY (collection, number)) WITHOUT ROWID;
        CREATE TABLE failure (
            source INTEGER NOT NULL REFERENCES source (id), name BLOB NOT NULL, reason TEXT NOT NULL,
            size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL,
            PRIMARY KEY (source, name)) WITHOUT ROWID;
        """
}
