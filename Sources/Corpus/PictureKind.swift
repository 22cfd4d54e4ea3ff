// A file name to what we would do with it.

/// What a file's extension promises, upper or lower case.
package enum PictureKind: Sendable, Equatable {
    /// A picture we read.
    case candidate
    /// A picture or video we cannot read, by the name people know it.
    case unsupported(String)
    /// Anything else.
    case other

    private static let kinds: [String: PictureKind] = {
        var kinds: [String: PictureKind] = [:]
        for name in ["jpg", "jpeg", "jpe", "jfif", "png", "webp"] { kinds[name] = .candidate }
        let unsupported: [String: [String]] = [
            "GIF": ["gif"], "BMP": ["bmp", "dib"], "TIFF": ["tif", "tiff"], "HEIC": ["heic", "heif", "hif"],
            "AVIF": ["avif"], "JPEG XL": ["jxl"], "JPEG 2000": ["jp2", "j2k", "jpx"], "PSD": ["psd", "psb"],
            "SVG": ["svg"],
            "RAW": ["raw", "cr2", "cr3", "nef", "arw", "dng", "orf", "rw2", "raf", "pef", "srw", "x3f"],
            "video": ["mp4", "mov", "m4v", "avi", "mkv", "webm", "mpg", "mpeg", "wmv", "3gp", "mts", "m2ts"],
        ]
        for (kind, extensions) in unsupported {
            for name in extensions { kinds[name] = .unsupported(kind) }
        }
        return kinds
    }()

    /// Judges a file by its name.
    package init(fileName: [UInt8]) {
        guard let dot = fileName.lastIndex(of: 0x2E), dot > 0 else {
            self = .other
            return
        }
        let suffix = String(decoding: fileName[(dot + 1)...], as: UTF8.self).lowercased()
        self = Self.kinds[suffix] ?? .other
    }

    /// Judges a file by its first bytes, at least `sniffedBytes` of them where the file has as many.
    package init(content: [UInt8]) {
        func holds(_ text: String, at offset: Int) -> Bool { content.dropFirst(offset).starts(with: text.utf8) }
        if content.starts(with: [0xFF, 0xD8, 0xFF]) || content.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A]) {
            self = .candidate
        } else if holds("RIFF", at: 0) && holds("WEBP", at: 8) {
            self = .candidate
        } else if holds("GIF8", at: 0) {
            self = .unsupported("GIF")
        } else if content.starts(with: [0x49, 0x49, 0x2A, 0]) || content.starts(with: [0x4D, 0x4D, 0, 0x2A]) {
            self = .unsupported("TIFF")
        } else if holds("ftyp", at: 4) {
            self = holds("avif", at: 8) ? .unsupported("AVIF") : holds("hei", at: 8) ? .unsupported("HEIC") : .other
        } else {
            self = .other
        }
    }

    /// How much of a file `init(content:)` looks at.
    package static let sniffedBytes = 16
}
