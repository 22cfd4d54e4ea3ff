// A model and labelled texts to what the model is worth: encode once, then measure.
import Corpus
import Encoders
import Gaussians
import Retrieval
import Storage

/// Retrieval in one direction over one file of pairs.
public struct RetrievalRow: Sendable, Equatable {
    /// The file.
    public let file: String
    /// What is asked with: texts ask for pictures, pictures for texts.
    public let queries: Collection
    /// The figures.
    public let figures: RetrievalFigures
}

/// Something an evaluation had to leave out, and why.
public struct EvaluationNotice: Sendable, Equatable {
    /// A picture, a text, or the file that was read.
    public let path: String
    /// The reason.
    public let reason: String
    /// Whether it is a failure, not merely a remark.
    public let isFailure: Bool
}

/// Why a model cannot be evaluated so.
public struct EvaluationError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The sentence shown to people.
    public let description: String
}

extension Model {
    /// Measures text-to-picture and picture-to-text retrieval over a file of pairs.
    ///
    /// Distinct pictures and distinct texts are encoded once; each asks for all of the other kind by CSD.
    /// - Parameters:
    ///   - path: csv, tsv or jsonl; fields `file` or `image`, and `text`, `caption` or the last of `levels`.
    ///   - imageColumn: another picture field.
    ///   - textColumn: another text field.
    /// - Returns: both directions, and what was left out: pictures that cannot be read, rows without picture or text.
    /// - Throws: an error naming file and line; an error when the model has no tokenizer.
    public func evaluateRetrieval(
        pairs path: String, imageColumn: String? = nil, textColumn: String? = nil
    ) async throws -> (rows: [RetrievalRow], notices: [EvaluationNotice]) {
        let file = try PairsFile(path: path, columns: CaptionColumns(text: textColumn, picture: imageColumn))
        let encoded = try await encodeForEvaluation(pictures: file.pictures, texts: file.texts)
        var notices = encoded.notices
        if !file.incomplete.isEmpty {
            notices.append(
                EvaluationNotice(
                    path: path, reason: "\(file.incomplete.count) rows without a picture or a text", isFailure: false))
        }
        let pictures = encoded.pictures.compactMap { $0 }
        var places: [Int: Int] = [:]
        for (number, gaussian) in encoded.pictures.enumerated() where gaussian != nil { places[number] = places.count }
        var picturesOfText = [Set<Int>](repeating: [], count: file.texts.count)
        var textsOfPicture = [Set<Int>](repeating: [], count: pictures.count)
        for pair in file.pairs {
            guard let place = places[pair.picture] else { continue }
            picturesOfText[pair.text].insert(place)
            textsOfPicture[place].insert(pair.text)
        }
        return (
            [
                RetrievalRow(
                    file: path, queries: .texts,
                    figures: RetrievalFigures(asking: encoded.texts, of: pictures, right: picturesOfText)),
                RetrievalRow(
                    file: path, queries: .images,
                    figures: RetrievalFigures(asking: pictures, of: encoded.texts, right: textsOfPicture)),
            ], notices
        )
    }

    /// Encodes pictures and texts; a picture that fails is nil and noted.
    func encodeForEvaluation(
        pictures: [String], texts: [String]
    ) async throws -> (pictures: [Gaussian?], texts: [Gaussian], notices: [EvaluationNotice]) {
        var gaussians: [Gaussian?] = []
        var notices: [EvaluationNotice] = []
        let inputs = pictures.map { EncodingInput.picture(Array($0.utf8)) } + texts.map(EncodingInput.text)
        try await encode(inputs) { row in
            if case .text(let text) = row.input {
                notices += row.warnings.map { EvaluationNotice(path: text, reason: $0, isFailure: false) }
            }
            switch (row.result, row.input) {
            case (.success(let gaussian), _): gaussians.append(gaussian)
            case (.failure(let failure), .picture(let path)):
                gaussians.append(nil)
                notices.append(
                    EvaluationNotice(
                        path: String(decoding: path, as: UTF8.self), reason: failure.description, isFailure: true))
            case (.failure(let failure), .text(let text)):
                throw EvaluationError(description: "\(text): \(failure.description)")
            }
        }
        return (Array(gaussians[..<pictures.count]), gaussians[pictures.count...].compactMap { $0 }, notices)
    }
}

extension RetrievalFigures {
    /// Asks with each query that has something right.
    init(asking queries: [Gaussian], of candidates: [Gaussian], right: [Set<Int>]) {
        let variances = candidates.map(\.totalVariance)
        let ranks = queries.indices.filter { !right[$0].isEmpty }.map { query in
            let own = queries[query].totalVariance
            let distances = candidates.indices.map {
                queries[query].squaredMeanDistance(to: candidates[$0]) + (own + variances[$0])
            }
            return QueryRanks(distances: distances, right: right[query])
        }
        self.init(ranks, candidates: candidates.count)
    }
}
