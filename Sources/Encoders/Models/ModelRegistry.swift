// A model's registered name to its folder: a small JSON file among the user's configuration.
import Foundation
import Glibc

/// The models a user has given names, and where what is computed once is kept.
///
/// Both folders are values passed in; the library never reads the environment.
public struct ModelRegistry: Sendable {
    /// A registered model.
    public struct Entry: Codable, Sendable, Equatable {
        /// The model folder, absolute.
        public var folder: String
        /// A `tokenizer.json` that lies elsewhere, absolute.
        public var tokenizer: String?
    }

    private struct Content: Codable {
        var version = 1
        var models: [String: Entry] = [:]
    }

    private let file: String?
    private let cache: FileCache

    /// A registry in a configuration folder; nil folders remember nothing.
    /// - Parameters:
    ///   - configurationFolder: holds `models.json`.
    ///   - cacheFolder: holds what can be computed again.
    public init(configurationFolder: String? = nil, cacheFolder: String? = nil) {
        file = configurationFolder.map { "\($0)/models.json" }
        cache = FileCache(folder: cacheFolder)
    }

    /// All registered models by name, without the built-in one.
    /// - Returns: names and where they lead.
    /// - Throws: `FileError` when the registry is there but cannot be understood.
    public func entries() throws -> [String: Entry] { try read().models }

    /// Opens a model: the built-in one, a registered name, or a folder.
    /// - Parameters:
    ///   - name: `penumbra-tiny`, a registered name, or the path of a model folder.
    ///   - options: how it encodes.
    /// - Returns: the open model, by that name; folders by their absolute path.
    /// - Throws: an error that names what is missing or wrong.
    public func open(_ name: String, _ options: EncodingOptions = EncodingOptions()) throws -> Model {
        if name == Model.builtinName { return try .builtin(options) }
        if let entry = try read().models[name] {
            return try Model(
                folder: entry.folder, name: name, tokenizer: entry.tokenizer, options, cache: cache)
        }
        guard let folder = Self.absolute(name) else {
            throw FileError(path: name, reason: "no model of this name is registered, and no folder is there")
        }
        return try Model(folder: folder, name: folder, options, cache: cache)
    }

    /// Gives a model folder a name.
    /// - Parameters:
    ///   - name: letters, digits, `.`, `_` and `-`; not the built-in model's.
    ///   - folder: the model folder.
    ///   - tokenizer: a `tokenizer.json`, or a folder that holds one, where the model folder has none.
    /// - Throws: an error when the name is taken or unusable, or what is in the folder is no model.
    public func add(_ name: String, folder: String, tokenizer: String? = nil) throws {
        let isUsable =
            !name.isEmpty
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || [0x2E, 0x5F, 0x2D].contains(byte)
            }
        guard isUsable, name.first != ".", name.first != "-" else {
            throw FileError(path: name, reason: "a model's name is made of letters, digits, '.', '_' and '-'")
        }
        var content = try read()
        guard name != Model.builtinName, content.models[name] == nil else {
            throw FileError(path: name, reason: "a model of this name exists already")
        }
        let entry = Entry(folder: try Self.existing(folder), tokenizer: try tokenizer.map(Self.tokenizerFile))
        try Model(folder: entry.folder, name: name, tokenizer: entry.tokenizer, cache: cache).checkEverything()
        content.models[name] = entry
        try write(content)
    }

    /// Forgets a name; the folder stays as it is.
    /// - Throws: `FileError` when no model has that name.
    public func remove(_ name: String) throws {
        var content = try read()
        guard content.models.removeValue(forKey: name) != nil else {
            throw FileError(
                path: name,
                reason: name == Model.builtinName
                    ? "the built-in model cannot be removed" : "no model of this name is registered")
        }
        try write(content)
    }

    private func read() throws -> Content {
        guard let file, access(file, F_OK) == 0 else { return Content() }
        do {
            let content = try JSONDecoder().decode(Content.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
            guard content.version == 1 else {
                throw FileError(
                    path: file, reason: "written in version \(content.version), this program reads version 1")
            }
            return content
        } catch let error as FileError {
            throw error
        } catch {
            throw FileError(path: file, reason: "not a list of models; mend or delete it")
        }
    }

    private func write(_ content: Content) throws {
        guard let file else { throw FileError(path: "models.json", reason: "there is no configuration folder") }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try FileManager.default.createPrivateFolder((file as NSString).deletingLastPathComponent)
        try encoder.encode(content).write(to: URL(fileURLWithPath: file), options: .atomic)
    }

    private static func tokenizerFile(_ path: String) throws -> String {
        let path = try existing(path)
        let inside = "\(path)/tokenizer.json"
        return access(inside, F_OK) == 0 ? inside : path
    }

    private static func existing(_ path: String) throws -> String {
        guard let absolute = absolute(path) else {
            throw FileError(path: path, reason: String(cString: strerror(errno)))
        }
        return absolute
    }

    private static func absolute(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
