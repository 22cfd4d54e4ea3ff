// A folder that has changed since it was indexed to what a run would look at, by `stat` alone.
import Engine
import Foundation
import TestSupport
import Testing

@Suite struct StalenessTests {
    @Test func picturesThatAreKeptAreNotThere() async throws {
        let pictures = try Pictures(["sub/a.jpg": 1])
        try await pictures.update()
        try pictures.remove("sub/a.jpg")
        let stale = try pictures.index.staleness()
        #expect(!stale.isCurrent && stale.kept == 1 && stale.missing == 0)
    }

    @Test func whatAFolderIsAhead() async throws {
        let pictures = try Pictures(["a.jpg": 1, "b.jpg": 2, "c.jpg": 3, "sub/d.jpg": 4, "sub/e.jpg": 5])
        try pictures.folder.write("bad.jpg", [1, 2, 3])
        #expect(try pictures.index.staleness().new == 6)
        try await pictures.update()
        let current = try pictures.index.staleness()
        #expect(current.isCurrent && current == Staleness(unchanged: 5, failedBefore: 1))
        let generation = try pictures.index.status().generation
        try pictures.remove("a.jpg")
        try pictures.touch("b.jpg", 1_000_000_000)
        try pictures.write(6, "new.jpg")
        try pictures.remove("sub")
        let stale = try pictures.index.staleness()
        #expect(!stale.isCurrent)
        #expect(stale.unchanged == 1 && stale.new == 1 && stale.changed == 1 && stale.missing == 1)
        #expect(stale.notices.map(\.path) == [Array("sub".utf8)] && stale.kept == 2)
        #expect(try pictures.index.status().generation == generation, "nothing was written")
    }
}
