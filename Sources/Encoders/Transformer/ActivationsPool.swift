// Scratch memory lent to whoever encodes, so that a long run allocates it once per worker.
import Synchronization

/// Lends activations; at most as many exist as were in use at once.
final class ActivationsPool: @unchecked Sendable {  // `idle` guards the only shared state
    private let idle = Mutex<[Unchecked]>([])
    private let make: @Sendable () -> Activations

    /// Activations pass between workers, one at a time.
    private struct Unchecked: @unchecked Sendable {
        let activations: Activations
    }

    init(make: @escaping @Sendable () -> Activations) { self.make = make }

    /// Runs `body` with activations nobody else has, whose passes `threads` threads share.
    func lend<T>(threads: Int, _ body: (Activations) throws -> T) rethrows -> T {
        let activations = idle.withLock { $0.popLast() } ?? Unchecked(activations: make())
        defer { idle.withLock { $0.append(activations) } }
        activations.activations.threads = threads
        return try body(activations.activations)
    }
}
