// An index folder to what is wrong with it: both stores against each other, every checksum, every vector.
import GRDB
import Gaussians

/// Something that is not as it must be.
public struct Damage: Sendable, Equatable, CustomStringConvertible {
    /// Where: "block 3 of images, column means", "item 17", "catalogue".
    public let place: String
    /// What is wrong there.
    public let reason: String

    /// The sentence shown to people.
    public var description: String { "\(place): \(reason)" }
}

/// What a verification looked at and found.
public struct VerificationReport: Sendable, Equatable {
    /// Items of the catalogue.
    public var items = 0
    /// Blocks of vectors.
    public var blocks = 0
    /// What is wrong, at most `maximumDamages`; empty for a sound index.
    public var damages: [Damage] = []
    /// What is wrong beyond those.
    public var furtherDamages = 0
    /// What interrupted runs left and the next writer removes: no damage.
    public var notices: [String] = []
    /// More damages than these are counted only.
    public static let maximumDamages = 10_000
}

extension IndexStore {
    /// Checks one generation of the index from end to end, in memory independent of its size.
    ///
    /// Reading a damaged `data.mdb` may kill the process: run it in a child where that matters.
    /// - Returns: what was looked at, and every damage that was found.
    /// - Throws: `StorageError` when the catalogue cannot be read at all.
    package func verify() throws -> VerificationReport {
        do {
            return try read { snapshot in
                var verification = Verification(snapshot: snapshot)
                try verification.checkCatalogue()
                for collection in Collection.allCases { try verification.check(collection) }
                try verification.checkTree()
                verification.report.notices += leftovers(snapshot.state.vectors)
                return verification.report
            }
        } catch let error as StorageError {
            if case .damagedCatalogue = error { throw error }
            if case .newerFormat = error { throw error }
            return try verifyWithoutLMDB(because: "\(error)")
        }
    }

    /// Looks for every block the catalogue promises in the bytes of a file that LMDB does not read any more.
    /// - Parameter reason: why it does not.
    /// - Returns: that, and the blocks of which no sound copy is there.
    /// - Throws: `StorageError` when the catalogue cannot be read either.
    package func verifyWithoutLMDB(because reason: String) throws -> VerificationReport {
        try readCatalogue { database in
            let state = try Catalogue.state(database, path: path)
            var report = VerificationReport()
            report.damages = [Damage(place: "the vectors", reason: reason)]
            let file = "\(path)/\(state.vectors)/data.mdb"
            let scan = Entry(file).exists ? try BlockScan(file: file, dimension: state.dimension) : nil
            for collection in Collection.allCases {
                report.items += try Catalogue.count(collection, database)
                for block in try Catalogue.blocks(collection, database) {
                    report.blocks += 1
                    for column in Column.stored {
                        let rows = scan?.rows(BlockKey(collection, column, block.number)) ?? 0
                        guard rows < block.count else { continue }
                        let damage = Damage(
                            place: "block \(block.number) of \(collection), column \(column)",
                            reason: "\(rows) sound rows, the catalogue promises \(block.count)")
                        if report.damages.count < VerificationReport.maximumDamages {
                            report.damages.append(damage)
                        } else {
                            report.furtherDamages += 1
                        }
                    }
                }
            }
            return report
        }
    }

    /// What interrupted runs left beside what the catalogue names.
    package func leftovers(_ vectors: String) -> [String] {
        let folders = VectorsFolder.names(in: path).filter { $0 != vectors }.map { "\(path)/\($0)" }
        return (folders + LeftoverFolder.all(beside: path)).map {
            "\($0): left by an interrupted run, or still being read"
        }
    }

    /// What `repair` has kept of damaged files.
    package var keptFolders: [String] { IndexFiles(path).keptFolders }
}

/// A verification in progress.
struct Verification {
    let snapshot: Snapshot
    var report = VerificationReport()
    /// Whether the Gaussians are points: as the first one is, all must be.
    var arePoints: Bool?

    mutating func note(_ place: String, _ reason: String) {
        guard report.damages.count < VerificationReport.maximumDamages else {
            report.furtherDamages += 1
            return
        }
        report.damages.append(Damage(place: place, reason: reason))
    }

