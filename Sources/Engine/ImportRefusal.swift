// Why a file of vectors was refused, in sentences that name the row.

/// A file of vectors that is not what an index takes; nothing of it was stored.
public struct ImportRefusal: Error, CustomStringConvertible, Sendable, Equatable {
    /// What is wrong.
    public enum Reason: Sendable, Equatable {
        /// A tensor is missing, or not [N, D] of F32 or F16.
        case tensor(String, got: String)
        /// Mean and log variance are of different shapes.
        case unlikeShapes(mean: [Int], logVariance: [Int])
        /// The file does not say what its rows are called.
        case unnamed
        /// The names cannot be read.
        case names(String)
        /// There are more or fewer names, or kinds, than rows.
        case count(of: String, got: Int, expected: Int)
        /// The file does not say what encoded it, and no model was named.
        case noEncodingID
        /// Another encoding than the index's, or than that of the model that was named.
        case foreignEncoding(got: String, expected: String)
        /// Another model's weights than those of the model that was named.
        case foreignFingerprint(got: String, expected: String)
        /// The row has another number of dimensions.
        case dimension(got: Int, expected: Int)
        /// The row is of the other kind.
        case kind(got: String, expected: Collection)
        /// The row has no name.
        case emptyName
        /// The row is a text, and its name is no UTF-8.
        case nameNotUTF8
        /// A number that is none; columns count from 1.
        case notANumber(tensor: String, column: Int)
        /// An infinite mean, or an infinite variance.
        case infinite(tensor: String, column: Int)
        /// A log variance of minus infinity beside others that are finite.
        case partOfAPoint(column: Int)
        /// A row without variance, from a model that gives variances.
        case point
        /// A log variance that overflows.
        case tooVague(column: Int, logVariance: Float)
        /// The mean is not normalised.
        case length(Double)
        /// The name of an earlier row, with another Gaussian; rows count from 1.
        case repeated(row: Int)
    }
    /// The file.
    public let path: String
    /// The row, from 1; nil where the whole file is meant.
    public let row: Int?
    /// The row's name; empty where it has none.
    public let name: [UInt8]
    /// What is wrong.
    public let reason: Reason

    init(_ path: String, row: Int? = nil, name: some Sequence<UInt8> = [], _ reason: Reason) {
        self.path = path
        self.row = row.map { $0 + 1 }
        self.name = Array(name)
        self.reason = reason
    }

    /// The sentence shown to people, without the row's name.
    public var description: String { path + (row.map { ": row \($0)" } ?? "") + ": \(reason.description)" }
}

extension ImportRefusal.Reason: CustomStringConvertible {
    /// The reason, without file and row.
    public var description: String {
        switch self {
        case .tensor(let name, let got):
            "tensor \(name): \(got), expected [N, D] of F32 or F16"
        case .unlikeShapes(let mean, let logVariance):
            "mean is \(mean) and log_variance \(logVariance), expected equal shapes"
        case .unnamed:
            "does not say what its rows are called: no names in its metadata, and none were given"
        case .names(let reason):
            "its names cannot be read: \(reason)"
        case .count(let what, let got, let expected):
            "\(got) \(what) for \(expected) rows"
        case .noEncodingID:
            "does not say what encoded it (no encoding_id in its metadata): name the model that did"
        case .foreignEncoding(let got, let expected):
            "was made with encoding \(got), expected \(expected)"
        case .foreignFingerprint(let got, let expected):
            "was made with the model of fingerprint \(got), expected \(expected)"
        default: rowDescription
        }
    }

    private var rowDescription: String {
        switch self {
        case .dimension(let got, let expected):
            "has \(got) dimensions, the index \(expected)"
        case .kind(let got, let expected):
            "is of kind \"\(got)\", expected \"\(expected.kindName)\""
        case .emptyName:
            "has an empty name, which no picture can have"
        case .nameNotUTF8:
            "its name is not UTF-8, which a text must be"
        case .notANumber(let tensor, let column):
            "\(tensor), column \(column), is not a number"
        case .infinite(let tensor, let column):
            "\(tensor), column \(column), is infinite"
        case .partOfAPoint(let column):
            "log_variance, column \(column), is minus infinity and others are not"
        case .point:
            "log_variance is minus infinity throughout, a point, but the model gives variances"
        case .tooVague(let column, let logVariance):
            "log_variance, column \(column), is \(logVariance): too large for a variance"
        case .length(let length):
            "its mean has length \(length), not 1"
        case .repeated(let row):
            "has the name of row \(row), and another Gaussian"
        default: ""
        }
    }
}
