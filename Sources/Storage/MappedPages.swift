// Values of a mapped store to pages that are in memory and in the page table, before they are read.
import Glibc

/// Asks the kernel for mapped pages.
enum MappedPages {
    /// MADV_POPULATE_READ of Linux 5.14; older kernels refuse it, and pages come fault by fault.
    private static let populateRead: CInt = 22
    private static let pageSize = 4096
    /// Values nearer to each other than this are asked for together.
    private static let gap = 64 << 10

    /// A column above the coarse codes is mapped at once up to a quarter of the memory.
    ///
    /// The rest is needed for what else is read; a larger one comes fault by fault.
    static let mostBytes = Int(sysconf(Int32(_SC_PHYS_PAGES))) / 4 * pageSize

    /// Maps the pages of some values, ascending by address for the most part, in as few calls as they lie in runs.
    static func populate(_ values: [UnsafeRawBufferPointer?]) {
        var run: Range<UInt>?
        for value in values {
            guard let value, let base = value.baseAddress else { continue }
            let start = UInt(bitPattern: base)
            let end = start + UInt(value.count)
            if let known = run, start >= known.lowerBound, start <= known.upperBound + UInt(gap) {
                run = known.lowerBound..<max(known.upperBound, end)
            } else {
                if let known = run { populate(known) }
                run = start..<end
            }
        }
        if let run { populate(run) }
    }

    /// What cannot be had now is left to the reader's own fault.
    private static func populate(_ run: Range<UInt>) {
        let start = run.lowerBound / UInt(pageSize) * UInt(pageSize)
        _ = madvise(UnsafeMutableRawPointer(bitPattern: start), Int(run.upperBound - start), populateRead)
    }
}
