// Means to short codes: the derived columns a search reads first. Layout and bounds are described in CKernels.h.
import CKernels
import Gaussians

/// What a collection's codes were made with: a rotation's seed and a centroid that is taken off every mean first.
///
/// Any centroid and seed give right answers; a centroid near the mean of the collection gives tight bounds.
package struct CodeParameters: Sendable, Equatable {
    /// The version of codes and parameters this code writes, and the only one it reads.
    package static let version: UInt32 = 1
    /// Dimensions beyond this are not coded: integer sums must fit 32 bits.
    package static let largestDimension = 65_536

    /// Which rotation.
    package let seed: UInt64
    /// [D], taken off every mean.
    package let centroid: [Float]
    /// Tells codes of these parameters from all others: a checksum of `bytes`.
    package let fingerprint: UInt32

    /// What values of derived columns made with these parameters say.
    package var derivation: GaussianCodec.Derivation { .init(version: Self.version, fingerprint: fingerprint) }

    /// Parameters with a centroid.
    /// - Parameters:
    ///   - centroid: [D].
    ///   - seed: which rotation.
    package init(centroid: [Float], seed: UInt64 = 0x9E6B_5A3D_17C4_2F81) {
        self.seed = seed
        self.centroid = centroid
        let bytes = Self.bytes(seed, centroid)
        fingerprint = pk_crc32c(0, bytes, bytes.count)
    }

    /// The centroid of some rows.
    /// - Parameters:
    ///   - sums: [D] Float64, the sum of means.
    ///   - count: how many were summed, at least 1.
    package init(sums: [Double], count: Int) {
        let centroid = sums.map { Float($0 / Double(count)) }
        self.init(centroid: centroid.allSatisfy(\.isFinite) ? centroid : [Float](repeating: 0, count: sums.count))
    }

    private static func bytes(_ seed: UInt64, _ centroid: [Float]) -> [UInt8] {
        var bytes = withUnsafeBytes(of: version.littleEndian) { Array($0) }
        withUnsafeBytes(of: seed.littleEndian) { bytes += $0 }
        centroid.withUnsafeBytes { bytes += $0 }
        return bytes
    }

    /// What the vector store keeps: version u32, seed u64, centroid [D] f32, CRC-32C u32; little-endian.
    package var bytes: [UInt8] {
        Self.bytes(seed, centroid) + withUnsafeBytes(of: fingerprint.littleEndian) { Array($0) }
    }

    /// Reads `bytes`; nil for another version or dimension, or when the checksum does not match.
    package init?(_ bytes: UnsafeRawBufferPointer, dimension: Int) {
        guard bytes.count == 16 + 4 * dimension,
            UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)) == Self.version
        else { return nil }
        let seed = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
        let centroid = (0..<dimension).map { bytes.loadUnaligned(fromByteOffset: 12 + 4 * $0, as: Float.self) }
        self.init(centroid: centroid, seed: seed)
        let stored = bytes.loadUnaligned(fromByteOffset: 12 + 4 * dimension, as: UInt32.self)
        guard UInt32(littleEndian: stored) == fingerprint, centroid.allSatisfy(\.isFinite) else { return nil }
    }

    /// The rows of both code columns of a full block.
    /// - Parameters:
    ///   - means: [256, D].
    ///   - scalars: [256, 2]: squared length of the mean, total variance.
    /// - Returns: the rows of `Column.codes4` and `Column.codes8`; the same bytes on every machine.
    package func encode(
        means: UnsafeRawBufferPointer, scalars: UnsafeRawBufferPointer
    ) -> (codes4: [UInt8], codes8: [UInt8]) {
        let (size, dimension) = (GaussianCodec.slotsPerBlock, centroid.count)
        precondition(means.count == 4 * size * dimension && scalars.count == 16 * size, "a full block")
        let bases = (0..<size).map { slot in
            scalars.loadUnaligned(fromByteOffset: 16 * slot, as: Double.self)
                + scalars.loadUnaligned(fromByteOffset: 16 * slot + 8, as: Double.self)
        }
        let floats = [Float](unsafeUninitializedCapacity: size * dimension) { out, count in
            UnsafeMutableRawBufferPointer(out).copyMemory(from: means)
            count = size * dimension
        }
        var scratch = [Double](repeating: 0, count: dimension)
        // Rows are handed out as bytes; the kernel wants room for floats.
        var codes4 = [Float](repeating: 0, count: size * pk_row_size4(dimension) / 4)
        var codes8 = [Float](repeating: 0, count: size * pk_row_size8(dimension) / 4)
        pk_encode_block(floats, bases, centroid, seed, dimension, &scratch, &codes4, &codes8)
        return (codes4.withUnsafeBytes { Array($0) }, codes8.withUnsafeBytes { Array($0) })
    }
}

