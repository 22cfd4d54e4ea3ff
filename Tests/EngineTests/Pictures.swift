// A few gallery pictures to a folder with an index, and questions the tests ask about it.
import Encoders
import Engine
import Foundation
import Gaussians
import Storage
import TestSupport
import Testing

/// A temporary root with an index of the built-in model.
struct Pictures {
    let folder: TemporaryFolder
    let index: Index
    var root: String { folder.path }

    /// Creates the folder, writes gallery pictures into it by name and number, and makes an empty index beside them.
    init(_ pictures: KeyValuePairs<String, Int> = [:], model: Model? = nil) throws {
        folder = try TemporaryFolder()
        for (name, number) in pictures { try Self.write(number, to: folder, name) }
        index = try Index.create(at: folder.file(".penumbra"), root: folder.path, model: model ?? Model.builtin())
    }

    /// The content of a gallery picture.
    static func content(_ number: Int) throws -> [UInt8] {
        let name = String(format: "Examples/Gallery/scene-%03d.jpg", number)
        return Array(try Data(contentsOf: URL(fileURLWithPath: Fixtures.repository(name))))
    }

    /// Puts a gallery picture under a name.
    static func write(_ number: Int, to folder: TemporaryFolder, _ name: String) throws {
        try folder.write(name, try content(number))
    }

    func write(_ number: Int, _ name: String) throws { try Self.write(number, to: folder, name) }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: folder.file(name)) }

    /// `rename(2)`: the content and the modification time stay, the status change time does not.
    func move(_ from: String, _ to: String) { #expect(rename(folder.file(from), folder.file(to)) == 0) }

    /// Sets a file's modification time, so that no clock is too coarse to see a change.
    func touch(_ name: String, _ seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: folder.file(name))
    }

    @discardableResult
    func update(_ options: IndexingOptions = IndexingOptions(jobs: 2)) async throws -> IndexingSummary {
        try await index.update(options)
    }

    /// Everything the index holds, by name.
    func results() throws -> [String: SearchResult] {
        let results = try index.search("a picture", limit: 1_000).results
        return Dictionary(uniqueKeysWithValues: results.map { ($0.name, $0) })
    }

    /// The names the index holds, sorted.
    func names() throws -> [String] { try results().keys.sorted() }

    /// The item of a name.
    func item(_ name: String) throws -> ItemID { try #require(try results()[name]?.item) }

    /// The stored Gaussians by name.
    func gaussians() throws -> [String: Gaussian] {
        try IndexStore(path: index.folder).read { snapshot in
            var gaussians: [String: Gaussian] = [:]
            try Catalogue.forEachItem(.images, .scan, snapshot.database) { item in
                gaussians[String(decoding: item.name, as: UTF8.self)] = try snapshot.gaussian(
                    .images, at: item.placement)
            }
            return gaussians
        }
    }

    /// The items as the catalogue has them, by name.
    func records() throws -> [String: ItemRecord] {
        try IndexStore(path: index.folder).readCatalogue { database in
            var records: [String: ItemRecord] = [:]
            try Catalogue.forEachItem(.images, .scan, database) {
                records[String(decoding: $0.name, as: UTF8.self)] = $0
            }
            return records
        }
    }
}

extension IndexingSummary {
    /// What was counted, zeros left out: "2 added, 1 unchanged".
    var counts: String {
        [
            (added, "added"), (changed, "changed"), (renamed, "renamed"), (copied, "copied"), (removed, "removed"),
            (unchanged, "unchanged"), (failures.count, "failed"), (stillFailing, "failed before"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}
