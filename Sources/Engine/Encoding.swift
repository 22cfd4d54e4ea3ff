// Files and texts to Gaussians without an index, in the order they were given: what `penumbra encode` does.
import Corpus
import Encoders
import Gaussians

/// Something to encode.
public enum EncodingInput: Sendable {
    /// A picture file, by its path, raw bytes.
    case picture([UInt8])
    /// A text.
    case text(String)
}

/// What became of it.
public struct EncodedRow: Sendable {
    /// What was encoded.
    public let input: EncodingInput
    /// Its Gaussian, or why there is none.
    public let result: Result<Gaussian, EncodingFailure>
    /// What was lost of a text on the way: its end beyond the model's context, characters the model does not know.
    public var warnings: [String] = []
}

/// Why an input has no Gaussian.
public struct EncodingFailure: Error, CustomStringConvertible, Sendable {
    /// The reason, without the input's name.
    public let description: String
}

extension Model {
    /// Encodes inputs on several workers and hands the rows over in order.
    /// - Parameters:
    ///   - inputs: any mixture of pictures and texts.
    ///   - jobs: workers, at least 1.
    ///   - body: called once per input, in order, one call at a time.
    /// - Throws: what `body` throws; an error when the model lacks what an input needs.
    public func encode(
        _ inputs: [EncodingInput], jobs: Int = Index.processorCount, _ body: (EncodedRow) throws -> Void
    ) async throws {
        let reader = try FileReader(root: ".")
        let size = ImageEncoder.share(of: inputs.count, jobs: jobs)
        // Workers that would have nothing to do help the others.
        let shares = (inputs.count + size - 1) / size
        let threads = max(1, jobs / max(shares, 1))
        var next = 0
        var due = 0
        var waiting: [Int: [EncodedRow]] = [:]
        try await withThrowingTaskGroup(of: (Int, [EncodedRow]).self) { group in
            func feed() {
                guard next < inputs.count, !Task.isCancelled else { return }
                let start = next
                let share = Array(inputs[start..<min(start + size, inputs.count)])
                group.addTask { (start, try self.encodeShare(share, reader, threads: threads)) }
                next += share.count
            }
            for _ in 0...max(jobs, 1) { feed() }
            while let (start, rows) = try await group.next() {
                feed()
                waiting[start] = rows
                while let rows = waiting.removeValue(forKey: due) {
                    for row in rows { try body(row) }
                    due += rows.count
                }
            }
        }
    }

    /// Encodes a few inputs, pictures and texts each in one batch.
    private func encodeShare(
        _ inputs: [EncodingInput], _ reader: FileReader, threads: Int
    ) throws -> [EncodedRow] {
        var pictures: [PreparedPicture] = []
        var texts: [String] = []
        let failures: [EncodingFailure?] = try inputs.map { input in
            switch input {
            case .text(let text):
                texts.append(text)
                return nil
            case .picture(let path):
                switch try preparePicture(path, reader) {
                case .success(let picture): pictures.append(picture)
                case .failure(let failure): return failure
                }
                return nil
            }
        }
        let ofPictures = pictures.isEmpty ? [] : try imageEncoder().encode(pictures, threads: threads)
        let ofTexts = texts.isEmpty ? [] : try textEncoder().encode(texts, threads: threads)
        return rows(inputs, failures, ofPictures, ofTexts)
    }

    /// Puts what became of pictures and texts back into the order of the inputs.
    private func rows(
        _ inputs: [EncodingInput], _ failures: [EncodingFailure?], _ pictures: [Gaussian], _ texts: [EncodedText]
    ) -> [EncodedRow] {
        var ofPictures = pictures.makeIterator()
        var ofTexts = texts.makeIterator()
        return zip(inputs, failures).map { input, failure in
            if let failure { return EncodedRow(input: input, result: .failure(failure)) }
            let gaussian: Gaussian?
            var warnings: [String] = []
            switch input {
            case .picture: gaussian = ofPictures.next()
            case .text:
                let encoded = ofTexts.next()
                gaussian = encoded?.gaussian
                warnings = encoded?.losses ?? []
            }
            guard let gaussian else { preconditionFailure("one Gaussian per input") }
            guard gaussian.isFinite else {
                let failure = EncodingFailure(description: "the model gives numbers that are not finite")
                return EncodedRow(input: input, result: .failure(failure))
            }
            return EncodedRow(input: input, result: .success(gaussian), warnings: warnings)
        }
    }

    private func preparePicture(
        _ path: [UInt8], _ reader: FileReader
    ) throws -> Result<PreparedPicture, EncodingFailure> {
        do {
            let content = try reader.read(RelativePath(bytes: path))
            return .success(try imageEncoder().prepare(content.bytes))
        } catch let error as FileReadError {
            return .failure(EncodingFailure(description: error.reason))
        } catch let error as ImageError {
            return .failure(EncodingFailure(description: error.description))
        }
    }
}
