// A file to pages that stay in memory until they are let go.
import Foundation

/// A file whose pages the kernel keeps, locked by another process, so that they do not count as this one's memory.
///
/// Other engines hold their vectors in memory of their own, which a machine without swap never takes away. Pages of files it may
/// take: kernels that reclaim what was not read for some seconds (DAMON) take those of a million items between two queries.
final class LockedFile {
    private static let command = "hold"
    private let process = Process()
    private let end = Pipe()

    /// Reads a file and locks it; without a word more than a notice where the system does not let us.
    init(_ path: String) throws {
        let answer = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [Self.command, path]
        process.standardInput = end
        process.standardOutput = answer
        try process.run()
        _ = try answer.fileHandleForReading.read(upToCount: 1)  // once it is locked, or cannot be
    }

    /// Lets the pages go.
    func unlock() {
        try? end.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// The other process: holds a file until its input ends.
    static func runs(_ arguments: ArraySlice<String>) -> Bool {
        guard arguments.first == command, let path = arguments.dropFirst().first else { return false }
        if !hold(path) { FileHandle.standardError.write(Data("not locked in memory (errno \(errno)): \(path)\n".utf8)) }
        FileHandle.standardOutput.write(Data("\n".utf8))
        _ = try? FileHandle.standardInput.readToEnd()
        return true
    }

    /// Locks a file for as long as this process lives.
    private static func hold(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        guard file >= 0, fstat(file, &status) == 0 else { return false }
        let size = Int(status.st_size)
        guard let start = mmap(nil, size, PROT_READ, MAP_SHARED, file, 0), start != MAP_FAILED else { return false }
        return mlock(start, size) == 0
    }
}
