// Searches to the pages of codes they leave mapped: those a search reads from end to end at once, others once it pays.
import Foundation
import Gaussians
import Glibc
import Retrieval
import Storage
import TestSupport
import Testing

@Suite struct MappingTests {
    /// Whether the kernel maps pages when asked (Linux 5.14); older ones do without.
    private static let isPossible: Bool = {
        let size = 1 << 16
        guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), memory != MAP_FAILED else {
            return false
        }
        defer { munmap(memory, size) }
        return madvise(memory, size, 22) == 0
    }()

    private static let pageSize: UInt = 4_096

    /// The pages that 256 rows lie in.
    private static func pages(_ start: UnsafeRawPointer, _ rowSize: Int) -> Range<UInt> {
        let first = UInt(bitPattern: start)
        return first / pageSize..<(first + UInt(256 * rowSize) - 1) / pageSize + 1
    }

    /// Takes the pages of some rows of 256 items out of this process's page table; they stay in memory.
    private static func unmap(_ rows: [UnsafeRawPointer?], _ rowSize: Int) {
        for pages in rows.compactMap({ $0 }).map({ pages($0, rowSize) }) {
            let start = UnsafeMutableRawPointer(bitPattern: pages.lowerBound * pageSize)
            #expect(madvise(start, pages.count * Int(pageSize), MADV_DONTNEED) == 0)
        }
    }

    /// How many pages of some rows of 256 items are in this process's page table.
    private static func mapped(_ rows: [UnsafeRawPointer?], _ rowSize: Int) throws -> (some: Int, all: Int) {
        let pagemap = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/pagemap"))
        defer { try? pagemap.close() }
        var (some, all) = (0, 0)
        for pages in rows.compactMap({ $0 }).map({ pages($0, rowSize) }) {
            try pagemap.seek(toOffset: UInt64(8 * pages.lowerBound))
            let entries = try pagemap.read(upToCount: 8 * pages.count) ?? Data()
            #expect(entries.count == 8 * pages.count)
            some += stride(from: 7, to: entries.count, by: 8).count { entries[$0] & 0x80 != 0 }
            all += pages.count
        }
        return (some, all)
    }

    @Test(.enabled(if: isPossible)) func whatIsSearchedOftenIsMappedAtOnce() throws {
        let (dimension, count) = (1_024, 2_048)
        var generator = SeededGenerator(seed: 5)
        let folder = try TemporaryFolder()
        let gaussians = (0..<count).map { _ in generator.gaussian(dimension: dimension) }
        let store = try SearcherTests.index(gaussians, in: folder)
        try store.read { snapshot in
            let parameters = try #require(try snapshot.codeParameters(of: .images))
            let pointers = try snapshot.pointers(of: .images, parameters)
            func codes(_ column: Column) throws -> [UnsafeRawPointer?] {
                try snapshot.codes(column, of: .images, parameters, pointers, mapping: false)
            }
            func mapped(_ column: Column) throws -> (some: Int, all: Int) {
                try Self.mapped(try codes(column), parameters.rowSize(column))
            }
            func unmap(_ column: Column) throws {
                Self.unmap(try codes(column), parameters.rowSize(column))
                #expect(try mapped(column).some == 0)
            }
            func search(_ query: Gaussian) throws { _ = try Searcher(query: query).nearest(1, in: .images, snapshot) }
            try unmap(.residualCodes)
            let few = SlotSet((0..<16).map { Placement(block: $0 / 2, slot: $0 % 2) })
            _ = try Searcher(query: gaussians[0]).nearest(1, in: .images, snapshot, among: few)
            #expect(try mapped(.residualCodes).some == 0)
            try search(generator.gaussian(dimension: dimension))
            let residual = try mapped(.residualCodes)
            #expect(residual.some == residual.all)
            // Of items themselves, so that little is left to be read of the fine codes.
            for query in gaussians[1...5] { try search(query) }
            try unmap(.fineCodes)
            try search(gaussians[7])
            let fine = try mapped(.fineCodes)
            #expect(fine.some < fine.all, "\(fine)")
            try search(gaussians[8])
            #expect(try mapped(.fineCodes).some == fine.all)
        }
    }

    @Test(.enabled(if: isPossible)) func manyQueriesMapTheFineCodes() throws {
        var generator = SeededGenerator(seed: 6)
        let folder = try TemporaryFolder()
        let store = try SearcherTests.index((0..<1_024).map { _ in generator.gaussian(dimension: 1_024) }, in: folder)
        try store.read { snapshot in
            let queries = (0..<16).map { _ in generator.gaussian(dimension: 1_024) }
            let answers = try Searcher.nearest(queries: queries, 3, in: .images, snapshot, threads: 1)
            // Levels that do not multiply bytes read coarse codes first.
            guard answers.allSatisfy({ $0.report.coarse == 0 }) else { return }
            let parameters = try #require(try snapshot.codeParameters(of: .images))
            let pointers = try snapshot.pointers(of: .images, parameters)
            let codes = try snapshot.codes(.fineCodes, of: .images, parameters, pointers, mapping: false)
            let (some, all) = try Self.mapped(codes, parameters.rowSize(.fineCodes))
            #expect(some == all)
        }
    }
}
