// Full blocks to their derived columns of short codes, in the vector store, and back. Layout and bounds: CKernels.h.
import CKernels
import Gaussians
import Synchronization

/// The parameters that were read last: with axes they are megabytes, whose checksum is computed once.
final class CodeParametersCache: Sendable {
    private let parameters = Mutex<[Collection: CodeParameters]>([:])

    /// The parameters that some bytes hold; nil where they cannot be read.
    func parameters(_ bytes: UnsafeRawBufferPointer, of collection: Collection, dimension: Int) -> CodeParameters? {
        guard let fingerprint = CodeParameters.fingerprint(bytes, dimension: dimension) else { return nil }
        if let kept = parameters.withLock({ $0[collection] }), kept.fingerprint == fingerprint { return kept }
        let read = CodeParameters(bytes, dimension: dimension)
        if let read { parameters.withLock { $0[collection] = read } }
        return read
    }
}

extension VectorStore {
    private static func parametersKey(_ collection: Collection) -> [UInt8] { [0xFE, UInt8(collection.rawValue)] }

    /// What the codes of a collection are made with; nil before the first block is full, or when they cannot be read.
    package func codeParameters(_ collection: Collection, _ transaction: LMDBTransaction) throws -> CodeParameters? {
        try transaction.value(Self.parametersKey(collection)).flatMap {
            codeParametersCache.parameters($0, of: collection, dimension: dimension)
        }
    }

    /// Writes the codes of blocks that have just become full, ascending.
    ///
    /// The first full block of a collection decides its centroid; once there are enough for axes, the codes of all blocks
    /// so far are made anew. What another version of the program decided is decided anew; its codes are done without until
    /// `optimize`.
    package func putCodes(_ collection: Collection, _ blocks: [Int], _ transaction: LMDBTransaction) throws {
        guard let first = blocks.first, dimension <= CodeParameters.largestDimension else {
            return try remove(Column.codes, collection, blocks, transaction)
        }
        var blocks = blocks
        var parameters = try codeParameters(collection, transaction)
        let stored = try transaction.value(Self.parametersKey(collection))
        let isAbsent = parameters == nil && stored.map(CodeParameters.isOfAnotherVersion) != false
        let last = Self.lastDecidingBlock
        let isEnough = blocks.contains(last) && (isAbsent || parameters?.sampleCount == 0)
        if isAbsent || isEnough {
            let deciding = isEnough ? Array(0...last) : [first]
            parameters = try decideParameters(deciding.map { ($0, nil) }, of: collection, transaction)
            if let parameters { try transaction.put(Self.parametersKey(collection), parameters.bytes) }
            if isEnough { blocks = Array(0...(blocks.last ?? last)) }
        }
        guard let parameters else { return try remove(Column.codes, collection, blocks, transaction) }
        try putCodes(parameters, collection, blocks, transaction)
    }

    /// With this block there are enough items for axes.
    private static var lastDecidingBlock: Int { CodeAxes.smallestSample / GaussianCodec.slotsPerBlock - 1 }

    /// The parameters that blocks which become full are coded with, where these do not decide them anew.
    func settledParameters(
        _ collection: Collection, for blocks: [Int], _ transaction: LMDBTransaction
    ) throws -> CodeParameters? {
        let parameters = try codeParameters(collection, transaction)
        return parameters?.sampleCount == 0 && blocks.contains(Self.lastDecidingBlock) ? nil : parameters
    }

    /// Parameters for the items of some blocks: all slots of each, or those that are live.
    private func decideParameters(
        _ blocks: [(number: Int, live: LiveBlock?)], of collection: Collection, _ transaction: LMDBTransaction
    ) throws -> CodeParameters? {
        var sums = [Double](repeating: 0, count: dimension)
        var count = 0
        for (number, live) in blocks {
            try forEachRun(number, live, of: collection, transaction) { means in
                Self.add(means, to: &sums)
                count += means.count / (4 * dimension)
            }
        }
        guard count > 0 else { return nil }
        let plain = CodeParameters(sums: sums, count: count)
        guard count >= CodeAxes.smallestSample, dimension <= CodeAxes.largestDimension else { return plain }
        var axes = CodeAxes(centroid: plain.centroid)
        let sampled = max(CodeAxes.sampleLimit / GaussianCodec.slotsPerBlock, 1)
        for index in 0..<min(sampled, blocks.count) {
            // Evenly spread: neighbours often come from one folder.
            let (number, live) = blocks[index * blocks.count / min(sampled, blocks.count)]
            try forEachRun(number, live, of: collection, transaction) { axes.add($0) }
        }
        return axes.decide() ?? plain.decided(from: count)
    }

