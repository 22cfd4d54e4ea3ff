// `penumbra model` on the built program, with the XDG folders in a temporary one.
import Foundation
import TestSupport
import Testing

@Suite struct ModelCommandTests {
    /// A home of its own.
    struct Home {
        let folder: TemporaryFolder

        init() throws { folder = try TemporaryFolder() }

        func run(_ arguments: String...) throws -> Output {
            let environment = [
                "XDG_CONFIG_HOME": folder.file("config"), "XDG_CACHE_HOME": folder.file("cache"),
            ]
            return try Program.run(arguments, in: folder.path, environment: environment)
        }
    }

    static let points = Fixtures.path("models/options-points")
    static let tokenizer = Fixtures.path("tokenizer/dialects/unigram-always.json")

    @Test func addListShowUseRemove() throws {
        let home = try Home()
        #expect(try home.run("model", "list").lines == ["penumbra-tiny\tbuilt in"])
        let add = try home.run("model", "add", "dots", Self.points, "--tokenizer", Self.tokenizer)
        #expect(add.code == 0, "\(add.stderr)")
        #expect(
            add.text == "dots: pictures and texts; points without uncertainty: no inclusion, no generality\n")
        let list = try home.run("model", "list")
        #expect(list.lines.first == "penumbra-tiny\tbuilt in")
        #expect(list.lines.last?.hasPrefix("dots\t/") == true)
        #expect(list.lines.last?.hasSuffix("/models/options-points") == true)
        #expect(FileManager.default.fileExists(atPath: home.folder.file("config/penumbra/models.json")))
        let cache = home.folder.file("cache/penumbra/fingerprints")
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 1)

        let show = try home.run("model", "show", "dots")
        #expect(show.code == 0)
        #expect(show.lines.first == "model         dots")
        #expect(show.lines.contains("dimension     20"))
        #expect(show.lines.contains("calibrated    no: its own scale and bias speak"))
        #expect(show.lines.contains("terms         not stated in its files"))

        try home.folder.write("texts.txt", Array("a dog\n\n".utf8))
        let encode = try home.run("encode", "--texts", "texts.txt", "--model", "dots")
        #expect(encode.code == 0, "\(encode.stderr)")
        #expect(encode.lines.count == 2)
        #expect(encode.lines.allSatisfy { $0.hasSuffix(",\"log_variance\":null}") })

        #expect(try home.run("model", "remove", "dots").code == 0)
        #expect(try home.run("model", "list").lines == ["penumbra-tiny\tbuilt in"])
        let gone = try home.run("model", "show", "dots")
        #expect(gone.code == 2)
        #expect(gone.stderr == "penumbra: dots: no model of this name is registered, and no folder is there\n")
    }

    /// An index that names a registered model finds it again after its root has moved.
    @Test func aMovedRootKeepsItsRegisteredModel() throws {
        let home = try Home()
        #expect(try home.run("model", "add", "dots", Self.points, "--tokenizer", Self.tokenizer).code == 0)
        try home.folder.write("old/a.jpg", Gallery.content(1))
        let made = try home.run("index", "old", "--index", "kept", "--model", "dots")
        #expect(made.code == 0 && made.lines.first == "1 added", "\(made.stderr)")
        try FileManager.default.moveItem(atPath: home.folder.file("old"), toPath: home.folder.file("new"))
        let moved = try home.run("index", "new", "--index", "kept", "--root", "new")
        #expect(moved.code == 0 && moved.lines.first?.contains("unchanged") == true, "\(moved.stderr)")
        #expect(try home.run("search", "a dog", "--index", "kept", "--format", "paths").lines == ["new/a.jpg"])
    }

    @Test func refusals() throws {
        let home = try Home()
        #expect(try home.run("model", "add", "dots", Self.points).code == 0)
        for (arguments, complaint) in [
            (["dots", Self.points], "dots: a model of this name exists already"),
            (["penumbra-tiny", Self.points], "penumbra-tiny: a model of this name exists already"),
            (["a b", Self.points], "a b: a model's name is made of letters, digits, '.', '_' and '-'"),
            (["x", "nowhere"], "nowhere: No such file or directory"),
        ] {
            let run = try home.run("model", "add", arguments[0], arguments[1])
            #expect(run.code == 2)
            #expect(run.stderr == "penumbra: \(complaint)\n")
        }
        let remove = try home.run("model", "remove", "penumbra-tiny")
        #expect(remove.code == 2)
        #expect(remove.stderr == "penumbra: penumbra-tiny: the built-in model cannot be removed\n")
    }

    @Test func theBuiltinModelIsShownByDefault() throws {
        let home = try Home()
        let show = try home.run("model", "show")
        #expect(show.code == 0)
        #expect(show.lines.first == "model         penumbra-tiny")
        #expect(show.lines.contains("can encode    pictures and texts"))
        #expect(show.lines.contains("calibrated    yes"))
    }
}
