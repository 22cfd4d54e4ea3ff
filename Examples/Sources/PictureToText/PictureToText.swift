// Ranks some texts by how well they fit a picture: swift run PictureToText PICTURE TEXT...
import Foundation
import Penumbra

@main
enum PictureToText {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 2 else {
            print("usage: PictureToText PICTURE TEXT...")
            exit(64)
        }
        let model = try Model.builtin()
        let picture = try model.encode(pictureAt: arguments[0])
        let texts = Array(arguments[1...])
        let gaussians = try model.encode(texts: texts)

        // Lower CSD is closer; the model's scale, bias and calibration make a probability of it.
        let ranked = zip(texts, gaussians).map { ($0, $1, picture.csd(to: $1)) }.sorted { $0.2 < $1.2 }
        for (text, gaussian, csd) in ranked {
            let logit = model.matchScale.logit(csd: csd, squaredNorms: picture.squaredNorm + gaussian.squaredNorm)
            let probability = model.matchScale.probability(logit: logit) * 100
            print(
                String(format: "%5.1f %%  CSD %.4f  uncertainty %.3f  ", probability, csd, gaussian.totalVariance)
                    + text)
        }
    }
}
