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
    /// What is wrong; empty for a sound index.
    public var damages: [Damage] = []
}

extension IndexStore {
    /// Checks one generation of the index from end to end.
    ///
    /// Reading a damaged `data.mdb` may kill the process: run it in
    /// a child where that matters.
    /// - Returns: what was looked at, and every damage that was found.
    /// - Throws: `StorageError` when the index cannot be opened at all.
    package func verify() throws -> VerificationReport {
        try read { snapshot in
            var verification = Verification(snapshot: snapshot)
            try verification.checkCatalogue()
            for collection in Collection.allCases { try verification.check(collection) }
            return verification.report
        }
    }
}

/// A verification in progress.
private struct Verification {
    let snapshot: Snapshot
    var report = VerificationReport()

    mutating func note(_ place: String, _ reason: String) {
        report.damages.append(Damage(place: place, reason: reason))
    }

    /// SQLite's own check.
    mutating func checkCatalogue() throws {
        for line in try String.fetchAll(snapshot.database, sql: "PRAGMA integrity_check") where line != "ok" {
            note("catalogue", line)
        }
    }

    mutating func check(_ collection: Collection) throws {
        let blocks = try Catalogue.blocks(collection, snapshot.database)
        let items = try items(collection)
        var placed = 0
        var previousID: UInt64 = 0
        for (index, block) in blocks.enumerated() {
            report.blocks += 1
            let place = "block \(block.number) of \(collection)"
            if block.number != index { note(place, "the catalogue lists it in place of block \(index)") }
            if index < blocks.count - 1, block.count != GaussianCodec.slotsPerBlock {
                note(place, "\(block.count) slots, only the last block may have fewer than 256")
            }
            if (block.count..<GaussianCodec.slotsPerBlock).contains(where: { block.live[$0] }) {
                note(place, "a slot beyond its \(block.count) is said to be live")
            }
            placed += checkLive(block, items, place)
            checkVectors(collection, block, items, place, &previousID)
        }
        if placed != items.count { note("catalogue", "\(items.count - placed) \(collection) have no live slot") }
        report.items += items.count
    }

    /// The items of a collection by placement.
    private func items(_ collection: Collection) throws -> [Placement: ItemID] {
        let rows = try Row.fetchCursor(
            snapshot.database, sql: "SELECT id, block, slot FROM item WHERE collection = ?",
            arguments: [collection.rawValue])
        var items: [Placement: ItemID] = [:]
        while let row = try rows.next() {
            items[Placement(block: row[1], slot: row[2])] = ItemID(rawValue: row[0])
        }
        return items
    }

    /// Each live slot has an item, each item a live slot.
    private mutating func checkLive(_ block: LiveBlock, _ items: [Placement: ItemID], _ place: String) -> Int {
        var placed = 0
        for slot in 0..<GaussianCodec.slotsPerBlock {
            let item = items[Placement(block: block.number, slot: slot)]
            switch (block.live[slot], item) {
            case (true, .some): placed += 1
            case (true, nil): note(place, "slot \(slot) is live and no item of the catalogue is there")
            case (false, .some(let id)): note(place, "item \(id.rawValue) lies in slot \(slot), which is dead")
            case (false, nil): break
            }
        }
        return placed
    }

    /// Checksums, ids and numbers of one block.
    private mutating func checkVectors(
        _ collection: Collection, _ block: LiveBlock, _ items: [Placement: ItemID], _ place: String,
        _ previousID: inout UInt64
    ) {
        var columns: [Column: UnsafeRawBufferPointer] = [:]
        for column in Column.stored {
            do {
                columns[column] = try snapshot.vectors.rows(
                    collection, column, block.number, count: block.count, snapshot.transaction, checkingSum: true)
            } catch StorageError.damagedBlock(_, _, _, let column, let reason) {
                note("\(place), column \(column)", reason)
            } catch StorageError.vectorsShort(_, _, _, let got, let expected) {
                note("\(place), column \(column)", "\(got) rows, the catalogue promises \(expected)")
            } catch {
                note("\(place), column \(column)", "\(error)")
            }
        }
        guard let ids = columns[.ids], let means = columns[.means], let logVariances = columns[.logVariances],
            let scalars = columns[.scalars]
        else { return }
        checkCodes(collection, block, means: means, scalars: scalars, place)
        for slot in 0..<block.count {
            let id = ids.loadUnaligned(fromByteOffset: 8 * slot, as: UInt64.self)
            if id <= previousID { note(place, "slot \(slot) holds item \(id) after item \(previousID)") }
            previousID = id
            if let item = items[Placement(block: block.number, slot: slot)], item.rawValue != Int64(id) {
                note(place, "slot \(slot) holds item \(id), the catalogue says \(item.rawValue)")
            }
            let gaussian = GaussianCodec.gaussian(
                slot: slot, dimension: snapshot.state.dimension, means: means, logVariances: logVariances)
            let stored = (0..<2).map { scalars.loadUnaligned(fromByteOffset: 16 * slot + 8 * $0, as: Double.self) }
            if let reason = Self.flaw(gaussian, squaredNorm: stored[0], totalVariance: stored[1]) {
                note("\(place), item \(id)", reason)
            }
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

    /// What is wrong with a Gaussian and its scalars, or nil.
    private static func flaw(_ gaussian: Gaussian, squaredNorm: Double, totalVariance: Double) -> String? {
        guard gaussian.isFinite else { return "a number of its Gaussian is not finite" }
        let norm = gaussian.squaredNorm.squareRoot()
        guard abs(norm - 1) <= 1e-3 else { return "its mean has length \(norm), not 1" }
        guard squaredNorm == gaussian.squaredNorm, totalVariance == gaussian.totalVariance else {
            return "its stored scalars are not those of its Gaussian"
        }
        return nil
    }
}
