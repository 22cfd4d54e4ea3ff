// What lies in an index folder to what of it is ours, and its removal: nothing unknown is ever deleted.
import Foundation
import Glibc

/// The entries of an index folder.
struct IndexFiles {
    private let folder: String
    /// Files of ours, in the order in which they may be removed: the folder stays an index until the catalogue goes.
    private let files: [String]
    /// Folders of vectors.
    private let vectors: [String]
    /// Where `repair` keeps what it found damaged.
    private let kept: [String]
    /// Everything else.
    let unknown: [String]

    /// The prefix of the folders in which `repair` keeps what it found damaged.
    static let keptPrefix = "damaged-"
    private static let known =
        ["-wal", "-shm", "-journal", ""].map { IndexStore.catalogueName + $0 }
        + [IndexStore.lockName]

    init(_ folder: String) {
        self.folder = folder
        let entries = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        let isFolder = { (name: String) in Entry("\(folder)/\(name)").isFolder }
        let vectors = entries.filter { VectorsFolder.number($0) != nil && isFolder($0) }
        let kept = entries.filter { $0.hasPrefix(Self.keptPrefix) && isFolder($0) }
        files = Self.known.filter(entries.contains)
        unknown = entries.filter { !(Self.known + vectors + kept).contains($0) }
        self.vectors = vectors
        self.kept = kept
    }

    /// Removes what is ours, and the folder if nothing else is in it.
    /// - Returns: what stayed, relative to the folder.
    func remove() -> [String] {
        var left = unknown
        for name in vectors {
            for file in VectorsFolder.files { unlink("\(folder)/\(name)/\(file)") }
            if rmdir("\(folder)/\(name)") != 0 { left.append(name) }
        }
        for name in kept { left += IndexFiles("\(folder)/\(name)").remove().map { "\(name)/\($0)" } }
        for name in files where unlink("\(folder)/\(name)") != 0 { left.append(name) }
        rmdir(folder)
        return left.sorted()
    }

    /// Bytes of what is ours.
    var size: Int {
        files.reduce(0) { $0 + Entry("\(folder)/\($1)").size }
            + vectors.reduce(0) { total, name in
                VectorsFolder.files.reduce(total) { $0 + Entry("\(folder)/\(name)/\($1)").size }
            }
            + kept.reduce(0) { $0 + IndexFiles("\(folder)/\($1)").size }
    }

    /// The folders in which `repair` kept something.
    var keptFolders: [String] { kept.map { "\(folder)/\($0)" } }
}
