// Seeded pictures to an index, and to files that other engines read.
import CKernels
import Foundation
import Gaussians
import Retrieval
import Storage

/// An index of so many pictures, optimised, and what making it took.
struct SyntheticIndex {
    let store: IndexStore
    let count: Int
    /// Writing vectors and catalogue, in batches as an indexing run does.
    let storeSeconds: Double
    /// Making codes, and all else that `optimize` does.
    let optimizeSeconds: Double
    /// Bytes of a row of the columns of codes.
    let rowSizes: (coarse: Int, residual: Int, fine: Int)

    init(at path: String, count: Int, _ data: inout CrossModalData) throws {
        let state = IndexState(
            root: nil, model: "synthetic", modelFingerprint: "0", encodingID: "synthetic", dimension: data.dimension)
        store = try IndexStore.create(at: path, state)
        self.count = count
        let writer = try IndexWriter(store)
        var seconds = 0.0
        for first in stride(from: 0, to: count, by: 8_192) {
            var batch = Batch()
            for number in first..<min(first + 8_192, count) {
                batch.additions.append(
                    NewItem(name: Array("\(number)".utf8), file: nil, vector: .gaussian(data.picture())))
            }
            let start = ContinuousClock.now
            try writer.commit(batch)
            seconds += Measurement.seconds(ContinuousClock.now - start)
        }
        storeSeconds = seconds
        let start = ContinuousClock.now
        _ = try writer.optimize()
        optimizeSeconds = Measurement.seconds(ContinuousClock.now - start)
        let parameters = try store.read { try $0.codeParameters(of: .images) }
        func rowSize(_ column: Column) -> Int { parameters?.rowSize(column) ?? 0 }
        rowSizes = (rowSize(.coarseCodes), rowSize(.residualCodes), rowSize(.fineCodes))
    }

    /// What is kept of it in the results.
    var json: String {
        "{\"case\":\"store/N=\(count)\",\"N\":\(count),\"store_s\":\(storeSeconds),\"optimize_s\":\(optimizeSeconds),"
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
