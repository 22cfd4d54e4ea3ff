// Patterns of --exclude to the paths they match.
import Corpus
import Testing

@Suite struct GlobTests {
    @Test(arguments: [
        ("*.jpg", "a.jpg", true), ("*.jpg", "sub/a.jpg", true), ("*.jpg", "a.jpeg", false), ("a?c", "x/abc", true),
        ("[ab].png", "b.png", true), ("[ab].png", "c.png", false), ("sub/*.jpg", "sub/a.jpg", true),
        ("sub/*.jpg", "sub/deep/a.jpg", false), ("sub/**/a.jpg", "sub/a.jpg", true),
        ("sub/**/a.jpg", "sub/x/y/a.jpg", true), ("**/a.jpg", "a.jpg", true), ("/a.jpg", "a.jpg", true),
        ("/a.jpg", "sub/a.jpg", false), ("a", "A", false), ("**", "x/y", true), ("sub/**", "sub/x/y", true),
    ])
    func matches(pattern: String, path: String, expected: Bool) throws {
        let glob = try #require(Glob(pattern))
        #expect(glob.matches(RelativePath(path), isFolder: false) == expected)
    }

    @Test func aTrailingSlashAsksForAFolder() throws {
        let glob = try #require(Glob("thumbs/"))
        #expect(glob.matches(RelativePath("x/thumbs"), isFolder: true))
        #expect(!glob.matches(RelativePath("x/thumbs"), isFolder: false))
    }

    @Test func whatLiesBelowAnExcludedFolderIsExcluded() {
        let globs = ["thumbs/", "*.tmp"].compactMap(Glob.init)
        #expect(globs.exclude(RelativePath("a/thumbs/deep/b.jpg"), below: RelativePath("")))
        #expect(!globs.exclude(RelativePath("a/thumbs/deep/b.jpg"), below: RelativePath("a/thumbs")), "it was named")
        #expect(!globs.exclude(RelativePath("thumbs"), below: RelativePath("")), "a file of that name")
        #expect(globs.exclude(RelativePath("x.tmp"), below: RelativePath("")))
    }

    @Test func namesThatAreNoTextMatchToo() throws {
        let glob = try #require(Glob("*.jpg"))
        #expect(glob.matches(RelativePath(bytes: [0xFF, 0x0A, 0x2E, 0x6A, 0x70, 0x67]), isFolder: false))
    }

    @Test func nothingIsNoPattern() {
        #expect(Glob("") == nil && Glob("/") == nil)
    }
}