extension VectorStore {
    private static func parametersKey(_ collection: Collection) -> [UInt8] { [0xFE, UInt8(collection.rawValue)] }

    /// What the codes of a collection are made with; nil before the first block is full, or when they cannot be read.
    package func codeParameters(_ collection: Collection, _ transaction: LMDBTransaction) throws -> CodeParameters? {
        try transaction.value(Self.parametersKey(collection)).flatMap { CodeParameters($0, dimension: dimension) }
    }

    /// Writes the codes of a block that has just become full, or removes those of a block that is not.
    ///
    /// The first full block of a collection decides its centroid.
    func deriveCodes(_ collection: Collection, _ block: Int, count: Int, _ transaction: LMDBTransaction) throws {
        let size = GaussianCodec.slotsPerBlock
        guard count == size, dimension <= CodeParameters.largestDimension else {
            return try removeCodes(collection, block, transaction)
        }
        var parameters = try codeParameters(collection, transaction)
        if parameters == nil, try transaction.value(Self.parametersKey(collection)) == nil {
            var sums = [Double](repeating: 0, count: dimension)
            Self.add(try rows(collection, .means, block, count: size, transaction), to: &sums)
            parameters = CodeParameters(sums: sums, count: size)
            if let parameters { try transaction.put(Self.parametersKey(collection), parameters.bytes) }
        }
        guard let parameters else { return try removeCodes(collection, block, transaction) }
        // What is written moves what was read: the rows are asked for after the parameters are put.
        let means = try rows(collection, .means, block, count: size, transaction)
        let scalars = try rows(collection, .scalars, block, count: size, transaction)
        try putCodes(parameters, collection, block, means: means, scalars: scalars, transaction)
    }

    private func putCodes(
        _ parameters: CodeParameters, _ collection: Collection, _ block: Int, means: UnsafeRawBufferPointer,
        scalars: UnsafeRawBufferPointer, _ transaction: LMDBTransaction
    ) throws {
        let codes = parameters.encode(means: means, scalars: scalars)
        for (column, rows) in [(Column.codes4, codes.codes4), (.codes8, codes.codes8)] {
            let key = BlockKey(collection, column, block)
            let value = GaussianCodec.value(
                key, rows: rows, rowSize: column.rowSize(dimension: dimension),
                derivation: parameters.derivation)
            try transaction.put(key.bytes, value)
        }
    }

