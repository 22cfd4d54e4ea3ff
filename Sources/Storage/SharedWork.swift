// Numbered parts of some work to what came of each: threads take the next part as they come free.
import Dispatch
import Glibc
import Synchronization

/// Work that several threads share.
package enum SharedWork {
    /// Processors that are online, at least 1.
    package static var processorCount: Int { max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1) }

    /// What `body` makes of each part, in the order of the parts.
    /// - Parameters:
    ///   - parts: how many there are.
    ///   - threads: how many work at once; less than 1 counts as 1.
    ///   - body: called once per part, on any thread.
    /// - Returns: one result a part.
    /// - Throws: what `body` threw for the first of the parts that failed; the others are done all the same.
    package static func map<T: Sendable, E: Error>(
        _ parts: Int, threads: Int, _ body: @Sendable (Int) throws(E) -> T
    ) throws(E) -> [T] {
        let results = Mutex([Result<T, E>?](repeating: nil, count: parts))
        let next = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: min(max(threads, 1), parts)) { _ in
            while let part = next.withLock({ next in
                defer { next += 1 }
                return next < parts ? next : nil
            }) {
                let result = Result { () throws(E) in try body(part) }
                results.withLock { $0[part] = result }
            }
        }
        var made: [T] = []
        for case let result? in results.withLock({ $0 }) { made.append(try result.get()) }
        return made
    }
}