    /// SQLite's own checks, and what the catalogue says twice.
    mutating func checkCatalogue() throws {
        let database = snapshot.database
        for line in try String.fetchAll(database, sql: "PRAGMA integrity_check") where line != "ok" {
            note("catalogue", line)
        }
        for row in try Row.fetchAll(database, sql: "PRAGMA foreign_key_check") {
            note("catalogue", "a row of \(row[0] as String) names a row of \(row[2] as String) that is not there")
        }
        let last = try Int64.fetchOne(database, sql: "SELECT max(id) FROM item") ?? 0
        if snapshot.state.nextItemID.rawValue <= last {
            note("catalogue", "the next item would be \(snapshot.state.nextItemID.rawValue), but there is item \(last)")
        }
    }

    mutating func check(_ collection: Collection) throws {
        let blocks = try Catalogue.blocks(collection, snapshot.database)
        let placed = try PlacedItems(collection, snapshot.database)
        var previousID: UInt64 = 0
        for (index, block) in blocks.enumerated() {
            report.blocks += 1
            let place = "block \(block.number) of \(collection)"
            if block.number != index { note(place, "the catalogue lists it in place of block \(index)") }
            if !(1...GaussianCodec.slotsPerBlock).contains(block.count) {
                note(place, "the catalogue says that it has \(block.count) slots")
                continue
            }
            if index < blocks.count - 1, block.count != GaussianCodec.slotsPerBlock {
                note(place, "\(block.count) slots, only the last block may have fewer than 256")
            }
            if (block.count..<GaussianCodec.slotsPerBlock).contains(where: { block.live[$0] }) {
                note(place, "a slot beyond its \(block.count) is said to be live")
            }
            let items = try slots(of: block, place, placed, collection)
            checkVectors(collection, block, items, place, &previousID)
        }
        while let item = try placed.next() { noteStray(item, collection) }
        report.items += try snapshot.count(collection)
        try countOrphans(collection, blocks)
    }

    /// The items of a block by slot: each live slot has one, each item a live slot.
    private mutating func slots(
        of block: LiveBlock, _ place: String, _ placed: PlacedItems, _ collection: Collection
    ) throws -> [Int: PlacedItem] {
        var items: [Int: PlacedItem] = [:]
        while let item = try placed.next(through: block.number) {
            guard item.placement.block == block.number, (0..<GaussianCodec.slotsPerBlock).contains(item.placement.slot)
            else {
                noteStray(item, collection)
                continue
            }
            if let other = items.updateValue(item, forKey: item.placement.slot) {
                note(place, "slot \(item.placement.slot) is that of item \(other.id) and of item \(item.id)")
            }
        }
        for slot in 0..<GaussianCodec.slotsPerBlock {
            switch (block.live[slot], items[slot]) {
            case (true, nil): note(place, "slot \(slot) is live and no item of the catalogue is there")
            case (false, .some(let item)): note(place, "item \(item.id) lies in slot \(slot), which is dead")
            default: break
            }
        }
        return items
    }

    private mutating func noteStray(_ item: PlacedItem, _ collection: Collection) {
        note(
            "item \(item.id)",
            "lies in slot \(item.placement.slot) of block \(item.placement.block) of \(collection), which is not there")
    }

    /// Checksums, ids and numbers of one block.
    private mutating func checkVectors(
        _ collection: Collection, _ block: LiveBlock, _ items: [Int: PlacedItem], _ place: String,
        _ previousID: inout UInt64
    ) {
        var columns: [Column: UnsafeRawBufferPointer] = [:]
        for column in Column.stored { columns[column] = soundRows(collection, column, block, place) }
        if let ids = columns[.ids] {
            for slot in 0..<block.count {
                let id = ids.loadUnaligned(fromByteOffset: 8 * slot, as: UInt64.self)
                if id <= previousID { note(place, "slot \(slot) holds item \(id) after item \(previousID)") }
                previousID = id
                if let item = items[slot], item.id != Int64(bitPattern: id) {
                    note(place, "slot \(slot) holds item \(id), the catalogue says \(item.id)")
                }
            }
        }
        guard let means = columns[.means], let logVariances = columns[.logVariances] else { return }
        if let scalars = columns[.scalars] { checkCodes(collection, block, means: means, scalars: scalars, place) }
        if let reason = halvesFlaw(collection, block, logVariances) {
            note("\(place), column \(Column.halfVariances)", reason)
        }
        for slot in 0..<block.count {
            let gaussian = GaussianCodec.gaussian(
                slot: slot, dimension: snapshot.state.dimension, means: means, logVariances: logVariances)
            let scalars = columns[.scalars].map { scalars in
                (0..<2).map { scalars.loadUnaligned(fromByteOffset: 16 * slot + 8 * $0, as: Double.self) }
            }
            // A dead slot's Gaussian is only held to what its block says of itself.
            let name = items[slot].map { "\(place), item \($0.id)" } ?? "\(place), slot \(slot)"
            if let reason = flaw(gaussian, scalars, items[slot]) { note(name, reason) }
        }
    }

