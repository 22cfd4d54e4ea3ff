// What a collection's short codes are made with, and means to the rows of both columns of codes.
import CKernels
import Gaussians

/// What a collection's codes were made with: a centroid that is taken off every mean first, a rotation, and how many bits
/// each part of what that gives takes.
///
/// Any parameters give right answers; good ones give tight bounds from few bytes. The layout is described in CKernels.h.
package struct CodeParameters: Sendable, Equatable {
    /// The version of codes and parameters this code writes, and the only one it reads.
    package static let version: UInt32 = 4
    /// Dimensions beyond this are not coded: integer sums must fit 32 bits.
    package static let largestDimension = 65_536

    /// Which random rotation, where there are no axes.
    package let seed: UInt64
    /// How many items axes were looked for in; 0 where none were.
    package let sampleCount: Int
    /// [D], taken off every mean.
    package let centroid: [Float]
    /// [D, D], the transpose of an orthonormal matrix: row j is what dimension j of a mean adds; nil for the rotation of the
    /// seed.
    package let axes: [Float]?
    /// How many dimensions take eight, four and two bits.
    package let plan: pk_code_plan
    /// Tells codes of these parameters from all others: a checksum of all that decides.
    package let fingerprint: UInt32

    package static func == (a: CodeParameters, b: CodeParameters) -> Bool { a.bytes == b.bytes }

    /// What values of derived columns made with these parameters say.
    package var derivation: GaussianCodec.Derivation { .init(version: Self.version, fingerprint: fingerprint) }

    /// Parameters with a random rotation, four bits a dimension.
    /// - Parameters:
    ///   - centroid: [D].
    ///   - seed: which rotation.
    package init(centroid: [Float], seed: UInt64 = 0x9E6B_5A3D_17C4_2F81) {
        var plan = pk_code_plan()
        plan.d = centroid.count
        plan.chunks4 = (centroid.count + 7) / 8
        (plan.weight8, plan.weight4, plan.weight2) = (1, 1, 1)
        self.init(seed: seed, sampleCount: 0, centroid: centroid, axes: nil, plan: plan)
    }

    /// Parameters with axes of their own.
    package init(seed: UInt64, sampleCount: Int, centroid: [Float], axes: [Float]?, plan: pk_code_plan) {
        let rest = Self.rest(seed, sampleCount, centroid, axes, plan)
        self.init(
            seed: seed, sampleCount: sampleCount, centroid: centroid, axes: axes, plan: plan,
            fingerprint: pk_crc32c(Self.version, rest, rest.count))
    }

    /// The fingerprint is known where the parameters are read: with axes they are megabytes.
    private init(
        seed: UInt64, sampleCount: Int, centroid: [Float], axes: [Float]?, plan: pk_code_plan, fingerprint: UInt32
    ) {
        self.seed = seed
        self.sampleCount = sampleCount
        self.centroid = centroid
        self.axes = axes
        self.plan = plan
        self.fingerprint = fingerprint
    }

    /// The centroid of some rows.
    /// - Parameters:
    ///   - sums: [D] Float64, the sum of means.
    ///   - count: how many were summed, at least 1.
    package init(sums: [Double], count: Int) {
        let centroid = sums.map { Float($0 / Double(count)) }
        self.init(centroid: centroid.allSatisfy(\.isFinite) ? centroid : [Float](repeating: 0, count: sums.count))
    }

    /// The same, where axes were looked for in vain.
    func decided(from count: Int) -> CodeParameters {
        CodeParameters(seed: seed, sampleCount: count, centroid: centroid, axes: axes, plan: plan)
    }

    // MARK: Bytes

    private static let headerSize = 72

    /// All but version and fingerprint.
    private static func rest(
        _ seed: UInt64, _ sampleCount: Int, _ centroid: [Float], _ axes: [Float]?, _ plan: pk_code_plan
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headerSize + 4 * (centroid.count + (axes?.count ?? 0)))
        for number in [seed, UInt64(sampleCount), UInt64(plan.chunks8), UInt64(plan.chunks4), UInt64(plan.chunks2)] {
            withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
        }
        withUnsafeBytes(of: plan.skew) { bytes += $0 }
        withUnsafeBytes(of: (plan.weight8, plan.weight4, plan.weight2)) { bytes += $0 }
        withUnsafeBytes(of: UInt32(axes == nil ? 0 : 1).littleEndian) { bytes += $0 }
        centroid.withUnsafeBytes { bytes += $0 }
        axes?.withUnsafeBytes { bytes += $0 }
        return bytes
    }

    /// What the vector store keeps, little-endian: version and fingerprint u32; seed, sample count, three counts of chunks
    /// u64; skew f64; three weights f32; whether there are axes u32; centroid [D] and axes [D, D] f32.
    package var bytes: [UInt8] {
        withUnsafeBytes(of: (Self.version.littleEndian, fingerprint.littleEndian)) { Array($0) }
            + Self.rest(seed, sampleCount, centroid, axes, plan)
    }

    /// Whether some bytes are parameters that another version of the program wrote: nothing is wrong with them.
    static func isOfAnotherVersion(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= headerSize && load(bytes, 0, UInt32.self) != version
    }

    /// The fingerprint that `bytes` name, unchecked; nil where they are of another version or dimension.
    static func fingerprint(_ bytes: UnsafeRawBufferPointer, dimension: Int) -> UInt32? {
        guard bytes.count >= headerSize, load(bytes, 0, UInt32.self) == version else { return nil }
        let hasAxes = load(bytes, 68, UInt32.self) == 1
        guard bytes.count == headerSize + 4 * dimension * (hasAxes ? dimension + 1 : 1) else { return nil }
        return load(bytes, 4, UInt32.self)
    }

    /// Reads `bytes`; nil for another version or dimension, or when the fingerprint does not match.
    package init?(_ bytes: UnsafeRawBufferPointer, dimension: Int) {
        guard let fingerprint = Self.fingerprint(bytes, dimension: dimension),
            let base = bytes.baseAddress, pk_crc32c(Self.version, base + 8, bytes.count - 8) == fingerprint
        else { return nil }
        func float(_ offset: Int) -> Float { bytes.loadUnaligned(fromByteOffset: offset, as: Float.self) }
        func floats(_ offset: Int, _ count: Int) -> [Float] {
            [Float](unsafeUninitializedCapacity: count) { out, initialised in
                UnsafeMutableRawBufferPointer(out).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + 4 * count)]))
                initialised = count
            }
        }
        let chunks = [24, 32, 40].map { Int(Self.load(bytes, $0, UInt64.self)) }
        var plan = pk_code_plan()
        plan.d = dimension
        (plan.chunks8, plan.chunks4, plan.chunks2) = (chunks[0], chunks[1], chunks[2])
        (plan.weight8, plan.weight4, plan.weight2) = (float(56), float(60), float(64))
        plan.skew = bytes.loadUnaligned(fromByteOffset: 48, as: Double.self)
        let hasAxes = Self.load(bytes, 68, UInt32.self) == 1
        self.init(
            seed: Self.load(bytes, 8, UInt64.self), sampleCount: Int(Self.load(bytes, 16, UInt64.self)),
            centroid: floats(Self.headerSize, dimension),
            axes: hasAxes ? floats(Self.headerSize + 4 * dimension, dimension * dimension) : nil, plan: plan,
            fingerprint: fingerprint)
        guard isSound else { return nil }
    }

    private static func load<T: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _ offset: Int, _: T.Type) -> T {
        T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// Whether the plan covers every dimension, with no chunk to spare, and every number can be computed with.
    private var isSound: Bool {
        let dimension = centroid.count
        let (eight, four, two) = (4 * plan.chunks8, 8 * plan.chunks4, 16 * plan.chunks2)
        guard plan.chunks8 <= dimension, plan.chunks4 <= dimension, plan.chunks2 <= dimension else { return false }
        let isCovered = eight + four + two >= dimension && eight < dimension + 4 && eight + four < dimension + 8
        let weights = [plan.weight8, plan.weight4, plan.weight2]
        return isCovered && eight + four + two < dimension + 16 && weights.allSatisfy { $0 > 0 && $0.isFinite }
            && plan.skew >= 0 && plan.skew.isFinite && centroid.allSatisfy(\.isFinite)
    }

    // MARK: Codes

    /// Bytes of a row of a column of codes.
    package func rowSize(_ column: Column) -> Int {
        column == .coarseCodes
            ? withUnsafePointer(to: plan) { pk_coarse_row_size($0) } : column.rowSize(dimension: centroid.count)
    }

    /// The rows of the code columns of a full block.
    /// - Parameters:
    ///   - means: [256, D].
    ///   - scalars: [256, 2]: squared length of the mean, total variance.
    ///   - kernels: the instruction set that computes; no choice changes a byte.
    /// - Returns: the rows of `Column.codes`, in their order; the same bytes on every machine.
    package func encode(
        means: UnsafeRawBufferPointer, scalars: UnsafeRawBufferPointer, kernels: Kernels = .best
    ) -> [(column: Column, rows: [UInt8])] {
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
        var centred = [Float](repeating: 0, count: size * dimension)
        var rotated = [Double](repeating: 0, count: size * dimension)
        // Rows are handed out as bytes; the kernel wants room for floats.
        var coarse = [Float](repeating: 0, count: size / 4 * rowSize(.coarseCodes))
        var residual = [Float](repeating: 0, count: size / 4 * rowSize(.residualCodes))
        var fine = [Float](repeating: 0, count: size / 4 * rowSize(.fineCodes))
        withUnsafePointer(to: plan) {
            kernels.table.pointee.encode_block(
                $0, axes, seed, floats, bases, centroid, &centred, &rotated, &coarse, &residual, &fine)
        }
        return [(.coarseCodes, coarse), (.residualCodes, residual), (.fineCodes, fine)].map { column, rows in
            (column, rows.withUnsafeBytes { Array($0) })
        }
    }
}
