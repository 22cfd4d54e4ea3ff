// A machine and an index to what a person who wants help, or gives it, must know.
import Encoders
import Gaussians
import Glibc
import Storage

/// What `penumbra doctor` tells.
public struct Diagnosis: Sendable {
    /// Names and values, in order.
    public private(set) var facts: [(name: String, value: String)] = []
    /// What is wrong and must be dealt with.
    public private(set) var problems: [String] = []
    /// What could be better.
    public private(set) var advice: [String] = []

    /// Looks at the machine and the libraries.
    public init() {
        let levels = Kernels.available.map(\.name).joined(separator: ", ")
        facts = [
            ("processor", "\(Kernels.best.name) kernels (it has: \(levels)), \(Index.processorCount) cores"),
            (
                "OpenBLAS",
                "core \(BLAS.core), threads \(LibraryVersions.openBLASThreads) a call; \(LibraryVersions.openBLAS)"
            ),
            ("libjpeg-turbo", LibraryVersions.libjpegTurbo), ("libpng", LibraryVersions.libpng),
            ("libwebp", LibraryVersions.libwebp),
            ("bfloat16", Precision.bf16.obstacle ?? LibraryVersions.oneDNN ?? "oneDNN"), ("LMDB", StorageVersions.lmdb),
            ("SQLite", StorageVersions.sqlite),
        ]
        if Kernels.best.name == "portable" {
            advice.append("this processor has no AVX2: encoding and searching are several times slower")
        }
    }

    /// Looks at the queries that are remembered.
    public mutating func look(at cache: QueryCache) {
        guard let folder = cache.folder else { return facts.append(("queries", "not remembered")) }
        let content = cache.content()
        let noun = content.queries == 1 ? "query" : "queries"
        facts.append(
            ("queries", "\(content.queries) \(noun) remembered in \(folder), \(ByteCount.text(content.bytes))"))
    }

    /// Looks at the place of an index folder, whether or not it can be opened.
    public mutating func look(at folder: String) {
        let system = FileSystem(of: folder)
        facts.append(("index", folder))
        facts.append(("file system", system.type))
        if system.isNetwork {
            problems.append(
                "the index lies on a network file system (\(system.type)), where its locks cannot be trusted: keep it on "
                    + "a local disk (penumbra index FOLDER --index PATH); the pictures may stay where they are")
        }
        guard let free = DiskSpace.available(at: folder) else { return }
        facts.append(("free space", ByteCount.text(free)))
        if free < 100_000_000 { problems.append("the disk of the index is almost full") }
    }

    /// Looks into an index: reading a damaged one can kill the process.
    public mutating func look(into index: Index) {
        do {
            let status = try index.status()
            facts.append(("format", "\(status.format), generation \(status.generation)"))
            facts.append(("items", "\(status.images) pictures, \(status.texts) texts"))
        } catch {
            problems.append("\(error)")
        }
        if index.isReadOnly { advice.append("the index folder cannot be written: it can be searched, not updated") }
        if !IndexLocation.isFolder(index.root) {
            problems.append(
                "the root of the pictures is not there: \(index.root); penumbra index --root says where it is")
        }
        do {
            facts.append(("model", "\(try index.model().name) opens"))
        } catch {
            problems.append("\(error)")
        }
        lookAtHealth(of: index)
    }

    private mutating func lookAtHealth(of index: Index) {
        do {
            let health = try index.store.health()
            problems += health.damages.map { "damaged: \($0)" }
            if !health.damages.isEmpty {
                problems.append("penumbra verify says more, penumbra repair saves what is sound")
            }
            let share = health.slots > 0 ? 100 * health.deadSlots / health.slots : 0
            facts.append(("dead slots", "\(health.deadSlots) of \(health.slots) (\(share) %)"))
            if share >= 20, health.deadSlots >= 1_000 {
                advice.append("\(share) % of the slots are those of items that are gone: penumbra optimize frees them")
            }
            advice += health.leftovers.map { "\($0); the next penumbra index removes it" }
            advice += health.kept.map { "\($0): damaged files that penumbra repair kept; remove them when all is well" }
            if health.damages.isEmpty {
                facts.append(("health", "nothing wrong at a glance (penumbra verify reads all)"))
            }
        } catch {
            problems.append("\(error)")
        }
    }

    /// Notes a problem found elsewhere.
    public mutating func add(problem: String) { problems.append(problem) }
}
