// Sixty kills at random moments, some inside commits, to an index that verifies and has every acknowledged item.
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct TortureTests {
    @Test func sixtyKills() throws {
        let folder = try TemporaryFolder()
        let torture = URL(fileURLWithPath: Program.path).deletingLastPathComponent()
            .appendingPathComponent("torture").path
        let output = try Program.finish(Program.process(["60"], executable: torture, in: folder.path))
        #expect(output.code == 0, "\(output.text)\(output.stderr)")
        let inside = output.text.firstMatch(of: #/(\d+) kills between/#).flatMap { Int($0.1) } ?? 0
        #expect(inside >= 20, "\(output.text)")
        print(output.text)
    }
}
