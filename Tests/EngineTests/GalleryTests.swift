// The gallery's 240 pictures and their captions to retrieval quality: the whole chain, measured.
import Engine
import Foundation
import TestSupport
import Testing

@Suite struct GalleryTests {
    struct Caption: Decodable {
        let file: String
        let levels: [String]
    }

    func captions() throws -> [Caption] {
        let url = URL(fileURLWithPath: Fixtures.repository("Examples/Gallery/captions.jsonl"))
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Caption.self, from: Data($0.utf8))
        }
    }

    /// Text-to-picture recall over full captions; a caption that stands on several pictures is found with any of them.
    @Test func fullCaptionsFindTheirPictures() async throws {
        let captions = try captions()
        #expect(captions.count == 240)
        let pictures = try Pictures()
        for caption in captions {
            try FileManager.default.copyItem(
                atPath: Fixtures.repository("Examples/Gallery/\(caption.file)"),
                toPath: pictures.folder.file(caption.file))
        }
        #expect(try await pictures.update().counts == "240 added")
        var pictureNames: [String: Set<String>] = [:]
        for caption in captions { pictureNames[try #require(caption.levels.last), default: []].insert(caption.file) }
        var found = (at1: 0, at10: 0)
        for caption in captions {
            let words = try #require(caption.levels.last)
            let wanted = try #require(pictureNames[words])
            let results = try pictures.index.search(words, limit: 10).results.map(\.name)
            if results.prefix(1).contains(where: wanted.contains) { found.at1 += 1 }
            if results.contains(where: wanted.contains) { found.at10 += 1 }
        }
        let recall = (at1: Double(found.at1) / 2.4, at10: Double(found.at10) / 2.4)
        print("gallery: recall@1 \(recall.at1) %, recall@10 \(recall.at10) %")
        #expect(abs(recall.at1 - 87.1) <= 1)
        #expect(abs(recall.at10 - 100) <= 1)
    }
}
