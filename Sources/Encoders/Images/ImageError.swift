// Turns every cause for which a file is not a usable picture into one sentence.

/// Why bytes did not become a picture.
///
/// One bad file never stops a run: the sentence is stored and shown.
package enum ImageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file has no bytes.
    case empty
    /// The first bytes are no picture's, for example an HTML page saved as `.jpg`; says what they look like.
    case notAPicture(String)
    /// A picture or video of a kind Penumbra does not read, for example "HEIC".
    case unsupported(String)
    /// The file ends before the picture does; what is missing is never filled in grey.
    case truncated(ImageFormat)
    /// The data contradict themselves, in the decoding library's words.
    case damaged(ImageFormat, String)
    /// More than `ImageDecoder.maximumPixels`, by the header; nothing was decoded.
    case tooManyPixels(width: Int, height: Int)
    /// More than `ImageDecoder.maximumScans` progressive scans; nothing was decoded.
    case tooManyScans(Int)
    /// More than `ImageDecoder.maximumFileSize` bytes; nothing was decoded.
    case fileTooLarge(bytes: Int)
    /// The library could not allocate its working memory.
    case outOfMemory

    /// The sentence shown to people; names neither file nor path.
    package var description: String {
        switch self {
        case .empty: "the file is empty"
        case .notAPicture(let what): "not a picture: the file looks like \(what)"
        case .unsupported(let kind): "\(kind) is not supported (JPEG, PNG and WebP are)"
        case .truncated(let format): "truncated: the file ends before its \(format.rawValue) picture does"
        case .damaged(let format, let reason): "damaged \(format.rawValue): \(reason)"
        case .tooManyPixels(let width, let height):
            "too large: \(width) x \(height) is \(width * height) pixels, at most \(ImageDecoder.maximumPixels) are read"
        case .tooManyScans(let count):
            "too many scans: \(count) in one JPEG, at most \(ImageDecoder.maximumScans) are read"
        case .fileTooLarge(let bytes):
            "too large: the file has \(bytes) bytes, at most \(ImageDecoder.maximumFileSize) (64 MB) are read"
        case .outOfMemory: "not enough memory to decode the picture"
        }
    }
}
