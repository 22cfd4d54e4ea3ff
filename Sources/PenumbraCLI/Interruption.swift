// SIGINT and SIGTERM to a cancelled task: the batch in flight is finished and committed.
import Dispatch
import Glibc
import Synchronization

/// Runs work that a signal cancels instead of killing.
final class Interruption: Sendable {
    private let received = Mutex<Int32?>(nil)
    private let message: String

    /// Says `message` when the first signal comes.
    init(_ message: String = "finishing the batch") { self.message = message }

    /// The signal that came, if one did.
    var signal: Int32? { received.withLock { $0 } }

    /// Runs `body`; SIGINT or SIGTERM cancels its task, a second one ends the process at once.
    func run<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        let task = Task { try await body() }
        let sources = [SIGINT, SIGTERM].map { number in
            Glibc.signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in
                let isFirst = received.withLock { received in
                    defer { received = number }
                    return received == nil
                }
                guard isFirst else { _exit(128 + number) }
                Console.note("\npenumbra: \(message); once more to stop at once")
                task.cancel()
            }
            source.resume()
            return source
        }
        defer { for source in sources { source.cancel() } }
        return try await task.value
    }
}