    /// The codes of a full block, where it has any, against its Gaussians.
    private mutating func checkCodes(
        _ collection: Collection, _ block: LiveBlock, means: UnsafeRawBufferPointer, scalars: UnsafeRawBufferPointer,
        _ place: String
    ) {
        guard block.count == GaussianCodec.slotsPerBlock else { return }
        do {
            let flaws = try snapshot.vectors.flaws(
                ofCodes: collection, block.number, means: means, scalars: scalars, snapshot.transaction)
            for flaw in flaws { note("\(place), column \(flaw.column)", flaw.reason) }
        } catch {
            note("\(place), codes", "\(error)")
        }
    }

    /// What is wrong with the half-precision variances of a full block, where it has any.
    private func halvesFlaw(
        _ collection: Collection, _ block: LiveBlock, _ logVariances: UnsafeRawBufferPointer
    ) -> String? {
        guard block.count == GaussianCodec.slotsPerBlock else { return nil }
        do {
            return try snapshot.vectors.flaw(
                ofHalves: collection, block.number, logVariances: logVariances, snapshot.transaction)
        } catch {
            return "\(error)"
        }
    }

    /// The rows of a column, or nil with the damage noted.
    private mutating func soundRows(
        _ collection: Collection, _ column: Column, _ block: LiveBlock, _ place: String
    ) -> UnsafeRawBufferPointer? {
        do {
            return try snapshot.vectors.rows(
                collection, column, block.number, count: block.count, snapshot.transaction, checkingSum: true,
                checkingPadding: true)
        } catch StorageError.damagedBlock(_, _, _, let column, let reason) {
            note("\(place), column \(column)", reason)
        } catch StorageError.vectorsShort(_, _, _, let got, let expected) {
            note("\(place), column \(column)", "\(got) rows, the catalogue promises \(expected)")
        } catch {
            note("\(place), column \(column)", "\(error)")
        }
        return nil
    }

    /// What is wrong with a Gaussian, its scalars and what the catalogue says of it, or nil.
    private mutating func flaw(_ gaussian: Gaussian, _ scalars: [Double]?, _ item: PlacedItem?) -> String? {
        guard gaussian.isFinite else { return "a number of its Gaussian is not finite" }
        let isPoint = gaussian.isPoint
        if arePoints == nil { arePoints = isPoint }
        guard isPoint == arePoints else {
            return isPoint ? "it is a point among Gaussians with a variance" : "it has a variance, among points"
        }
        let norm = gaussian.squaredNorm.squareRoot()
        guard abs(norm - 1) <= 1e-3 else { return "its mean has length \(norm), not 1" }
        let totalVariance = gaussian.totalVariance
        if let scalars, scalars[0] != gaussian.squaredNorm || !Gaussian.areSame(scalars[1], totalVariance) {
            return "its stored scalars are not those of its Gaussian"
        }
        if let item, !Gaussian.areSame(item.totalVariance, totalVariance) {
            return "its total variance is \(totalVariance), the catalogue says \(item.totalVariance)"
        }
        return nil
    }
}

/// An item and where the catalogue says it lies.
struct PlacedItem {
    let id: Int64
    let placement: Placement
    let totalVariance: Double
}

/// The items of a collection in the order of their placements, one at a time.
final class PlacedItems {
    private let rows: RowCursor
    private var ahead: PlacedItem?

    init(_ collection: Collection, _ database: Database) throws {
        rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT id, block, slot, total_variance FROM item WHERE collection = ? ORDER BY block, slot, id
                """,
            arguments: [collection.rawValue])
    }

    /// The next item, or nil at the end.
    func next() throws -> PlacedItem? {
        if let item = ahead {
            ahead = nil
            return item
        }
        return try rows.next().map { row in
            PlacedItem(id: row[0], placement: Placement(block: row[1], slot: row[2]), totalVariance: row[3])
        }
    }

    /// The next item in blocks up to one, or nil.
    func next(through block: Int) throws -> PlacedItem? {
        guard let item = try next() else { return nil }
        guard item.placement.block <= block else {
            ahead = item
            return nil
        }
        return item
    }
}
