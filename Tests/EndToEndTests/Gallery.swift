// A few gallery pictures to a folder that the program can be run on.
import Foundation
import Glibc
import TestSupport
import Testing

/// A temporary folder with pictures, and the program run in it.
struct Gallery {
    let folder: TemporaryFolder
    var path: String { folder.path }

    /// Copies gallery pictures into a fresh folder as `p0.jpg`, `p1.jpg`, ...
    init(_ count: Int) throws {
        folder = try TemporaryFolder()
        for number in 0..<count { try folder.write("p\(number).jpg", Self.content(number)) }
    }

    /// The content of a gallery picture.
    static func content(_ number: Int) throws -> [UInt8] {
        let name = String(format: "Examples/Gallery/scene-%03d.jpg", number)
        return Array(try Data(contentsOf: URL(fileURLWithPath: Fixtures.repository(name))))
    }

    /// A folder with an index of some pictures.
    static func indexed(_ count: Int) throws -> Gallery {
        let gallery = try Gallery(count)
        let output = try gallery.run("index")
        #expect(output.code == 0, "\(output.stderr)")
        return gallery
    }

    /// Runs the program in the folder.
    func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Output {
        try Program.run(arguments, in: path, environment: environment)
    }

    /// Gives a file any name: raw bytes.
    func write(_ content: [UInt8], bytes name: [UInt8]) throws {
        try folder.write("temporary", content)
        let target = (Array(path.utf8) + [0x2F] + name + [0]).map { CChar(bitPattern: $0) }
        #expect(target.withUnsafeBufferPointer { $0.baseAddress.map { rename(folder.file("temporary"), $0) } == 0 })
    }

    /// The permissions of an entry.
    func mode(_ name: String) -> UInt32 {
        var status = stat()
        return stat(folder.file(name), &status) == 0 ? status.st_mode & 0o777 : 0
    }
}