    /// Hands out the means of a block: all 256 of a full one, or the rows of live slots, run by run.
    private func forEachRun(
        _ number: Int, _ live: LiveBlock?, of collection: Collection, _ transaction: LMDBTransaction,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws {
        let count = live?.count ?? GaussianCodec.slotsPerBlock
        let means = try rows(collection, .means, number, count: count, transaction, checkingSum: live == nil)
        var start: Int?
        for slot in 0...count {
            if slot < count, live?.live[slot] ?? true {
                start = start ?? slot
            } else if let first = start {
                body(UnsafeRawBufferPointer(rebasing: means[(4 * dimension * first)..<(4 * dimension * slot)]))
                start = nil
            }
        }
    }

    private func putCodes(
        _ parameters: CodeParameters, _ collection: Collection, _ blocks: [Int], _ transaction: LMDBTransaction
    ) throws {
        let size = GaussianCodec.slotsPerBlock
        try putDerived(collection, blocks, transaction) { block in
            nonisolated(unsafe) let means = try rows(collection, .means, block, count: size, transaction)
            nonisolated(unsafe) let scalars = try rows(
                collection, .scalars, block, count: size, transaction, checkingSum: true)
            return { parameters.values(collection, block, means: means, scalars: scalars) }
        }
    }

    /// Sums rows of means.
    private static func add(_ means: UnsafeRawBufferPointer, to sums: inout [Double]) {
        let dimension = sums.count
        sums.withUnsafeMutableBufferPointer { sums in
            for row in stride(from: 0, to: means.count, by: 4 * dimension) {
                for j in 0..<dimension {
                    sums[j] += Double(means.loadUnaligned(fromByteOffset: row + 4 * j, as: Float.self))
                }
            }
        }
    }

    /// Makes a collection's codes anew, with parameters that all its full blocks decide.
    ///
    /// Commits every 64 blocks; codes of old parameters are not used once the new ones stand, so that an interrupted run
    /// costs speed and never an answer.
    /// - Parameters:
    ///   - collection: which of the two.
    ///   - slots: slots the catalogue knows in this collection, over all blocks.
    /// - Returns: blocks that have codes now.
    /// - Throws: `StorageError` for a damaged block, or when the store cannot be written.
    @discardableResult
    package func rebuildDerivedColumns(_ collection: Collection, slots: Int) throws -> Int {
        let blocks = slots / GaussianCodec.slotsPerBlock
        let step = 64
        guard dimension <= CodeParameters.largestDimension else { return 0 }
        let parameters = try environment.read {
            try decideParameters((0..<blocks).map { ($0, nil) }, of: collection, $0)
        }
        guard let parameters else {
            return try environment.write {
                _ = try $0.remove(Self.parametersKey(collection))
                return 0
            }
        }
        for first in stride(from: 0, to: blocks, by: step) {
            try environment.write { transaction in
                if first == 0 { try transaction.put(Self.parametersKey(collection), parameters.bytes) }
                try putCodes(parameters, collection, Array(first..<min(first + step, blocks)), transaction)
            }
        }
        return blocks
    }

    /// Where the blocks of a collection that has codes lie, from 0 to the last that has any.
    ///
    /// Where most coarse codes will be read, they are mapped at once: a page fault for every 64 KiB took three times as long.
    func pointers(
        _ collection: Collection, _ parameters: CodeParameters, readsMost: Bool, _ transaction: LMDBTransaction
    ) throws -> BlockPointers {
        let anchor = try transaction.value(Self.parametersKey(collection))?.baseAddress
        return try blockPointersCache.pointers(
            of: collection, transaction: transaction.id, anchor: anchor.map { UnsafeRawPointer($0) },
            fingerprint: parameters.fingerprint
        ) {
            try codes(.coarseCodes, of: collection, parameters, mapping: readsMost, transaction)
        }
    }

    /// The codes of one column by block, nil where a search must do without.
    func codes(
        _ column: Column, of collection: Collection, _ parameters: CodeParameters, mapping: Bool = false,
        _ transaction: LMDBTransaction
    ) throws -> [UnsafeRawPointer?] {
        let values = try values(of: column, collection, transaction)
        if mapping { MappedPages.populate(values) }
        // All headers at once, not one wait after the other.
        for value in values { pk_prefetch(value?.baseAddress) }
        return values.enumerated().map { block, value in
            derivedRows(value, BlockKey(collection, column, block), parameters)
        }
    }

    /// Maps columns at once that will be read here and there, unless they would take too much of the memory.
    func mapColumns(_ columns: [Column], of collection: Collection, _ transaction: LMDBTransaction) throws {
        for column in columns {
            let values = try values(of: column, collection, transaction)
            let bytes = values.reduce(0) { $0 + ($1?.count ?? 0) }
            if bytes <= MappedPages.mostBytes { MappedPages.populate(values) }
        }
    }

    /// The values of a column by block: one walk along the tree, as a search needs most of them.
    func values(
        of column: Column, _ collection: Collection, _ transaction: LMDBTransaction
    ) throws -> [UnsafeRawBufferPointer?] {
        var values: [UnsafeRawBufferPointer?] = []
        let prefix: [UInt8] = [UInt8(collection.rawValue), column.rawValue]
        try transaction.forEach(from: BlockKey(collection, column, 0).bytes) { key, value in
            guard key.count == 6, key[0] == prefix[0], key[1] == prefix[1] else { return false }
            let number = Int(UInt32(bigEndian: key.loadUnaligned(fromByteOffset: 2, as: UInt32.self)))
            guard number < 1 << 28 else { return false }
            while values.count < number { values.append(nil) }
            values.append(value)
            return true
        }
        return values
    }

    /// The rows of a value of codes, or nil where a search must do without.
    func derivedRows(
        _ value: UnsafeRawBufferPointer?, _ key: BlockKey, _ parameters: CodeParameters
    ) -> UnsafeRawPointer? {
        derivedRows(value, key, rowSize: parameters.rowSize(key.column), derivation: parameters.derivation)
    }

    /// Whether every full block has codes a search can use, and axes were decided from a fair share of them.
    package func hasAllCodes(_ collection: Collection, slots: Int) throws -> Bool {
        let blocks = slots / GaussianCodec.slotsPerBlock
        guard blocks > 0, dimension <= CodeParameters.largestDimension else { return true }
        return try environment.read { transaction in
            guard let parameters = try codeParameters(collection, transaction),
                slots < CodeAxes.smallestSample || dimension > CodeAxes.largestDimension
                    || parameters.sampleCount >= min(slots / 2, CodeAxes.sampleLimit) / 256 * 256
            else { return false }
            return try Column.codes.allSatisfy { column in
                let values = try values(of: column, collection, transaction)
                return values.count >= blocks
                    && values.prefix(blocks).enumerated().allSatisfy { block, value in
                        derivedRows(value, BlockKey(collection, column, block), parameters) != nil
                    }
            }
        }
    }

    /// Decides the parameters of a folder that will hold the live items of some blocks of this one.
    func putParameters(
        to target: VectorStore, _ collection: Collection, _ blocks: [LiveBlock], _ transaction: LMDBTransaction
    ) throws {
        guard dimension <= CodeParameters.largestDimension else { return }
        let parameters = try decideParameters(blocks.map { ($0.number, $0) }, of: collection, transaction)
        try target.environment.write { output in
            if let parameters {
                try output.put(Self.parametersKey(collection), parameters.bytes)
            } else {
                _ = try output.remove(Self.parametersKey(collection))
            }
        }
    }

    /// What is wrong with the codes of a full block: reasons by column; absent or outdated codes are not wrong.
    func flaws(
        ofCodes collection: Collection, _ block: Int, means: UnsafeRawBufferPointer, scalars: UnsafeRawBufferPointer,
        _ transaction: LMDBTransaction
    ) throws -> [(column: Column, reason: String)] {
        guard let parameters = try codeParameters(collection, transaction) else {
            let stored = try transaction.value(Self.parametersKey(collection))
            return stored.map(CodeParameters.isOfAnotherVersion) == false
                ? [(.coarseCodes, "what the codes were made with cannot be read; run penumbra optimize")] : []
        }
        var flaws: [(column: Column, reason: String)] = []
        for (column, expected) in parameters.encode(means: means, scalars: scalars) {
            let key = BlockKey(collection, column, block)
            guard let value = try transaction.value(key.bytes) else { continue }
            guard GaussianCodec.derivation(value)?.fingerprint == parameters.fingerprint else { continue }
            do {
                let rows = try GaussianCodec.rows(
                    value, key, rowSize: parameters.rowSize(column), path: environment.path, checkingSum: true)
                if !rows.elementsEqual(expected) { flaws.append((column, "the codes are not those of its Gaussians")) }
            } catch StorageError.damagedBlock(_, _, _, _, let reason) {
                flaws.append((column, reason))
            }
        }
        return flaws
    }
}

extension CodeParameters {
    /// The values of the code columns of a full block, to be stored.
    /// - Parameters:
    ///   - collection: whose block it is.
    ///   - block: its number.
    ///   - means: [256, D].
    ///   - scalars: [256, 2]: squared length of the mean, total variance.
    /// - Returns: one for each of `Column.codes`.
    func values(
        _ collection: Collection, _ block: Int, means: UnsafeRawBufferPointer, scalars: UnsafeRawBufferPointer
    ) -> [DerivedValue] {
        encode(means: means, scalars: scalars).map { column, rows in
            let key = BlockKey(collection, column, block)
            return DerivedValue(
                key: key,
                bytes: GaussianCodec.value(key, rows: rows, rowSize: rowSize(column), derivation: derivation))
        }
    }
}
