// `penumbra model`: the models that have names.
import ArgumentParser
import Engine

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Name model folders, list and describe them.",
        discussion: """
            A model is a folder with config.json, model.safetensors and, for texts, tokenizer.json, as Hugging Face has \
            them. Nothing is copied or downloaded: a name leads to the folder.

            EXAMPLES
              penumbra model list
              penumbra model add prolip-b16 ~/models/ProLIP-ViT-B-16 --tokenizer ~/models/ViT-B-16-SigLIP
              penumbra model show prolip-b16
              penumbra index ~/Pictures --model prolip-b16
            """,
        subcommands: [List.self, Add.self, Show.self, Remove.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the models that have names.",
            discussion: "EXAMPLES\n  penumbra model list")

        func run() throws {
            Console.print("\(Model.builtinName)\tbuilt in")
            for (name, entry) in try Environment.registry.entries().sorted(by: { $0.key < $1.key }) {
                Console.print("\(name)\t\(entry.folder)")
            }
        }
    }

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a model folder a name, after checking that it is a model.",
            discussion:
                "EXAMPLES\n  penumbra model add prolip-b16 ~/models/ProLIP-ViT-B-16 --tokenizer ~/models/ViT-B-16-SigLIP"
        )

        @Argument(help: "The name: letters, digits, '.', '_' and '-'.")
        var name: String
        @Argument(help: "The model folder.", completion: .directory)
        var folder: String
        @Option(
            help: ArgumentHelp(
                "A tokenizer.json, or a folder that holds one, where the model folder has none.", valueName: "file"),
            completion: .file())
        var tokenizer: String?

        func run() throws {
            let registry = Environment.registry
            try registry.add(name, folder: folder, tokenizer: tokenizer)
            let description = try registry.open(name).description()
            Console.print("\(name): \(description.abilities)")
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Describe a model: architecture, size, terms, what it can do.",
            discussion: "EXAMPLES\n  penumbra model show penumbra-tiny")

        @Argument(help: "A name or a model folder.")
        var name = Model.builtinName

        func run() throws {
            let model = try Environment.registry.open(name)
            let description = try model.description()
            let rows = [
                ("model", model.name), ("pictures", description.imageTower), ("texts", description.textTower),
                ("dimension", "\(description.dimension)"),
                ("parameters", "\(description.parameters) (\(description.precision))"),
                ("fingerprint", description.fingerprint), ("encoding", model.encodingID),
                ("logit", "scale \(model.matchScale.scale), bias \(model.matchScale.bias)"),
                ("calibrated", description.isCalibrated ? "yes" : "no: its own scale and bias speak"),
                ("can encode", description.abilities),
                ("generality", Self.rule(model)),
                ("terms", description.licence ?? "not stated in its files"),
            ]
            for row in rows { Console.row(row.0, row.1) }
        }

        /// Which rule decides what is more general, if it was measured.
        private static func rule(_ model: Model) -> String {
            do {
                let rule = try ModelRule.cached(model, cacheFolder: Environment.cacheFolder)
                return rule?.summary ?? "not measured yet: general, specific, ladder and relate measure it once"
            } catch {
                return "none: \(error)"
            }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a name; the folder stays as it is.",
            discussion: "EXAMPLES\n  penumbra model remove prolip-b16")

        @Argument(help: "The name.")
        var name: String

        func run() throws { try Environment.registry.remove(name) }
    }
}