    private func removeCodes(_ collection: Collection, _ block: Int, _ transaction: LMDBTransaction) throws {
        for column in Column.codes { _ = try transaction.remove(BlockKey(collection, column, block).bytes) }
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

    /// Makes a collection's codes anew, with the centroid of all its full blocks.
    ///
    /// Commits every 64 blocks; codes of the old centroid are not used once the new one stands, so that an interrupted
    /// run costs speed and never an answer.
    /// - Parameters:
    ///   - collection: which of the two.
    ///   - slots: slots the catalogue knows in this collection, over all blocks.
    /// - Returns: blocks that have codes now.
    /// - Throws: `StorageError` for a damaged block, or when the store cannot be written.
    @discardableResult
    package func rebuildDerivedColumns(_ collection: Collection, slots: Int) throws -> Int {
        let (size, step) = (GaussianCodec.slotsPerBlock, 64)
        let blocks = slots / size
        guard dimension <= CodeParameters.largestDimension else { return 0 }
        var sums = [Double](repeating: 0, count: dimension)
        for block in 0..<blocks {
            try environment.read {
                Self.add(try rows(collection, .means, block, count: size, $0, checkingSum: true), to: &sums)
            }
        }
        let parameters = CodeParameters(sums: sums, count: max(blocks * size, 1))
        for first in stride(from: 0, to: max(blocks, 1), by: step) {
            try environment.write { transaction in
                if first == 0 {
                    if blocks > 0 {
                        try transaction.put(Self.parametersKey(collection), parameters.bytes)
                    } else {
                        _ = try transaction.remove(Self.parametersKey(collection))
                    }
                }
                for block in first..<min(first + step, blocks) {
                    let means = try rows(collection, .means, block, count: size, transaction)
                    let scalars = try rows(collection, .scalars, block, count: size, transaction, checkingSum: true)
                    try putCodes(parameters, collection, block, means: means, scalars: scalars, transaction)
                }
            }
        }
        return blocks
    }

    /// The values of a derived column for some ascending blocks: one walk along the tree, as a search needs most of them.
    func derivedValues(
        _ collection: Collection, _ column: Column, _ blocks: [LiveBlock], _ transaction: LMDBTransaction
    ) throws -> [UnsafeRawBufferPointer?] {
        var values = [UnsafeRawBufferPointer?](repeating: nil, count: blocks.count)
        guard let first = blocks.first else { return values }
        let prefix: [UInt8] = [UInt8(collection.rawValue), column.rawValue]
        var position = 0
        try transaction.forEach(from: BlockKey(collection, column, first.number).bytes) { key, value in
            guard key.count == 6, key[0] == prefix[0], key[1] == prefix[1] else { return false }
            let number = Int(UInt32(bigEndian: key.loadUnaligned(fromByteOffset: 2, as: UInt32.self)))
            while position < blocks.count, blocks[position].number < number { position += 1 }
            guard position < blocks.count else { return false }
            if blocks[position].number == number { values[position] = value }
            return true
        }
        return values
    }

    /// The rows of a value of a derived column, or nil where a search must do without.
    func derivedRows(
        _ value: UnsafeRawBufferPointer?, _ key: BlockKey, _ parameters: CodeParameters
    ) -> UnsafeRawPointer? {
        let rowSize = key.column.rowSize(dimension: dimension)
        guard let value, GaussianCodec.derivation(value) == parameters.derivation,
            let rows = try? GaussianCodec.rows(value, key, rowSize: rowSize, path: environment.path),
            rows.count == GaussianCodec.slotsPerBlock * rowSize, let base = rows.baseAddress,
            Int(bitPattern: base) % 16 == 0
        else { return nil }
        return UnsafeRawPointer(base)
    }

    /// Whether every full block has codes a search can use.
    package func hasAllCodes(_ collection: Collection, slots: Int) throws -> Bool {
        let blocks = (0..<(slots / GaussianCodec.slotsPerBlock)).map {
            LiveBlock(number: $0, count: GaussianCodec.slotsPerBlock, live: .full)
        }
        guard !blocks.isEmpty, dimension <= CodeParameters.largestDimension else { return true }
        return try environment.read { transaction in
            guard let parameters = try codeParameters(collection, transaction) else { return false }
            return try Column.codes.allSatisfy { column in
                try zip(blocks, derivedValues(collection, column, blocks, transaction)).allSatisfy { block, value in
                    derivedRows(value, BlockKey(collection, column, block.number), parameters) != nil
                }
            }
        }
    }

    /// Decides the centroid of a folder that will hold the live items of some blocks of this one.
    func putParameters(
        to target: VectorStore, _ collection: Collection, _ blocks: [LiveBlock], _ transaction: LMDBTransaction
    ) throws {
        guard dimension <= CodeParameters.largestDimension else { return }
        var sums = [Double](repeating: 0, count: dimension)
        var count = 0
        for block in blocks {
            let means = try rows(collection, .means, block.number, count: block.count, transaction)
            block.live.intersection(.full, below: block.count).forEachLive { slot in
                let row = means[(means.startIndex + 4 * dimension * slot)...].prefix(4 * dimension)
                Self.add(UnsafeRawBufferPointer(rebasing: row), to: &sums)
                count += 1
            }
        }
        let parameters = count > 0 ? CodeParameters(sums: sums, count: count) : nil
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
            let isThere = try transaction.value(Self.parametersKey(collection)) != nil
            return isThere ? [(.codes4, "what the codes were made with cannot be read; run penumbra optimize")] : []
        }
        var flaws: [(column: Column, reason: String)] = []
        let codes = parameters.encode(means: means, scalars: scalars)
        for (column, expected) in [(Column.codes4, codes.codes4), (.codes8, codes.codes8)] {
            let key = BlockKey(collection, column, block)
            guard let value = try transaction.value(key.bytes) else { continue }
            guard GaussianCodec.derivation(value)?.fingerprint == parameters.fingerprint else { continue }
            do {
                let rows = try GaussianCodec.rows(
                    value, key, rowSize: column.rowSize(dimension: dimension), path: environment.path,
                    checkingSum: true)
                if !rows.elementsEqual(expected) { flaws.append((column, "the codes are not those of its Gaussians")) }
            } catch StorageError.damagedBlock(_, _, _, _, let reason) {
                flaws.append((column, reason))
            }
        }
        return flaws
    }
}
