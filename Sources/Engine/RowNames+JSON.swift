// Names and kinds of rows to the metadata of a safetensors file, and to the lines beside it where they are too long.
import Encoders
import Foundation
import Storage

extension RowNames {
    /// Longer metadata go to a file of their own: readers refuse headers over 100 MB, and quoting may double them.
    package static let maximumMetadataSize = 45_000_000

    /// The file that holds what is too long for the header of `path`.
    static func linesPath(_ path: String) -> String { "\(path).names.jsonl" }

    /// What the metadata of a file say of its rows; where that is too long, it is written beside the file.
    ///
    /// `names` and `kinds` are JSON arrays, `names_base64` another where a name is no UTF-8. Beside the file, each line is
    /// an object of `name`, `kind` and, where it is no UTF-8, `name_base64`; `names_sha256` is the hash of those lines.
    /// - Throws: `FileError` when the disk is full.
    func metadata(for path: String, maximumSize: Int) throws -> [String: [UInt8]] {
        if let metadata = metadata(maximumSize: maximumSize) { return metadata }
        let lines = try AtomicFile(path: Self.linesPath(path))
        var line: [UInt8] = []
        for row in 0..<count {
            line.removeAll(keepingCapacity: true)
            line += Array("{\"name\":".utf8)
            JSONStrings.append(self[row], to: &line)
            if !Self.isUTF8(self[row]) {
                line += Array(",\"name_base64\":\"\(Data(self[row]).base64EncodedString())\"".utf8)
            }
            if let kind = kind(of: row) { line += Array(",\"kind\":\"\(kind.kindName)\"".utf8) }
            line += Array("}\n".utf8)
            try line.withUnsafeBytes { try lines.write($0) }
        }
        try lines.finish()
        return ["names_sha256": Array(FileCache.none.fingerprint(of: try MappedFile(path: Self.linesPath(path))).utf8)]
    }

    /// The metadata, or nil where they are longer than `maximumSize`.
    private func metadata(maximumSize: Int) -> [String: [UInt8]]? {
        let isExact = (0..<count).allSatisfy { Self.isUTF8(self[$0]) }
        var size = 0
        func array(_ append: (Int, inout [UInt8]) -> Void) -> [UInt8]? {
            var json = [UInt8(ascii: "[")]
            for row in 0..<count {
                if row > 0 { json.append(UInt8(ascii: ",")) }
                append(row, &json)
                guard size + json.count < maximumSize else { return nil }
            }
            json.append(UInt8(ascii: "]"))
            size += json.count
            return json
        }
        guard let names = array({ JSONStrings.append(self[$0], to: &$1) }),
            let kinds = array({ JSONStrings.append((kind(of: $0)?.kindName ?? "").utf8, to: &$1) })
        else { return nil }
        guard !isExact else { return ["names": names, "kinds": kinds] }
        let exact = array { JSONStrings.append(Data(self[$0]).base64EncodedData(), to: &$1) }
        return exact.map { ["names": names, "kinds": kinds, "names_base64": $0] }
    }

    static func isUTF8(_ name: some Swift.Collection<UInt8>) -> Bool {
        name.allSatisfy { $0 < 0x80 } || String(validating: name, as: UTF8.self) != nil
    }
}
