// `penumbra verify` on sound, damaged and truncated indexes.
import Foundation
import TestSupport
import Testing

@Suite struct VerifyTests {
    @Test func soundDamagedAndTruncated() throws {
        let gallery = try Gallery.indexed(3)
        let sound = try gallery.run("verify", "--files")
        #expect(sound.code == 0 && sound.lines == ["sound: 3 items in 1 block"])
        try gallery.folder.write("p1.jpg", Gallery.content(7))
        let changed = try gallery.run("verify", "--files")
        #expect(changed.code == 2 && changed.lines == ["p1.jpg: its content is not what was indexed"])

        let file = URL(fileURLWithPath: gallery.folder.file(".penumbra/vectors-1/data.mdb"))
        let original = try Data(contentsOf: file)
        var data = original
        // The last block of ids: magic "PNB1", format 1, column 0, collection 0, block 0.
        let header = Data("PNB1".utf8) + Data([1, 0, 0, 0, 0, 0, 0, 0])
        let found = try #require(data.range(of: header, options: .backwards))
        data[found.lowerBound + 50] ^= 1
        try data.write(to: file)
        let damaged = try gallery.run("verify")
        #expect(damaged.code == 2)
        #expect(damaged.lines == ["damaged: block 0 of images, column ids: the checksum does not match"])

        try original.prefix(original.count / 2).write(to: file)
        let truncated = try gallery.run("verify")
        #expect(truncated.code == 2 && truncated.stderr.contains("truncated"), "\(truncated.stderr)")
    }
}
