// Tensors of rows and strings that describe them to the header of a safetensors file: what both writers share.

/// Rows of Float32 in some tensors, one after the other, all of the same length.
struct SafetensorsHeader {
    /// The tensors, in the order they are stored.
    let names: [String]
    let rows: Int
    let rowLength: Int
    /// `__metadata__`; values are UTF-8.
    let metadata: [String: [UInt8]]

    /// Bytes of one tensor.
    var tensorSize: Int { rows * rowLength * 4 }

    /// The header's length and the header, padded with spaces to a multiple of 8.
    /// - Throws: `FileError` when it is longer than readers of the format take.
    func bytes(path: String) throws -> [UInt8] {
        var json = Array("{\"__metadata__\":{".utf8)
        for (index, key) in metadata.keys.sorted().enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            JSONStrings.append(Array(key.utf8), to: &json)
            json.append(UInt8(ascii: ":"))
            JSONStrings.append(metadata[key] ?? [], to: &json)
        }
        json.append(UInt8(ascii: "}"))
        for (index, name) in names.enumerated() {
            json.append(UInt8(ascii: ","))
            JSONStrings.append(Array(name.utf8), to: &json)
            let offsets = "[\(index * tensorSize),\((index + 1) * tensorSize)]"
            json += Array(":{\"data_offsets\":\(offsets),\"dtype\":\"F32\",\"shape\":[\(rows),\(rowLength)]}".utf8)
        }
        json.append(UInt8(ascii: "}"))
        json += [UInt8](repeating: 0x20, count: (8 - json.count % 8) % 8)
        guard json.count <= Safetensors.maximumHeaderLength else {
            throw FileError(path: path, reason: "its metadata are longer than readers of the format take")
        }
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
    }
}
