// An index to what is wrong with it, and its files to those that are no longer what was indexed.
import Corpus
import Storage

extension Index {
    /// Checks catalogue and vectors against each other, every checksum and every vector.
    ///
    /// A damaged `data.mdb` can kill the process that reads it: run this in a child where that matters.
    /// - Returns: what was looked at, and every damage that was found.
    /// - Throws: an error when the index cannot be opened at all.
    public func verify() throws -> VerificationReport { try store.verify() }

    /// Looks for what the catalogue promises in the bytes of vectors whose reading kills or fails.
    /// - Parameter reason: what happened.
    /// - Returns: that, and the blocks that are not there.
    /// - Throws: an error when the catalogue cannot be read.
    public func verifyWithoutLMDB(because reason: String) throws -> VerificationReport {
        try store.verifyWithoutLMDB(because: reason)
    }

    /// Reads every indexed file again and compares its content with what was indexed.
    /// - Parameter found: called with each file that differs or cannot be read, and the reason.
    /// - Throws: an error when the root or the catalogue cannot be read.
    public func verifyFiles(_ found: (IndexingNotice) -> Void) throws {
        let reader = try FileReader(root: root)
        try store.readCatalogue { database in
            try Catalogue.forEachItem(.images, .scan, database) { item in
                do {
                    let content = try reader.read(RelativePath(bytes: item.name))
                    guard content.hash != item.file?.hash else { return }
                    found(IndexingNotice(path: item.name, reason: "its content is not what was indexed"))
                } catch {
                    found(IndexingNotice(path: item.name, reason: "\(error)"))
                }
            }
        }
    }
}
