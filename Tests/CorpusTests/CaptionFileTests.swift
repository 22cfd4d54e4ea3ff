import Corpus
import Foundation
import TestSupport
import Testing

@Suite("Caption files")
struct CaptionFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func rows(
        _ name: String, _ content: [UInt8], _ columns: CaptionColumns = CaptionColumns(),
        damage: ((CaptionFileError) -> Void)? = nil
    ) throws -> [CaptionRow] {
        let path = "\(folder.path)/\(name)"
        try Data(content).write(to: URL(fileURLWithPath: path))
        var rows: [CaptionRow] = []
        let file = try CaptionFile(path: path, columns: columns)
        try file.forEachRow(onDamage: { if let damage { damage($0) } else { throw $0 } }) {
            rows.append($0)
            return true
        }
        return rows
    }

    private func rows(
        _ name: String, _ content: String, _ columns: CaptionColumns = CaptionColumns(),
        damage: ((CaptionFileError) -> Void)? = nil
    ) throws -> [CaptionRow] {
        try rows(name, Array(content.utf8), columns, damage: damage)
    }

    private func failure(_ name: String, _ content: String, _ columns: CaptionColumns = CaptionColumns()) -> String {
        do {
            _ = try rows(name, content, columns)
            return "no error"
        } catch {
            return "\(error)".replacingOccurrences(of: "\(folder.path)/", with: "")
        }
    }

    @Test("lines: exact strings, either line end, blank ones kept as rows without a text, no end at the end")
    func lines() throws {
        let rows = try rows("a.txt", "\u{FEFF}a dog\r\n  spaced \n\n \t\n\"quoted\", e\u{301}")
        #expect(rows.map(\.texts) == [["a dog"], ["  spaced "], [], [], ["\"quoted\", e\u{301}"]])
        #expect(rows.map(\.line) == [1, 2, 3, 4, 5])
        #expect(rows[4].texts[0].utf8.count == 13)
        #expect(try self.rows("empty.TXT", "").isEmpty)
    }

    @Test("tables: quotes, doubled quotes, newlines and separators within quotes, CRLF, a mark at the start")
    func table() throws {
        let content = "\u{FEFF}file,caption\r\na.jpg,\"one, \"\"two\"\"\r\nthree\"\r\n\r\n,\r\n\"b.jpg\",5\" pipe"
        let rows = try rows("a.csv", content)
        #expect(rows.map(\.texts) == [["one, \"two\"\r\nthree"], [], ["5\" pipe"]])
        #expect(rows.map(\.pictures.first) == ["a.jpg", nil, "b.jpg"])
        #expect(rows.map(\.line) == [2, 5, 6])
        #expect(rows[0].columns["caption"] == ["one, \"two\"\r\nthree"])
    }

    @Test("tab-separated values, columns by name, all others reachable")
    func tabs() throws {
        let columns = CaptionColumns(text: "titre", picture: "où")
        let rows = try rows("a.tsv", "titre\toù\tcaptions\nun chien\tx/y.jpg\ta => b => c\n", columns)
        #expect(rows[0].texts == ["un chien"])
        #expect(rows[0].pictures.first == "x/y.jpg")
        #expect(rows[0].columns["captions"] == ["a => b => c"])
        let chains = CaptionColumns(needsText: false)
        #expect(try self.rows("b.csv", "captions,id\na => b,1\n", chains)[0].columns["captions"] == ["a => b"])
    }

    @Test("the only column of a table is the text")
    func oneColumn() throws {
        #expect(try rows("a.csv", "whatever\na\n\n\"\"\nb\n").map(\.texts) == [["a"], ["b"]])
    }

    @Test("JSON lines: strings, lists, the last of levels, null, other values ignored unless asked for")
    func objects() throws {
        let rows = try rows(
            "a.jsonl",
            """
            {"text": "a \\u00e9\\n", "image": "a.jpg", "id": 7, "more": {"x": [1]}}

            {"caption": ["one", "two"], "file": "b.jpg"}
            {"levels": ["animal", "dog", "a black dog"], "file": "c.jpg"}
            {"text": null}
            {"text": "x", "file": ["d.jpg", "", "e.jpg"]}
            """)
        #expect(rows.map(\.texts) == [["a é\n"], ["one", "two"], ["a black dog"], [], ["x"]])
        #expect(rows.map(\.pictures) == [["a.jpg"], ["b.jpg"], ["c.jpg"], [], ["d.jpg", "e.jpg"]])
        #expect(rows.map(\.line) == [1, 3, 4, 5, 6])
        #expect(rows[2].columns["levels"] == ["animal", "dog", "a black dog"])
        #expect(rows[0].columns["id"] == nil)
        let levels = CaptionColumns(text: "levels")
        #expect(try self.rows("b.jsonl", "{\"levels\": [\"a\", \"b\"]}", levels)[0].texts == ["a", "b"])
    }

    @Test(
        "errors name file, line and what is there",
        arguments: [
            ("a.csv", "a,b\n1,2\n", nil, "a.csv: line 1: which column holds the text? There are: a, b"),
            ("a.csv", "a,b\n1,2\n", "c", "a.csv: line 1: no column \"c\"; there are: a, b"),
            ("a.csv", "a,a\n1,2\n", "a", "a.csv: line 1: two columns are named \"a\""),
            ("a.csv", "", nil, "a.csv: empty, without a header"),
            ("a.csv", "text\n\"x\ny\n", nil, "a.csv: line 2: a quote is left open"),
            (
                "a.csv", "text\nx\n\"x\"y\n", nil,
                "a.csv: line 3: text after a closing quote; a quote within quotes is written twice"
            ),
            ("a.csv", "text,b\n\"x\ny\",1\nx,y,z\n", nil, "a.csv: line 4: 3 columns where the header has 2"),
            ("a.jsonl", "{\"text\": \"a\"}\n{\"text\": ", nil, "a.jsonl: line 2: not valid JSON"),
            ("a.jsonl", "[1]", nil, "a.jsonl: line 1: not a JSON object"),
            ("a.jsonl", "{\"x\": 1}", nil, "a.jsonl: line 1: which field holds the text? There are: x"),
            (
                "a.jsonl", "{\"x\": 1}", "x",
                "a.jsonl: line 1: the field \"x\" is neither a string nor a list of strings"
            ),
            ("a.jsonl", "{\"x\": 1}", "y", "a.jsonl: line 1: no field \"y\"; there are: x"),
            ("a.pdf", "", nil, "a.pdf: not .txt, .csv, .tsv or .jsonl"),
        ])
    func errors(_ name: String, _ content: String, _ column: String?, _ expected: String) {
        #expect(failure(name, content, CaptionColumns(text: column)) == expected)
    }

    @Test("a damaged row does not hide the others")
    func damagedRows() throws {
        let long = [UInt8](repeating: 0x78, count: CaptionFile.maximumRow + 1)
        var damages: [String] = []
        let lines = try rows("a.txt", [0x61, 0x0A, 0xFF, 0x0A] + long + [0x0A, 0x62]) { damages.append($0.reason) }
        #expect(lines.map(\.texts) == [["a"], ["b"]])
        #expect(lines.map(\.line) == [1, 4])
        #expect(damages == ["not UTF-8", "longer than 1 MB"])
        damages = []
        let objects = try rows("a.jsonl", "{\"text\": \"a\"}\nnot\n{\"text\": \"b\"}") { damages.append($0.reason) }
        #expect(objects.map(\.texts) == [["a"], ["b"]])
        #expect(damages == ["not valid JSON"])
    }

    @Test("an open quote in a large file is found within 1 MB; UTF-16, folders and missing files are named")
    func refusals() throws {
        let open = "text\n\"" + String(repeating: "x\n", count: CaptionFile.maximumRow)
        #expect(failure("a.csv", open) == "a.csv: line 2: a row of over 1 MB: is a quote left open?")
        #expect(throws: CaptionFileError.self) { try rows("a.txt", [0xFF, 0xFE, 0x61, 0x00]) }
        #expect(throws: CaptionFileError.self) {
            try CaptionFile(path: "\(folder.path)/none.txt").forEachRow { _ in true }
        }
        #expect(throws: CaptionFileError.self) {
            try CaptionFile(path: folder.path, format: .lines).forEachRow { _ in true }
        }
    }

    @Test("rows survive the buffer's borders", arguments: [262_141, 262_142, 262_143, 262_144, 262_145])
    func borders(_ size: Int) throws {
        let filler = String(repeating: "f", count: size - 7)
        let table = try rows("a.csv", "text,n\n\"\(filler)\"\"\",1\r\n\"b\",2\r\n")
        #expect(table.map(\.texts) == [["\(filler)\""], ["b"]])
        let lines = try rows("a.txt", "\(filler)\r\nb\r\n")
        #expect(lines.map(\.texts) == [[filler], ["b"]])
    }

    @Test("reading stops when told to")
    func stops() throws {
        let path = "\(folder.path)/a.txt"
        try Data("a\nb\nc\n".utf8).write(to: URL(fileURLWithPath: path))
        var seen = 0
        try CaptionFile(path: path).forEachRow { _ in
            seen += 1
            return seen < 2
        }
        #expect(seen == 2)
    }

    @Test("the hash is that of the bytes, and facts are a plain file's")
    func hash() throws {
        _ = try rows("a.txt", "abc")
        let hash = try CaptionFile.hash(of: "\(folder.path)/a.txt")
        #expect(hash.prefix(4) == [0xBA, 0x78, 0x16, 0xBF])
        #expect(try CaptionFile.facts(of: "\(folder.path)/a.txt").size == 3)
        #expect(throws: CaptionFileError.self) { try CaptionFile.facts(of: folder.path) }
    }
}
