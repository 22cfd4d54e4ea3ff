// Finds pictures by words in an indexed folder: swift run TextToPicture FOLDER WORDS...
import Foundation
import Penumbra

@main
enum TextToPicture {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count >= 2, let folder = arguments.first,
            let location = IndexLocation.find(upwardFrom: folder)
        else {
            print("usage: TextToPicture FOLDER WORDS...   (index the folder first)")
            exit(64)
        }
        let answer = try Index(at: location).search(arguments.dropFirst().joined(separator: " "), limit: 5)
        for result in answer.results {
            let probability = (result.matchProbability ?? .nan) * 100
            print(String(format: "%5.1f %%  CSD %.4f  ", probability, result.csd) + result.name)
        }
        print("\(answer.scanned) pictures compared, \(answer.reranked) of them to the last bit")
    }
}
