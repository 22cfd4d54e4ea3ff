// An index folder and the model its catalogue names: what indexing and querying start from.
import Corpus
import Encoders
import Glibc
import Storage
import Synchronization

/// An open index: pictures below one root, and the Gaussians a model made of them.
public final class Index: Sendable {
    /// The index folder, absolute.
    public let folder: String
    /// The folder all picture paths are relative to, absolute.
    public let root: String
    package let store: IndexStore
    /// How its Gaussians were encoded, and how new ones are.
    public let encoding: EncodingOptions
    let queryCache: QueryCache
    private let registry: ModelRegistry
    private let openModel: Mutex<Model?>

    /// Opens an index.
    /// - Parameters:
    ///   - folder: the index folder (`IndexLocation` finds it).
    ///   - model: where the model lies now, when it has moved; nil uses what the catalogue names.
    ///   - registry: knows the models that have names.
    ///   - queryCache: remembers queries.
    /// - Throws: an error whose description says what is wrong: no index there, a newer format, another model's.
    public init(
        at folder: String, model: Model? = nil, registry: ModelRegistry = ModelRegistry(),
        queryCache: QueryCache = .none
    ) throws {
        let path = IndexLocation.absolute(folder) ?? folder
        store = try IndexStore(path: path)
        self.folder = path
        let state = try store.readCatalogue { try Catalogue.state($0, path: path) }
        root = state.root.map { String(decoding: $0, as: UTF8.self) } ?? IndexLocation.parent(of: path)
        if let model { try Self.check(model, state) }
        encoding = EncodingOptions(encodingID: state.encodingID) ?? EncodingOptions()
        self.queryCache = queryCache
        openModel = Mutex(model)
        self.registry = registry
    }

    /// Whether the index folder cannot be written: it can be searched, not updated.
    public var isReadOnly: Bool { store.isReadOnly }

    /// Creates an empty index.
    /// - Parameters:
    ///   - folder: the index folder to be; what holds it must exist.
    ///   - root: the folder pictures are looked for in; it must exist.
    ///   - model: what encodes them from now on.
    /// - Returns: the new index, open.
    /// - Throws: an error saying what is in the way.
    public static func create(at folder: String, root: String, model: Model) throws -> Index {
        let root = try IndexLocation.existing(root)
        let parts = folder.split(separator: "/")
        let name = String(parts.last ?? "")
        let above = (folder.hasPrefix("/") ? "/" : "./") + parts.dropLast().joined(separator: "/")
        let parent = try IndexLocation.existing(above)
        let folder = parent == "/" ? "/\(name)" : "\(parent)/\(name)"
        let isInRoot = name == IndexLocation.folderName && parent == root
        let state = IndexState(
            root: isInRoot ? nil : Array(root.utf8), model: model.name, modelFingerprint: model.fingerprint,
            encodingID: model.encodingID, dimension: model.dimension)
        _ = try IndexStore.create(at: folder, state)
        return try Index(at: folder, model: model)
    }

    /// The model the catalogue names, opened on first use.
    /// - Throws: an error when it is not where the catalogue says, or gives another encoding than the index was made
    ///   with.
    public func model() throws -> Model {
        try openModel.withLock { open in
            if let open { return open }
            let state = try store.readCatalogue { try Catalogue.state($0, path: folder) }
            let model: Model
            do {
                model = try registry.open(state.model, encoding)
            } catch {
                throw ModelMissing(folder: folder, model: state.model, reason: "\(error)")
            }
            try Self.check(model, state)
            open = model
            return model
        }
    }

    /// How many items a collection holds.
    /// - Throws: an error when the index is damaged.
    public func count(_ collection: Collection) throws -> Int {
        try store.readCatalogue { try Catalogue.count(collection, $0) }
    }

    /// Writes into the catalogue where the model and the root lie now.
    /// - Parameters:
    ///   - model: a model of the same encoding, in its new place; nil leaves it.
    ///   - root: the root's new path; nil leaves it.
    /// - Throws: an error when the index is busy or the root does not exist.
    public func rebind(model: Model? = nil, root: String? = nil) throws {
        let path = try root.map { Array(try IndexLocation.existing($0).utf8) }
        if let model { try Self.check(model, try store.readCatalogue { try Catalogue.state($0, path: folder) }) }
        try IndexWriter(store).rebind(model: model?.name, root: path)
    }

    private static func check(_ model: Model, _ state: IndexState) throws {
        guard model.encodingID == state.encodingID else {
            throw StorageError.foreignEncoding(got: model.encodingID, expected: state.encodingID)
        }
    }

    /// A path as the index names it: relative to the root.
    /// - Parameter path: an existing folder or file.
    /// - Returns: the path below the root.
    /// - Throws: an error when it does not exist or lies outside the root.
    func relative(_ path: String) throws -> RelativePath {
        guard let resolved = IndexLocation.resolve(path) else {
            throw CorpusError(path: path, reason: String(cString: strerror(errno)))
        }
        let base = RelativePath(root == "/" ? "" : root)
        guard RelativePath(bytes: resolved).isInside(base) else {
            throw CorpusError(path: path, reason: "lies outside the root of this index, \(root)")
        }
        return RelativePath(bytes: Array(resolved.dropFirst(base.bytes.count + 1)))
    }
}

/// The model that an index names cannot be opened where the catalogue says.
public struct ModelMissing: Error, CustomStringConvertible, Sendable {
    /// The index folder.
    public let folder: String
    /// The model as the catalogue names it.
    public let model: String
    /// Why it cannot be opened.
    public let reason: String

    /// The sentence shown to people.
    public var description: String {
        "the index \(folder) was made with the model \(model), which cannot be opened (\(reason)); "
            + "penumbra index --index \(folder) --model FOLDER says where it lies now"
    }
}
