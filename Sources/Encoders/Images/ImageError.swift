// Why a picture was refused, in one sentence per cause.

/// A picture that was not decoded.
///
/// Nothing is ever filled in: a truncated file gives no picture.
package enum ImageError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The file has no bytes.
    case empty
    /// The first bytes are those of no picture format we know; what they look like, if that can be told.
    case notAPicture(String?)
    /// A picture or video of a kind we cannot read, by name.
    case unsupported(String)
    /// More pixels than anyone's camera makes: a decompression bomb, or a scan that must be tiled first.
    case tooManyPixels(width: Int, height: Int)
    /// A progressive JPEG made to take forever.
    case tooManyScans(Int)
    /// The file ends too early.
    case truncated(String)
    /// The decoder's words.
    case damaged(String)

    /// Most pixels of a picture: Pillow's limit, 89.5 megapixels.
    package static let maximumPixels = 89_478_485
    /// Most scans of a progressive JPEG.
    package static let maximumScans = 100

    /// The reason shown to people, without the file's name.
    package var description: String {
        switch self {
        case .empty: "the file is empty"
        case .notAPicture(let kind): "not a picture\(kind.map { " but \($0)" } ?? "")"
        case .unsupported(let kind): "\(kind) files are not supported"
        case .tooManyPixels(let width, let height):
            "\(width) x \(height) pixels, more than 89.5 megapixels are refused"
        case .tooManyScans(let count): "\(count) progressive scans, more than \(Self.maximumScans) are refused"
        case .truncated(let format): "truncated \(format)"
        case .damaged(let reason): "damaged: \(reason)"
        }
    }

    /// Refuses sizes that are zero or too large, before anything is allocated.
    static func check(width: Int, height: Int) throws(ImageError) {
        guard width > 0, height > 0 else { throw .damaged("\(width) x \(height) pixels") }
        guard width <= maximumPixels, height <= maximumPixels, width * height <= maximumPixels else {
            throw .tooManyPixels(width: width, height: height)
        }
    }
}
