// `penumbra search`: words, pictures and vectors become a ranked list on stdout.
import ArgumentParser
import Engine
import Presentation

struct SearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Find pictures by words, by pictures, or by both, closest first.",
        discussion: """
            Several words are joined by a space. Each match comes with its calibrated match probability, its distance \
            (CSD, lower is closer) and its uncertainty (total variance, larger is vaguer). The answer is exact: every \
            picture of the index is compared (--accuracy trades that for speed). Where even the best match is improbable, stderr says "no confident match".

            A term is words, text:WORDS, image:PATH, vector:FILE.safetensors#ROW (from 0), or the path of a picture. In \
            --plus and --minus a number and a colon before it is its weight; behind text: nothing is parsed. Pictures of \
            the query and copies of them are left out of the answer. Between two pictures or two texts there is no match \
            probability; "closest" then tells which share of the collection is closer.

            EXAMPLES
              penumbra search a dog on a beach
              penumbra search -n 3 "two green pears"
              penumbra search "a dog" --plus image:pool.jpg --minus "0.5:people"
              penumbra search image:pool.jpg --in texts
              penumbra search sunset --where "taken >= 2019-06 and taken < 2019-09" --min-probability 0.5 --sort taken
              penumbra search sunset --format jsonl | jq -r 'select(.type == "match").path'
              penumbra search --queries words.txt --accuracy 0.999 --format jsonl
              penumbra search sunset -0 | xargs -0 ls -l

            Exit code 1 says that nothing was found.
            """)

    @Argument(help: "What to look for.")
    var words: [String] = []

    @Option(help: ArgumentHelp("A term that leads towards it; may be given several times.", valueName: "weight:term"))
    var plus: [String] = []

    @Option(help: ArgumentHelp("A term that leads away from it; may be given several times.", valueName: "weight:term"))
    var minus: [String] = []

    @Option(name: .customLong("in"), help: "images (the default) or texts.")
    var target = Target.images

    @Option(
        help: ArgumentHelp(
            "Answer every line of a text file, or every row of a safetensors file: jsonl gives one object per query, in "
                + "order.", valueName: "file"),
        completion: .file(extensions: ["txt", "safetensors"]))
    var queries: String?

    @OptionGroup var order: SortOptions
    @OptionGroup var accuracy: AccuracyOption
    @OptionGroup var answer: AnswerArguments

    func validate() throws {
        if queries != nil {
            guard words.isEmpty, plus.isEmpty, minus.isEmpty else {
                throw ValidationError("--queries takes its queries from the file alone")
            }
            guard !answer.output.null, answer.output.format != .paths else {
                throw ValidationError("--queries has --format table, tsv or jsonl")
            }
            return
        }
        let isBlank = words.allSatisfy { $0.allSatisfy(\.isWhitespace) }
        if isBlank, plus.isEmpty, minus.isEmpty { throw ValidationError("the query is empty") }
    }

    func run() throws {
        if let queries { return try answerFile(queries) }
        try answer.show(shown, in: [target.collection]) { index, options in
            var options = options
            order.apply(&options)
            accuracy.apply(&options)
            let query = try index.query(terms())
            if query.kind == .text, options.lexicon == nil { options.lexicon = Self.phrases(try index.model()) }
            return try index.search(query, options)
        }
    }

    private func answerFile(_ queries: String) throws {
        try reportingQueryErrors {
            var (index, options) = try answer.opened([target.collection])
            order.apply(&options)
            accuracy.apply(&options)
            let style = PathStyle(root: index.root, current: Environment.currentFolder)
            try QueriesReport(queries, answer.output.format ?? .table, style, explains: answer.cut.explain)
                .run(index, options)
        }
    }

    /// What says how vague a query is.
    ///
    /// For the built-in model the phrases take a moment; for others they tell only once something encoded them.
    private static func phrases(_ model: Model) -> Lexicon? {
        model.name == Model.builtinName
            ? try? Lexicon.load(model, cacheFolder: Environment.cacheFolder)
            : Environment.cacheFolder.flatMap { try? Lexicon.cached(model, cacheFolder: $0) }
    }

    /// The query as it was typed.
    private var shown: String {
        (words + plus.map { "--plus \($0)" } + minus.map { "--minus \($0)" }).joined(separator: " ")
    }

    private func terms() throws -> [QueryTerm] {
        var raw = RawArguments()
        var terms = words.isEmpty ? [] : try QueryTerm.terms(of: words.map { raw.bytes(of: $0) })
        terms += try plus.map { try QueryTerm(weighted: raw.bytes(of: $0), sign: 1) }
        terms += try minus.map { try QueryTerm(weighted: raw.bytes(of: $0), sign: -1) }
        return terms
    }
}
