// `penumbra repair`: a damaged index becomes a sound one again.
import ArgumentParser
import Engine
import Presentation

struct RepairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Rebuild a damaged index from what is sound, and list what is lost.",
        discussion: """
            Checks the index as penumbra verify does; where it is sound nothing is done. Else every Gaussian that is \
            sound and fits its item is kept, and items whose vectors are lost are listed and leave the index: the next \
            penumbra index encodes those pictures again; texts must be indexed again from their files, imported items imported again. The damaged files are \
            kept in the index folder, in damaged-TIME.

            EXAMPLES
              penumbra repair && penumbra index
              penumbra repair --index ~/photos.index
            """)

    @OptionGroup var location: IndexOption

    func run() throws {
        let folder = try location.folder()
        let verification = ["verify", "--index", folder, "--in-this-process"]
        do {
            try VerifyCommand.runInChild(verification)
            return Console.print("nothing to repair")
        } catch is ExitCode {}
        let report = try Index.repair(at: folder) { item in
            let name = Escaping.visible(item.name)
            if let source = item.source.map({ Escaping.visible(Array($0.utf8)) }) {
                Console.print(
                    item.isImported
                        ? "lost, import it again: \(name) (from \(source))"
                        : "lost, penumbra index --texts \(source) brings it back: \(name)")
            } else {
                Console.print("to be encoded again: \(name)")
            }
        }
        if let damage = report.catalogueDamage { Console.print("the catalogue was damaged: \(damage)") }
        Console.print("kept \(report.kept) items, lost \(report.lost)")
        if let kept = report.keptFiles {
            Console.print("the damaged files are kept in \(Escaping.visible(Array(kept.utf8)))")
        }
        try VerifyCommand.runInChild(verification)
        if report.lost > 0 || report.catalogueDamage != nil {
            Console.error("penumbra index encodes lost pictures again; texts and imports come back from their files")
        }
    }
}
