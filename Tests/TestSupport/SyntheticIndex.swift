// Gaussians to an index without any encoder.
import Gaussians
import Storage

/// Makes index folders of synthetic Gaussians.
package enum SyntheticIndex {
    /// The state of an empty index of that dimension.
    package static func state(dimension: Int) -> IndexState {
        IndexState(
            root: nil, model: "synthetic", modelFingerprint: "0", encodingID: "synthetic", dimension: dimension)
    }

    /// Commits Gaussians in one batch as pictures named by number.
    package static func add(_ gaussians: [Gaussian], to writer: IndexWriter, firstName: Int = 0) throws {
        var batch = Batch()
        batch.additions = gaussians.enumerated().map { index, gaussian in
            NewItem(name: Array("\(firstName + index)".utf8), file: nil, vector: .gaussian(gaussian))
        }
        try writer.commit(batch)
    }
}
