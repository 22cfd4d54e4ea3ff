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
        #expect(truncated.code == 2 && truncated.text.contains("truncated"), "\(truncated.text)")
        #expect(truncated.lines.contains { $0.hasPrefix("damaged: block 0 of images, column ") }, "\(truncated.text)")
    }

    /// A page of LMDB's tree overwritten with every kind of byte: whatever becomes of the reader, exit code 2 or a sound
    /// index.
    @Test(arguments: [0, 8, 10, 12, 16, 24, 100, 2_000, 4_000, 4_090]) func damagedTrees(offset: Int) throws {
        let folder = try TemporaryFolder()
        try SyntheticIndex.make(at: folder.file("index"), count: 1_500, dimension: 16)
        let file = URL(fileURLWithPath: folder.file("index/vectors-1/data.mdb"))
        let original = try Data(contentsOf: file)
        // Leaf pages (flag 2 at offset 10) hold the keys.
        let leaves = stride(from: 0, to: original.count, by: 4_096).filter {
            original[$0 + 10] & 0x0F == 2 && original[$0 + 11] == 0
        }
        #expect(!leaves.isEmpty)
        for (index, leaf) in leaves.enumerated() {
            for pattern in [UInt8(0x01), 0x80, 0xFF] {
                var data = original
                data[leaf + offset] ^= pattern
                if index == 0 { for more in 1..<4 { data[leaf + offset + more] ^= pattern } }
                try data.write(to: file)
                let output = try Program.run(["verify", "--index", folder.file("index")], in: folder.path)
                #expect(
                    output.code == 0 && output.lines == ["sound: 1500 items in 6 blocks"]
                        || output.code == 2 && output.lines.contains { $0.hasPrefix("damaged: ") },
                    "page \(leaf / 4_096), offset \(offset): \(output.code) \(output.text)\(output.stderr)")
            }
        }
    }
}
