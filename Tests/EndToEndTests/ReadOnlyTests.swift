// An index that cannot be written is searched all the same.
import Foundation
import Glibc
import TestSupport
import Testing

@Suite struct ReadOnlyTests {
    @Test func someoneElseMaySearchButNotWrite() throws {
        let gallery = try Gallery.indexed(4)
        let isRoot = geteuid() == 0
        let user = isRoot ? "setpriv --reuid=65534 --regid=65534 --clear-groups env XDG_CACHE_HOME=/nowhere " : ""
        let before = try gallery.run("search", "a black dog on a city street", "--format", "tsv")
        // Others may read, nobody may write.
        #expect(try Program.shell("chmod -R a+rX,a-w .", in: gallery.path).code == 0)
        defer { _ = try? Program.shell("chmod -R u+w .", in: gallery.path) }
        let reachable = try Program.shell("\(user)test -x \"$PENUMBRA\" && \(user)ls .", in: gallery.path)
        guard reachable.code == 0 else {
            print("someoneElseMaySearchButNotWrite: skipped, another user cannot run \(Program.path)")
            return
        }
        #expect(try Program.shell("\(user)touch .penumbra/x", in: gallery.path).code != 0, "really not writable")
        let words = "a black dog on a city street --format tsv"
        let search = try Program.shell("\(user)\"$PENUMBRA\" search \(words)", in: gallery.path)
        #expect(search.code == 0, "\(search.stderr)")
        #expect(search.stdout == before.stdout)
        #expect(search.errors == ["penumbra: the index folder cannot be written: reading it as it is"])
        #expect(try Program.shell("\(user)\"$PENUMBRA\" status", in: gallery.path).text.contains("pictures      4"))
        #expect(try Program.shell("\(user)\"$PENUMBRA\" index", in: gallery.path).code == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: gallery.folder.file(".penumbra")).count == 3)
    }

    /// What a writer that was killed leaves: a write-ahead log with commits that are not in the catalogue yet.
    @Test func aLogThatIsNotEmptyIsReadFromACopy() throws {
        let gallery = try Gallery.indexed(2)
        let script = """
            import sqlite3, os, signal
            database = sqlite3.connect(".penumbra/catalog.sqlite", isolation_level=None)
            database.execute("PRAGMA wal_autocheckpoint = 0")
            database.execute("UPDATE state SET generation = 77")
            os.kill(os.getpid(), signal.SIGKILL)
            """
        try gallery.folder.write("killed.py", Array(script.utf8))
        guard try Program.shell("command -v python3", in: gallery.path).code == 0 else {
            print("aLogThatIsNotEmptyIsReadFromACopy: skipped, no python3")
            return
        }
        _ = try Program.shell(
            "python3 killed.py", in: gallery.path, environment: ["PATH": "/root/.pyenv/shims:/usr/bin:/bin"])
        let log = gallery.folder.file(".penumbra/catalog.sqlite-wal")
        guard FileManager.default.fileExists(atPath: log) else {
            print("aLogThatIsNotEmptyIsReadFromACopy: skipped, python3 left no log")
            return
        }
        let user = geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : ""
        #expect(try Program.shell("chmod -R a+rX,a-w .", in: gallery.path).code == 0)
        defer { _ = try? Program.shell("chmod -R u+w .", in: gallery.path) }
        let status = try Program.shell("\(user)\"$PENUMBRA\" status", in: gallery.path)
        #expect(status.code == 0 && status.text.contains("generation    77"), "\(status.text)\(status.stderr)")
    }
}
