// A safetensors file of encoded rows to Gaussians: what `penumbra encode` writes, or another program.
import Encoders
import Foundation
import Gaussians
import Storage

/// The rows of a file of Gaussians, in place.
struct VectorRows {
    private let path: String
    private let mean: Tensor
    private let logVariance: Tensor?
    private let names: RowNames?
    private let kinds: [String]?
    private let dimension: Int
    /// How many there are.
    let count: Int

    /// Opens a file whose Gaussians are comparable with an index's.
    ///
    /// `mean` [N, D]; `log_variance` [N, D] but for points. Without `kinds` the rows are texts, without `encoding_id` they
    /// are taken as the index's.
    /// - Throws: `QueryError.unreadable`: missing, no safetensors file, of another model, or of another shape.
    init(path: String, for index: Index) throws {
        let state = try index.store.readCatalogue { try Catalogue.state($0, path: index.folder) }
        func refuse(_ reason: String) -> QueryError { .unreadable(path, reason) }
        let file: Safetensors
        do {
            file = try Safetensors(path: path)
        } catch {
            let reason = "\(error)"
            throw refuse(reason.hasPrefix("\(path): ") ? String(reason.dropFirst(path.count + 2)) : reason)
        }
        if let id = file.metadata["encoding_id"], id != state.encodingID {
            throw refuse("its rows were made with encoding \(id), the index with \(state.encodingID)")
        }
        guard let mean = file.tensors["mean"], mean.shape.count == 2 else { throw refuse("no tensor mean [N, D]") }
        guard mean.shape[1] == state.dimension else {
            throw refuse("rows of \(mean.shape[1]) dimensions, the index has \(state.dimension)")
        }
        let logVariance = file.tensors["log_variance"]
        guard logVariance == nil || logVariance?.shape == mean.shape else {
            throw refuse("mean and log_variance differ in shape")
        }
        count = mean.shape[0]
        do {
            names = try RowNamesReader(path: path, count: count).read(file.metadata, lines: nil)
        } catch let refusal as ImportRefusal where refusal.reason == .unnamed {
            names = nil
        }
        self.path = path
        self.mean = mean
        self.logVariance = logVariance
        dimension = state.dimension
        kinds = names == nil ? file.metadata["kinds"].flatMap(Self.kinds) : nil
        guard kinds == nil || kinds?.count == count else { throw refuse("\(kinds?.count ?? 0) kinds of \(count) rows") }
    }

    /// Kinds of rows that have no names.
    private static func kinds(_ list: String) -> [String]? {
        try? JSONDecoder().decode([String].self, from: Data(list.utf8))
    }

    /// A row's Gaussian.
    /// - Throws: `QueryError`: there is no such row, or it holds no Gaussian of unit length.
    func gaussian(_ row: Int) throws -> Gaussian {
        guard row < count else {
            throw QueryError.unreadable(path, "no row \(row); there are \(count), the first is 0")
        }
        let means = try floats(mean, row)
        let gaussian = try logVariance.map { Gaussian(mean: means, logVariance: try floats($0, row)) }
        let result = gaussian ?? Gaussian(point: means)
        guard result.isFinite else {
            throw QueryError.unreadable(path, "row \(row) holds numbers that are not finite")
        }
        let length = result.squaredNorm.squareRoot()
        guard abs(length - 1) <= RowChunk.tolerance else {
            throw QueryError.unreadable(path, "the mean of row \(row) has length \(length), not 1")
        }
        return result
    }

    /// What a row was made of.
    func kind(_ row: Int) -> Collection { names?.kind(of: row) ?? (kinds?[row] == "image" ? .images : .texts) }

    /// A row's name, where the file says.
    func name(_ row: Int) -> String? { names.map { String(decoding: $0[row], as: UTF8.self) } }

    private func floats(_ tensor: Tensor, _ row: Int) throws -> [Float] {
        let buffer = FloatBuffer(count: dimension)
        try tensor.widen(rows: row..<(row + 1), rowLength: dimension, into: buffer.pointer)
        return withExtendedLifetime(buffer) {
            Array(UnsafeBufferPointer(start: buffer.pointer, count: dimension))
        }
    }
}
