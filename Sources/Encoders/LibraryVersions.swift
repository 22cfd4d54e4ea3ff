// The libraries that decode pictures and multiply matrices to their versions, asked of them at run time.
import COpenBLAS
import CPNG
import CWebP
import Foundation
import Glibc

#if OneDNN
    import CDNNL
#endif

/// Versions of the libraries in use.
package enum LibraryVersions {
    /// libjpeg-turbo's: version 2 of its interface has no function for it, but the library says it of itself.
    package static var libjpegTurbo: String {
        guard let name = mappedFile("libturbojpeg"),
            let data = try? Data(contentsOf: URL(fileURLWithPath: name), options: .alwaysMapped),
            let found = data.range(of: Data("libjpeg-turbo version ".utf8))
        else { return "unknown" }
        let text = data[found.upperBound...].prefix(40).prefix { $0 > 0x20 && $0 < 0x7F }
        return String(decoding: text, as: UTF8.self)
    }

    /// The file of a library that is mapped into this process.
    private static func mappedFile(_ library: String) -> String? {
        // Line by line: the kernel says that the file is empty, so nobody knows how much there is to read.
        guard let file = fopen("/proc/self/maps", "re") else { return nil }
        defer { fclose(file) }
        // "7f12a000-7f12b000 r-xp 00000000 fe:00 1234    /usr/lib/libturbojpeg.so.0.2.0"
        var buffer = [CChar](repeating: 0, count: 8_192)
        while fgets(&buffer, Int32(buffer.count), file) != nil {
            let line = String(
                decoding: buffer.prefix { $0 != 0 && $0 != 0x0A }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard line.contains("/\(library)."), let slash = line.firstIndex(of: "/") else { continue }
            return String(line[slash...])
        }
        return nil
    }

    /// libpng's.
    package static var libpng: String { dotted(Int(png_access_version_number()), base: 100) }

    /// libwebp's decoder.
    package static var libwebp: String { dotted(Int(WebPGetDecoderVersion()), base: 256) }

    /// OpenBLAS's, with how it was built: "OpenBLAS 0.3.21 DYNAMIC_ARCH ...".
    package static var openBLAS: String {
        openblas_get_config().map { String(cString: $0).trimmingCharacters(in: .whitespaces) } ?? "unknown"
    }

    /// oneDNN's, or nil where this program was built without it.
    package static var oneDNN: String? {
        #if OneDNN
            dnnl_version().map { "oneDNN \($0.pointee.major).\($0.pointee.minor).\($0.pointee.patch)" }
        #else
            nil
        #endif
    }

    /// Threads OpenBLAS uses in one call.
    package static var openBLASThreads: Int {
        _ = BLAS.core
        return Int(openblas_get_num_threads())
    }

    /// Three numbers packed into one.
    private static func dotted(_ number: Int, base: Int) -> String {
        "\(number / base / base).\(number / base % base).\(number % base)"
    }
}
