// The metadata of a safetensors file, the lines beside it, or a text file, to the names and kinds of its rows.
import Encoders
import Foundation
import Storage

/// Reads what the rows of a file are called.
struct RowNamesReader {
    /// The safetensors file.
    let path: String
    /// N, its rows.
    let count: Int

    /// Reads names from a text file where one is given, else from the metadata, else from the lines beside the file.
    /// - Throws: `ImportRefusal`; `FileError` when a file cannot be read.
    func read(_ metadata: [String: String], lines: String?) throws -> RowNames {
        var names: RowNames
        if let lines {
            names = try text(lines)
        } else if let list = metadata["names_base64"] {
            names = try array(list, "names_base64") { try base64($0) }
        } else if let list = metadata["names"] {
            names = try array(list, "names") { $0 }
        } else if FileManager.default.fileExists(atPath: RowNames.linesPath(path)) {
            names = try objects(RowNames.linesPath(path), hash: metadata["names_sha256"])
        } else {
            throw ImportRefusal(path, .unnamed)
        }
        guard names.count == count else {
            throw ImportRefusal(path, .count(of: "names", got: names.count, expected: count))
        }
        if let kinds = metadata["kinds"] { try setKinds(kinds, of: &names) }
        return names
    }

    /// Lines of a text file; a line's end is a newline, with or without a carriage return.
    private func text(_ lines: String) throws -> RowNames {
        var names = RowNames()
        try forEachLine(of: lines) { line in
            names.append(line.last == 0x0D ? line.dropLast() : line[...], nil)
        }
        return names
    }

    /// Lines of JSON objects.
    private func objects(_ lines: String, hash: String?) throws -> RowNames {
        if let hash, FileCache.none.fingerprint(of: try MappedFile(path: lines)) != hash {
            throw ImportRefusal(path, .names("\(lines) is not what was written with it"))
        }
        var names = RowNames()
        try forEachLine(of: lines) { line in
            let line = try refusing { try JSONStrings.line(UnsafeRawBufferPointer(line), file: lines) }
            let exact = try line["name_base64"].map { try base64(Array($0.utf8)) }
            guard let name = exact ?? line["name"].map({ Array($0.utf8) }) else {
                throw ImportRefusal(path, .names("\(lines), line \(names.count + 1), has no name"))
            }
            names.append(name, try line["kind"].map { try kind($0, row: names.count) })
        }
        return names
    }

    private func forEachLine(of path: String, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void) throws {
        try MappedFile(path: path).withBytes { bytes in
            var rest = bytes.bindMemory(to: UInt8.self)[...]
            while !rest.isEmpty {
                let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
                try body(UnsafeBufferPointer(rebasing: rest[rest.startIndex..<end]))
                rest = rest[min(end + 1, rest.endIndex)...]
            }
        }
    }

    private func array(_ json: String, _ key: String, _ name: ([UInt8]) throws -> [UInt8]) throws -> RowNames {
        var names = RowNames()
        names.reserve(rows: count, bytes: max(json.utf8.count - 3 * count, 0))
        try forEach(in: json, key) { names.append(try name($0), nil) }
        return names
    }

    private func setKinds(_ json: String, of names: inout RowNames) throws {
        var row = 0
        try forEach(in: json, "kinds") { kind in
            if row < names.count {
                names.set(try self.kind(String(decoding: kind, as: UTF8.self), row: row), of: row)
            }
            row += 1
        }
        guard row == count else { throw ImportRefusal(path, .count(of: "kinds", got: row, expected: count)) }
    }

    private func kind(_ name: String, row: Int) throws -> Collection {
        guard let kind = Collection(kindName: name) else {
            throw ImportRefusal(path, row: row, .names("the kind \"\(name)\" is unknown, known are image and text"))
        }
        return kind
    }

    private func base64(_ text: [UInt8]) throws -> [UInt8] {
        guard let name = Data(base64Encoded: Data(text)) else {
            throw ImportRefusal(path, .names("\"\(String(decoding: text, as: UTF8.self))\" is no base64"))
        }
        return Array(name)
    }

    private func forEach(in json: String, _ key: String, _ body: ([UInt8]) throws -> Void) throws {
        var json = json
        try refusing {
            try json.withUTF8 { try JSONStrings.forEach(in: UnsafeRawBufferPointer($0), file: key, body) }
        }
    }

    private func refusing<T>(_ body: () throws -> T) throws -> T {
        do { return try body() } catch let error as TokenizerError {
            throw ImportRefusal(path, .names("\(error)"))
        }
    }
}
