// Indexes a folder of pictures, or brings its index up to date: swift run IndexFolder FOLDER
import Foundation
import Penumbra

@main
enum IndexFolder {
    static func main() async throws {
        guard CommandLine.arguments.count == 2 else {
            print("usage: IndexFolder FOLDER")
            exit(64)
        }
        let folder = URL(fileURLWithPath: CommandLine.arguments[1]).path

        // The nearest index at or above the folder, else a new one with the built-in model.
        let index =
            if let existing = IndexLocation.find(upwardFrom: folder) {
                try Index(at: existing)
            } else {
                try Index.create(at: "\(folder)/.penumbra", root: folder, model: .builtin())
            }

        let summary = try await index.update { progress in
            FileHandle.standardError.write(Data("\r\(progress.done) of \(progress.total)".utf8))
        }
        FileHandle.standardError.write(Data("\n".utf8))
        print("\(summary.added) added, \(summary.unchanged) unchanged, \(summary.total) in the index")
        for failure in summary.failures {
            print("\(String(decoding: failure.path, as: UTF8.self)): \(failure.reason)")
        }
    }
}
