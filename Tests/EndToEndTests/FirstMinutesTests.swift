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
}
