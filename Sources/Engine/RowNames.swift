// Names and kinds of rows, held once and without an object each: a file may have a million.
import Storage

/// What each row is called and which kind it is.
package struct RowNames: Sendable {
    private var bytes: [UInt8] = []
    /// Where each name ends in `bytes`.
    private var ends: [Int] = []
    /// The collection each row belongs to, `unknown` where the file does not say.
    private var kinds: [UInt8] = []
    private static let unknown: UInt8 = 0xFF

    package init() {}

    /// Rows so far.
    package var count: Int { ends.count }

    /// Adds a row.
    package mutating func append(_ name: some Swift.Collection<UInt8>, _ kind: Collection?) {
        bytes.append(contentsOf: name)
        ends.append(bytes.count)
        kinds.append(kind.map { UInt8($0.rawValue) } ?? Self.unknown)
    }

    /// Makes room, so that growing copies nothing.
    mutating func reserve(rows: Int, bytes: Int) {
        self.bytes.reserveCapacity(bytes)
        ends.reserveCapacity(rows)
        kinds.reserveCapacity(rows)
    }

    /// Says of which kind a row is.
    mutating func set(_ kind: Collection?, of row: Int) { kinds[row] = kind.map { UInt8($0.rawValue) } ?? Self.unknown }

    /// The name of a row.
    package subscript(row: Int) -> ArraySlice<UInt8> { bytes[(row == 0 ? 0 : ends[row - 1])..<ends[row]] }

    /// The kind of a row, nil where the file does not say.
    package func kind(of row: Int) -> Collection? { Collection(rawValue: Int(kinds[row])) }

    /// Rows that have the name of an earlier row, ascending, each with the first row of that name.
    func repeats() -> [(row: Int, first: Int)] {
        var repeats: [(Int, Int)] = []
        // Open addressing over row numbers, less than half full.
        let size = 1 << (Int.bitWidth - (2 * count + 1).leadingZeroBitCount)
        var table = [Int32](repeating: -1, count: size)
        for row in 0..<count {
            let name = self[row]
            var hasher = Hasher()
            name.withUnsafeBytes { hasher.combine(bytes: $0) }
            var place = hasher.finalize() & (size - 1)
            while table[place] >= 0, self[Int(table[place])] != name { place = (place + 1) & (size - 1) }
            if table[place] < 0 { table[place] = Int32(row) } else { repeats.append((row, Int(table[place]))) }
        }
        return repeats
    }
}

extension Collection {
    /// How files of rows name the kind.
    var kindName: String { self == .images ? "image" : "text" }

    /// The kind of that name in files of rows, or nil.
    init?(kindName: String) {
        guard let kind = Self.allCases.first(where: { $0.kindName == kindName }) else { return nil }
        self = kind
    }
}
