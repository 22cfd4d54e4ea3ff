// Where a model's files come from: a folder in Hugging Face's layout, or the executable itself.
import CBuiltinModel
import Glibc

/// The files of one model.
package enum ModelFiles: Sendable, Equatable {
    /// The model compiled into the executable.
    case builtin
    /// A folder with `config.json`, `model.safetensors` and, for texts, `tokenizer.json`, which may lie elsewhere.
    case folder(String, tokenizer: String? = nil)

    /// The built-in model's name.
    package static let builtinName = "penumbra-tiny"

    /// Maps a file, or gives nil where the model has none of that name.
    /// - Throws: `FileError` when it is there but cannot be read.
    package func file(_ name: String) throws -> MappedFile? {
        switch self {
        case .builtin:
            var count = 0
            let files = UnsafeBufferPointer(start: pbm_files(&count), count: count)
            guard let file = files.first(where: { String(cString: $0.name) == name }) else { return nil }
            return MappedFile(
                name: "\(Self.builtinName)/\(name)",
                immortal: UnsafeRawBufferPointer(start: file.bytes, count: file.count))
        case .folder(let folder, let tokenizer):
            let path = name == "tokenizer.json" ? tokenizer ?? "\(folder)/\(name)" : "\(folder)/\(name)"
            guard access(path, F_OK) == 0 else { return nil }
            return try MappedFile(path: path)
        }
    }

    /// The SHA-256 of a file's bytes, hexadecimal, where it is known without reading them.
    package func fingerprint(_ name: String) -> String? {
        guard self == .builtin else { return nil }
        var count = 0
        let files = UnsafeBufferPointer(start: pbm_files(&count), count: count)
        return files.first { String(cString: $0.name) == name }?.sha256.map { String(cString: $0) }
    }

    /// Maps a file the model cannot do without.
    /// - Throws: `FileError` naming the folder and the missing file.
    package func required(_ name: String) throws -> MappedFile {
        if let file = try file(name) { return file }
        guard case .folder(let folder, _) = self else { throw FileError(path: name, reason: "not in this program") }
        throw FileError(path: folder, reason: "no model here, \(name) is missing")
    }
}
