// A newcomer's first minutes, on the built program.
import Foundation
import TestSupport
import Testing

@Suite struct FirstMinutesTests {
    @Test func indexAndSearch() throws {
        let folder = try TemporaryFolder()
        for name in ["scene-001.jpg", "scene-003.jpg"] {
            try FileManager.default.copyItem(
                atPath: Fixtures.repository("Examples/Gallery/\(name)"), toPath: folder.file(name))
        }
        let index = try Program.run(["index"], in: folder.path)
        #expect(index.code == 0)
        #expect(index.lines.first == "2 added")
        let search = try Program.run(["search", "a", "black", "dog", "--format", "paths"], in: folder.path)
        #expect(search.code == 0)
        #expect(search.lines.first == "scene-003.jpg")
    }

    @Test func whatIsNotThereIsSaidToBeAbsent() throws {
        let gallery = try Gallery.indexed(12)
        let absent = try gallery.run("search", "a washing machine", "-n", "3")
        #expect(absent.code == 0 && absent.lines.count == 4, "the list is printed all the same")
        #expect(absent.stderr == "penumbra: no confident match, best <1 %\n")
        let present = try gallery.run("search", "a black dog on a city street", "-n", "3")
        #expect(present.code == 0 && present.stderr.isEmpty)
    }
}
