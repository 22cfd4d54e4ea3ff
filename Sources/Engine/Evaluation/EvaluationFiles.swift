// Files of pairs and of chains to what an evaluation asks: distinct pictures, distinct texts, and which belong together.
import Corpus
import Retrieval

/// Pictures and texts, and which of them belong together.
package struct PairsFile {
    /// Distinct picture paths, in order of appearance.
    package private(set) var pictures: [String] = []
    /// Distinct texts, in order of appearance.
    package private(set) var texts: [String] = []
    /// Indices of picture and text.
    package private(set) var pairs: [(picture: Int, text: Int)] = []
    /// Lines that name no picture or no text.
    package private(set) var incomplete: [Int] = []

    /// Reads a file.
    /// - Throws: `CaptionFileError` naming the line, also when the file has no pair.
    package init(path: String, columns: CaptionColumns) throws {
        let folder = EvaluationFiles.folder(of: path)
        var pictureNumbers: [String: Int] = [:]
        var textNumbers: [String: Int] = [:]
        var seen: Set<[Int]> = []
        try CaptionFile(path: path, columns: columns).forEachRow { row in
            guard !row.pictures.isEmpty, !row.texts.isEmpty else {
                incomplete.append(row.line)
                return true
            }
            let named = row.pictures.map {
                Self.number(EvaluationFiles.join(folder, $0), &pictureNumbers, &pictures)
            }
            let said = row.texts.map { Self.number($0, &textNumbers, &texts) }
            for pair in named.flatMap({ picture in said.map { (picture: picture, text: $0) } }) {
                if seen.insert([pair.picture, pair.text]).inserted { pairs.append(pair) }
            }
            return true
        }
        guard !pairs.isEmpty else { throw CaptionFileError(path: path, reason: "no row has a picture and a text") }
    }

    private static func number(_ name: String, _ numbers: inout [String: Int], _ names: inout [String]) -> Int {
        if let number = numbers[name] { return number }
        numbers[name] = names.count
        names.append(name)
        return names.count - 1
    }
}

/// Chains of texts, most general first, each perhaps with the picture it describes.
package struct ChainsFile {
    /// The chains, at least one.
    package let chains: ConceptChains
    /// The picture of each chain, or nil.
    package let pictures: [String?]

    /// Reads a file: `levels` (a list), or `captions` ("a => b => c", or a list).
    /// - Throws: `CaptionFileError` naming the line, also when no chain has two levels.
    package init(path: String, imageColumn: String?, textColumn: String?) throws {
        let folder = EvaluationFiles.folder(of: path)
        var chains: [[String]] = []
        var pictures: [String?] = []
        let columns = CaptionColumns(text: textColumn, picture: imageColumn, needsText: false)
        try CaptionFile(path: path, columns: columns).forEachRow { row in
            let names = textColumn.map { [$0] } ?? ["levels", "captions"]
            guard let values = names.lazy.compactMap({ row.columns[$0] }).first else {
                throw CaptionFileError(
                    path: path, line: row.line,
                    reason: "no \(names.joined(separator: " or ")); there are: "
                        + row.columns.keys.sorted().joined(separator: ", "))
            }
            let levels = values.count == 1 ? Self.split(values[0]) : values
            if Set(levels).count > 1 {
                chains.append(levels)
                pictures.append(row.pictures.first.map { EvaluationFiles.join(folder, $0) })
            }
            return true
        }
        guard !chains.isEmpty else { throw CaptionFileError(path: path, reason: "no chain of two levels or more") }
        self.chains = ConceptChains(chains)
        self.pictures = pictures
    }

    /// "a => b => c" to its levels, without the spaces around them.
    static func split(_ captions: String) -> [String] {
        var levels: [String] = []
        var rest = captions[...]
        while let arrow = rest.firstRange(of: "=>") {
            levels.append(String(rest[..<arrow.lowerBound]))
            rest = rest[arrow.upperBound...]
        }
        levels.append(String(rest))
        return levels.map { level in
            String(level.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        }.filter { !$0.isEmpty }
    }
}

/// Paths beside the file that names them.
enum EvaluationFiles {
    /// The folder a file lies in; empty for the current one.
    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    /// A path relative to that folder; absolute ones stay.
    static func join(_ folder: String, _ path: String) -> String { path.hasPrefix("/") ? path : folder + path }
}
