// Seeded pictures to an index, and to files that other engines read.
import CKernels
import Dispatch
import Foundation
import Gaussians
import Retrieval
import Storage

/// An index of so many pictures, and what making it took.
struct SyntheticIndex {
    let store: IndexStore
    let count: Int
    /// Vectors, codes and catalogue, in batches and synced as an import does; once for each time it was built.
    let buildSeconds: [Double]
    /// Bytes of a row of the columns of codes.
    let rowSizes: (coarse: Int, residual: Int, fine: Int)

    /// Builds an index, up to 100,000 items three times: memory that a virtual machine has not used before is slow.
    init(at path: String, count: Int, _ data: inout CrossModalData) throws {
        var seconds: [Double] = []
        let builds = count <= 100_000 ? 3 : 1
        for _ in 1..<builds {
            var again = data
            seconds.append(try Self.build(at: path, count, &again).seconds)
            try FileManager.default.removeItem(atPath: path)
        }
        let (store, last) = try Self.build(at: path, count, &data)
        self.store = store
        self.count = count
        buildSeconds = seconds + [last]
        let parameters = try store.read { try $0.codeParameters(of: .images) }
        func rowSize(_ column: Column) -> Int { parameters?.rowSize(column) ?? 0 }
        rowSizes = (rowSize(.coarseCodes), rowSize(.residualCodes), rowSize(.fineCodes))
    }

    private static func build(
        at path: String, _ count: Int, _ data: inout CrossModalData
    ) throws -> (store: IndexStore, seconds: Double) {
        let state = IndexState(
            root: nil, model: "synthetic", modelFingerprint: "0", encodingID: "synthetic", dimension: data.dimension)
        let store = try IndexStore.create(at: path, state)
        let writer = try IndexWriter(store)
        var pending = try writer.begin(.images, .scan)
        var seconds = 0.0
        let piece = 2_560  // as many rows as an import reads at a time, 8 MB of means
        var next: GaussianRows? = GaussianRows((0..<min(piece, count)).map { _ in data.picture() })
        let first = ContinuousClock.now
        next?.computeScalars()
        seconds += Measurement.seconds(ContinuousClock.now - first)
        for first in stride(from: 0, to: count, by: piece) {
            guard let rows = next else { break }
            let range = first..<min(first + piece, count)
            let names = range.map { Array("\($0)".utf8) }
            let after = range.upperBound..<min(range.upperBound + piece, count)
            let following = after.isEmpty ? nil : GaussianRows(after.map { _ in data.picture() })
            next = following
            let start = ContinuousClock.now
            // As an import does, one piece is prepared while the one before is written.
            let preparation = DispatchGroup()
            DispatchQueue.global().async(group: preparation) { following?.computeScalars() }
            try rows.withColumns { try writer.append($0, names: names, replacing: [], to: &pending) }
            preparation.wait()
            seconds += Measurement.seconds(ContinuousClock.now - start)
        }
        let start = ContinuousClock.now
        try writer.commit(pending)
        return (store, seconds + Measurement.seconds(ContinuousClock.now - start))
    }

    /// Makes the codes anew, with parameters that all items decide: what `optimize` does where no item is gone.
    /// - Returns: how long it took, as a line of JSON.
    func optimize() throws -> String {
        let writer = try IndexWriter(store)
        let start = ContinuousClock.now
        let report = try writer.optimize()
        let seconds = Measurement.seconds(ContinuousClock.now - start)
        return
            "{\"case\":\"optimize/N=\(count)\",\"N\":\(count),\"seconds\":[\(seconds)],\"made_codes\":\(report.madeCodes)}"
    }

    /// How long building took, the middle one.
    var buildMedian: Double { buildSeconds.sorted()[buildSeconds.count / 2] }

    /// What is kept of it in the results.
    var json: String {
        "{\"case\":\"store/N=\(count)\",\"N\":\(count),\"build_s\":\(buildSeconds),"
            + "\"bytes_per_item\":\(Double(store.size) / Double(count)),\"coarse_bytes\":\(rowSizes.coarse),"
            + "\"residual_bytes\":\(rowSizes.residual),\"fine_bytes\":\(rowSizes.fine),\"peak_mb\":\(ProcessMemory.peakMegabytes)}"
    }

    /// Every hundredth item: what a filter that leaves 1 % lets through.
    var hundredth: SlotSet {
        let size = GaussianCodec.slotsPerBlock
        return SlotSet(stride(from: 0, to: count, by: 100).map { Placement(block: $0 / size, slot: $0 % size) })
    }

    /// Means, total variances and queries as raw little-endian Float32 for the peers.
    func export(_ queries: [Gaussian], to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try store.read { snapshot in
            let path = "\(folder)/means.f32"
            try Data().write(to: URL(fileURLWithPath: path))
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            var variances: [Float] = []
            try snapshot.forEachBlock(in: .images) { block in
                let bytes = 4 * block.count * snapshot.state.dimension
                try file.write(contentsOf: UnsafeRawBufferPointer(start: block.means, count: bytes))
                for slot in 0..<block.count { variances.append(Float(block.scalars[2 * slot + 1])) }
            }
            try file.close()
            try variances.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: "\(folder)/variances.f32"))
            let means = queries.flatMap(\.mean)
            try means.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: "\(folder)/queries.f32"))
        }
    }
}

/// Gaussians as rows in memory, as an import reads them from a file.
private final class GaussianRows: @unchecked Sendable {  // prepared by one thread, then used by another
    private let means: [Float]
    private let logVariances: [Float]
    private var scalars: [Double] = []
    private let count: Int

    init(_ gaussians: [Gaussian]) {
        means = gaussians.flatMap(\.mean)
        logVariances = gaussians.flatMap(\.logVariance)
        count = gaussians.count
    }

    /// Squared length and total variance of every row.
    func computeScalars() {
        let dimension = means.count / max(count, 1)
        scalars = means.withUnsafeBufferPointer { means in
            logVariances.withUnsafeBufferPointer { logVariances in
                (0..<count).flatMap { row in
                    let row = row * dimension..<(row + 1) * dimension
                    return [
                        Gaussian.squaredNorm(UnsafeBufferPointer(rebasing: means[row])),
                        Gaussian.totalVariance(UnsafeBufferPointer(rebasing: logVariances[row])),
                    ]
                }
            }
        }
    }

    /// Hands out the rows, whose scalars have been computed.
    func withColumns(_ body: (RowColumns) throws -> Void) throws {
        try means.withUnsafeBufferPointer { means in
            try logVariances.withUnsafeBufferPointer { logVariances in
                try scalars.withUnsafeBufferPointer { scalars in
                    guard let means = means.baseAddress, let logVariances = logVariances.baseAddress,
                        let scalars = scalars.baseAddress
                    else { return }
                    try body(RowColumns(count: count, means: means, logVariances: logVariances, scalars: scalars))
                }
            }
        }
    }
}
