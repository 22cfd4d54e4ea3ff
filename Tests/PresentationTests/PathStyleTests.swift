// Two folders and a path below the root to what a person in the current folder would type.
import Presentation
import Testing

@Suite struct PathStyleTests {
    struct Way: Sendable, CustomTestStringConvertible {
        let root: String
        let current: String
        let path: String
        let expected: String
        var testDescription: String { "\(root)/\(path) from \(current)" }
    }

    static let ways = [
        Way(root: "/p", current: "/p", path: "a.jpg", expected: "a.jpg"),
        Way(root: "/p", current: "/p", path: "sub/a.jpg", expected: "sub/a.jpg"),
        Way(root: "/p/q", current: "/p", path: "a.jpg", expected: "q/a.jpg"),
        Way(root: "/p/q/r", current: "/p", path: "a.jpg", expected: "q/r/a.jpg"),
        Way(root: "/p", current: "/p/q", path: "a.jpg", expected: "../a.jpg"),
        Way(root: "/p", current: "/p/q/r", path: "s/a.jpg", expected: "../../s/a.jpg"),
        Way(root: "/p/one", current: "/p/two", path: "a.jpg", expected: "../one/a.jpg"),
        Way(root: "/p/one", current: "/p/onetwo", path: "a.jpg", expected: "../one/a.jpg"),
        Way(root: "/a/b", current: "/c/d", path: "x.jpg", expected: "../../a/b/x.jpg"),
        Way(root: "/", current: "/", path: "a.jpg", expected: "a.jpg"),
        Way(root: "/", current: "/home/u", path: "a.jpg", expected: "../../a.jpg"),
        Way(root: "/home/u", current: "/", path: "a.jpg", expected: "home/u/a.jpg"),
        Way(root: "/p", current: "/p", path: "-rf", expected: "./-rf"),
        Way(root: "/p", current: "/p", path: "--/a.jpg", expected: "./--/a.jpg"),
        Way(root: "/p/-q", current: "/p", path: "a.jpg", expected: "./-q/a.jpg"),
        Way(root: "/p", current: "/p/q", path: "-a.jpg", expected: "../-a.jpg"),
        Way(root: "/p/é", current: "/p/e\u{301}", path: "a.jpg", expected: "../é/a.jpg"),
    ]

    @Test(arguments: ways) func relative(_ way: Way) {
        let style = PathStyle(root: way.root, current: way.current)
        #expect(style.relative(Array(way.path.utf8)) == Array(way.expected.utf8))
    }

    /// Walking from the current folder leads to the file, whatever the two folders are.
    @Test func theWayLeadsThere() {
        let folders = ["/", "/p", "/p/q", "/p/q/r", "/p/s", "/t", "/t/q"]
        for root in folders {
            for current in folders {
                let way = PathStyle(root: root, current: current).relative(Array("q/x.jpg".utf8))
                var parts = current.split(separator: "/").map(String.init)
                for part in String(decoding: way, as: UTF8.self).split(separator: "/") {
                    if part == ".." { parts.removeLast() } else { parts.append(String(part)) }
                }
                #expect(parts == root.split(separator: "/").map(String.init) + ["q", "x.jpg"])
            }
        }
    }

    @Test func foreignBytesStayAsTheyAre() {
        #expect(PathStyle(root: "/p", current: "/p/q").relative([0xFF, 0x0A]) == Array("../".utf8) + [0xFF, 0x0A])
    }

    /// Someone in a sub-folder of the root names its files as `ls` there does.
    @Test func insideTheRootTheWayIsShort() {
        let style = PathStyle(root: "/p", current: "/p/2024")
        #expect(style.relative(Array("2024/a.jpg".utf8)) == Array("a.jpg".utf8))
    }

    /// Imports may have absolute paths: they are no part of the root.
    @Test func absolutePathsStay() {
        let style = PathStyle(root: "/p", current: "/q")
        #expect(style.relative(Array("/data/a.jpg".utf8)) == Array("/data/a.jpg".utf8))
    }
}
