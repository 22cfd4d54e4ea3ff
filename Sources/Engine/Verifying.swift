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

    /// Reads every indexed file again and compares its content with what was indexed.
    /// - Returns: the files that differ or cannot be read, with the reason.
    /// - Throws: an error when the root or the catalogue cannot be read.
    public func verifyFiles() throws -> [IndexingNotice] {
        let reader = try FileReader(root: root)
        var items: [ItemRecord] = []
        try store.readCatalogue { database in
            try Catalogue.forEachItem(.images, .scan, database) { items.append($0) }
        }
        return items.compactMap { item -> IndexingNotice? in
            do {
                let content = try reader.read(RelativePath(bytes: item.name))
                guard content.hash != item.file?.hash else { return nil }
                return IndexingNotice(path: item.name, reason: "its content is not what was indexed")
            } catch {
                return IndexingNotice(path: item.name, reason: "\(error)")
            }
        }
    }
}
