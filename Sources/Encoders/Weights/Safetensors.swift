// Turns a `model.safetensors` file into named tensors, mapped in place.
import Foundation

/// The element types Penumbra reads; others are refused by name.
package enum TensorType: String, Sendable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case i32 = "I32"
    case i64 = "I64"
    case u8 = "U8"

    /// Bytes of one element.
    package var size: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .f16, .bf16: 2
        case .u8: 1
        }
    }
}

/// One tensor of a safetensors file: row-major, little-endian, in the file's map.
package struct Tensor: Sendable {
    /// The name in the file, for example `visual.proj`.
    package let name: String
    /// The element type.
    package let type: TensorType
    /// Lengths of the axes, outermost first; empty for a scalar.
    package let shape: [Int]
    /// The elements' bytes; the address need not be aligned.
    package nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
    /// Where they begin in the file.
    package let offset: Int
    /// Keeps the map alive.
    package let file: MappedFile

    /// Number of elements: the product of `shape`, 1 for a scalar.
    package var count: Int { shape.reduce(1, *) }
}

/// Why a safetensors file was refused.
package struct SafetensorsError: Error, CustomStringConvertible, Equatable {
    package let path: String
    package let reason: String
    package var description: String { "\(path): \(reason)" }
}

/// A safetensors file: an 8-byte little-endian header length, a JSON header, then the tensors' bytes.
///
/// - SeeAlso: https://github.com/huggingface/safetensors, section "Format"
package struct Safetensors: Sendable {
    /// Readers of the format refuse headers above 100 MB.
    package static let maximumHeaderLength = 100_000_000

    /// The file.
    package let file: MappedFile
    /// `__metadata__` of the header; empty where there is none.
    package let metadata: [String: String]
    /// All tensors by name.
    package let tensors: [String: Tensor]

    /// Reads the header of the file at `path` and maps its tensors.
    package init(path: String) throws {
        try self.init(file: MappedFile(path: path))
    }

    /// Reads the header of a mapped file and checks every offset against its size.
    /// - Throws: `SafetensorsError` for a truncated file, a header that is no JSON, an unknown element type, or
    ///   offsets that do not fit the shape, the file or each other.
    package init(file: MappedFile) throws {
        func refuse(_ reason: String) -> SafetensorsError { SafetensorsError(path: file.path, reason: reason) }
        guard file.bytes.count >= 8 else {
            throw refuse("not a safetensors file: \(file.bytes.count) bytes, the header length alone takes 8")
        }
        let declared = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
        guard declared <= Self.maximumHeaderLength else {
            throw refuse("not a safetensors file: header length \(declared), at most \(Self.maximumHeaderLength)")
        }
        let start = 8 + Int(declared)
        guard start <= file.bytes.count else {
            throw refuse("truncated: the header ends at byte \(start), the file at \(file.bytes.count)")
        }
        guard let (metadata, entries) = try? Self.metadata(UnsafeRawBufferPointer(rebasing: file.bytes[8..<start])),
            let object = try? JSONSerialization.jsonObject(with: entries) as? [String: Any]
        else { throw refuse("the header is not a JSON object") }
        guard let metadata else { throw refuse("__metadata__ must map strings to strings") }
        var extents: [Extent] = []
        var tensors: [String: Tensor] = [:]
        for (name, value) in object {
            guard name != "__metadata__" else { continue }
            guard let entry = value as? [String: Any], let typeName = entry["dtype"] as? String,
                let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int],
                offsets.count == 2, shape.allSatisfy({ $0 >= 0 })
            else { throw refuse("tensor \(name): needs dtype, shape and data_offsets") }
            guard let type = TensorType(rawValue: typeName) else {
                throw refuse("tensor \(name): element type \(typeName) is not supported (F32, F16 and BF16 are)")
            }
            var length = type.size
            for axis in shape {
                let (product, overflow) = length.multipliedReportingOverflow(by: axis)
                guard !overflow else { throw refuse("tensor \(name): shape \(shape) is too large") }
                length = product
            }
            guard offsets[0] >= 0, offsets[1] >= offsets[0], offsets[1] - offsets[0] == length else {
                throw refuse(
                    "tensor \(name): \(typeName)\(shape) takes \(length) bytes, data_offsets \(offsets) say otherwise")
            }
            guard offsets[1] <= file.bytes.count - start else {
                throw refuse(
                    "truncated: tensor \(name) ends at byte \(UInt(start) + UInt(offsets[1])), the file at "
                        + "\(file.bytes.count)")
            }
            extents.append(Extent(begin: offsets[0], end: offsets[1], name: name))
            let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[(start + offsets[0])..<(start + offsets[1])])
            tensors[name] = Tensor(
                name: name, type: type, shape: shape, bytes: bytes, offset: start + offsets[0], file: file)
        }
        if let gap = Self.gap(in: extents, size: file.bytes.count - start) { throw refuse(gap) }
        self.file = file
        self.metadata = metadata
        self.tensors = tensors
    }

    /// Takes `__metadata__` out of a header, read by itself: a million names must not become a million objects.
    /// - Returns: the metadata, nil where they are not strings; and the header with null in their place.
    /// - Throws: `TokenizerError` where the header is not a JSON object.
    private static func metadata(_ header: UnsafeRawBufferPointer) throws -> ([String: String]?, Data) {
        var metadata: [String: String]? = [:]
        var place: Range<Int>?
        var scanner = JSONScanner(header, file: "")
        try scanner.object { (scanner, key) throws(TokenizerError) in
            _ = scanner.peek()
            let start = scanner.position
            guard key == "__metadata__" else { return try scanner.skip() }
            metadata = try scanner.strings()
            place = start..<scanner.position
        }
        guard let place else { return (metadata, Data(header)) }
        let null = Data("null".utf8)
        return (metadata, Data(header[..<place.lowerBound]) + null + Data(header[place.upperBound...]))
    }

    /// Where a tensor lies among the data.
    private struct Extent {
        let begin: Int
        let end: Int
        let name: String
    }

    /// The format lets tensors neither overlap nor leave bytes unused: the first place where they do, or nil.
    private static func gap(in extents: [Extent], size: Int) -> String? {
        var last: Extent?
        for next in extents.sorted(by: { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }) {
            let due = last?.end ?? 0
            guard next.begin == due else {
                let place = last.map { ", where \($0.name) ends" } ?? ""
                return "tensor \(next.name) begins at data byte \(next.begin), expected \(due)\(place)"
            }
            last = next
        }
        let unused = size - (last?.end ?? 0)
        return unused == 0 ? nil : "\(unused) bytes follow the last tensor, expected none"
    }
}
