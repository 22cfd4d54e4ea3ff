// Names to model folders, and fingerprints remembered: what is kept under the user's XDG folders.
import Encoders
import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct RegistryTests {
    /// A registry in a folder of its own, and a model folder to register.
    struct Registered {
        let home: TemporaryFolder
        let model: ModelCopy
        let registry: ModelRegistry
        var list: String { home.file("config/models.json") }

        init() throws {
            home = try TemporaryFolder()
            model = try ModelCopy()
            registry = ModelRegistry(
                configurationFolder: home.file("config"), cacheFolder: home.file("cache"))
        }

        /// What is said when `body` fails.
        func complaint(_ body: (ModelRegistry) throws -> Void) -> String? {
            do {
                try body(registry)
                return nil
            } catch {
                return "\(error)"
            }
        }

        /// The folder's path without symbolic links, as the registry keeps it.
        func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }

        /// The entries of the fingerprint cache.
        func cached() throws -> [String] {
            let folder = home.file("cache/fingerprints")
            guard access(folder, F_OK) == 0 else { return [] }
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { "\(folder)/\($0)" }
        }
    }

    @Test func addListOpenRemove() throws {
        let state = try Registered()
        #expect(try state.registry.entries().isEmpty)
        try state.registry.add("small", folder: state.model.folder.path)
        try state.registry.add("A.b_c-9", folder: Fixtures.path("models/nano"))
        let entries = try state.registry.entries()
        #expect(entries.keys.sorted() == ["A.b_c-9", "small"])
        #expect(entries["small"]?.folder == state.resolved(state.model.folder.path))
        #expect(entries["small"]?.tokenizer == nil)
        let model = try state.registry.open("small")
        #expect(model.name == "small")
        #expect(model.dimension == 20)
        #expect(
            try state.registry.open("small", EncodingOptions(encodingID: "orientation=ignored")!).options
                .appliesOrientation == false)
        // Another process reads what this one wrote.
        let other = ModelRegistry(configurationFolder: state.home.file("config"))
        #expect(try other.open("A.b_c-9").dimension == 32)

        try state.registry.remove("small")
        #expect(try state.registry.entries().keys.sorted() == ["A.b_c-9"])
        #expect(access(state.model.weightsPath, F_OK) == 0)
        #expect(
            state.complaint { _ = try $0.open("small") }
                == "small: no model of this name is registered, and no folder is there")
        #expect(state.complaint { try $0.remove("small") } == "small: no model of this name is registered")
    }

    @Test func foldersOpenWithoutAName() throws {
        let state = try Registered()
        let model = try state.registry.open(state.model.folder.path)
        #expect(model.name == state.resolved(state.model.folder.path))
        #expect(try ModelRegistry().open(state.model.folder.path).fingerprint == model.fingerprint)
        #expect(try ModelRegistry().open(Model.builtinName).name == Model.builtinName)
    }

    @Test(arguments: ["", ".hidden", "-flag", "a b", "a/b", "..", "é", "a\n", "模型"])
    func namesThatAreRefused(name: String) throws {
        let state = try Registered()
        #expect(
            state.complaint { try $0.add(name, folder: state.model.folder.path) }
                == "\(name): a model's name is made of letters, digits, '.', '_' and '-'")
        #expect(access(state.list, F_OK) != 0)
    }

    @Test func takenNames() throws {
        let state = try Registered()
        let folder = state.model.folder.path
        try state.registry.add("small", folder: folder)
        let taken = "a model of this name exists already"
        #expect(state.complaint { try $0.add("small", folder: folder) } == "small: \(taken)")
        #expect(state.complaint { try $0.add("penumbra-tiny", folder: folder) } == "penumbra-tiny: \(taken)")
        #expect(
            state.complaint { try $0.remove("penumbra-tiny") }
                == "penumbra-tiny: the built-in model cannot be removed")
    }

    @Test func whatIsNoModelGetsNoName() throws {
        let state = try Registered()
        #expect(
            state.complaint { try $0.add("x", folder: state.home.file("nowhere")) }
                == "\(state.home.file("nowhere")): No such file or directory")
        #expect(
            state.complaint { try $0.add("x", folder: state.home.path) }
                == "\(state.resolved(state.home.path)): no model here, config.json is missing")
        try state.model.rewrite("visual.proj", "shape", [20, 24])
        #expect(
            state.complaint { try $0.add("x", folder: state.model.folder.path) }
                == "\(state.resolved(state.model.weightsPath)): tensor visual.proj: got shape [20, 24], "
                + "expected [24, 20]")
        #expect(try state.registry.entries().isEmpty)
        #expect(
            state.complaint { _ in try ModelRegistry().add("x", folder: Fixtures.path("models/nano")) }
                == "models.json: there is no configuration folder")
    }

    @Test func aTokenizerElsewhere() throws {
        let state = try Registered()
        let folder = Fixtures.repository("Sources/CBuiltinModel/penumbra-tiny")
        let bare = try TemporaryFolder()
        for file in ["config.json", "model.safetensors"] {
            try bare.write(file, ModelCopy.bytes("\(folder)/\(file)"))
        }
        try state.registry.add("bare", folder: bare.path)
        try state.registry.add("by-file", folder: bare.path, tokenizer: "\(folder)/tokenizer.json")
        try state.registry.add("by-folder", folder: bare.path, tokenizer: folder)
        #expect(
            state.complaint { _ = try $0.open("bare").encode(texts: ["a dog"]) }
                == "bare: the model has no tokenizer.json: it encodes pictures only, not texts")
        let expected = try Model.builtin().encode(texts: ["a dog"])
        for name in ["by-file", "by-folder"] {
            #expect(try state.registry.entries()[name]?.tokenizer == state.resolved("\(folder)/tokenizer.json"))
            #expect(try state.registry.open(name).encode(texts: ["a dog"]) == expected)
        }
        #expect(
            state.complaint { try $0.add("x", folder: bare.path, tokenizer: state.home.file("none.json")) }
                == "\(state.home.file("none.json")): No such file or directory")
        try bare.write("bad.json", Array("{}".utf8))
        let complaint = state.complaint { try $0.add("x", folder: bare.path, tokenizer: bare.file("bad.json")) }
        #expect(complaint?.hasPrefix(state.resolved(bare.file("bad.json"))) == true, "\(complaint ?? "accepted")")
    }

    @Test func aDamagedList() throws {
        let state = try Registered()
        for text in ["", "{", "[]", "{\"models\": {}}", "{\"version\": 1, \"models\": {\"a\": {}}}"] {
            try state.home.write("config/models.json", Array(text.utf8))
            let complaints = [
                state.complaint { _ = try $0.entries() }, state.complaint { _ = try $0.open("small") },
                state.complaint { try $0.add("small", folder: state.model.folder.path) },
                state.complaint { try $0.remove("small") },
            ]
            for complaint in complaints {
                #expect(complaint?.hasPrefix("\(state.list): not a list of models") == true, "\(complaint ?? "-")")
                #expect(complaint?.contains("\n") == false)
            }
            #expect(try ModelCopy.bytes(state.list) == Array(text.utf8))
        }
        try state.home.write("config/models.json", Array("{\"version\": 2, \"models\": {}}".utf8))
        #expect(
            state.complaint { _ = try $0.entries() }
                == "\(state.list): written in version 2, this program reads version 1")
        // The built-in model needs no list.
        #expect(try state.registry.open(Model.builtinName).name == Model.builtinName)
    }

    @Test func theFingerprintIsComputedOnce() throws {
        let state = try Registered()
        let folder = state.model.folder.path
        let truth = try state.registry.open(folder).fingerprint
        let entries = try state.cached()
        #expect(entries.count == 1)
        let entry = try #require(entries.first)
        #expect(try String(contentsOfFile: entry, encoding: .utf8) == truth)

        let planted = String(repeating: "0123456789abcdef", count: 4)
        try planted.write(toFile: entry, atomically: true, encoding: .utf8)
        #expect(try state.registry.open(folder).fingerprint == planted)
        #expect(try state.registry.open(folder).encodingID.hasPrefix("model=\(planted);"))
        #expect(try Model(folder: folder).fingerprint == truth)  // without a cache

        // Another modification time is another file.
        let times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 1), timespec(tv_sec: 1_000_000_000, tv_nsec: 1)]
        #expect(utimensat(AT_FDCWD, state.model.weightsPath, times, 0) == 0)
        #expect(try state.registry.open(folder).fingerprint == truth)
        #expect(try state.cached().count == 2)
    }

    @Test func aDamagedCacheEntryIsComputedAgain() throws {
        let state = try Registered()
        let folder = state.model.folder.path
        let truth = try state.registry.open(folder).fingerprint
        let entry = try #require(try state.cached().first)
        for text in ["", String(truth.dropLast()), truth.uppercased(), truth + "\n"] {
            try text.write(toFile: entry, atomically: true, encoding: .utf8)
            #expect(try state.registry.open(folder).fingerprint == truth)
            #expect(try String(contentsOfFile: entry, encoding: .utf8) == truth)
        }
    }

    @Test func aCacheThatCannotBeWrittenOnlyCostsTime() throws {
        let state = try Registered()
        try state.home.write("cache", [])  // a file where the folder would be
        let folder = state.model.folder.path
        #expect(try state.registry.open(folder).fingerprint == Model(folder: folder).fingerprint)
    }
}
