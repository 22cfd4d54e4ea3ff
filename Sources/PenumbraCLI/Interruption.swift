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
        // The handlers are there before the work begins: no signal finds the process unprepared.
        let cancellation = Mutex<(@Sendable () -> Void)?>(nil)
        let sources = [SIGINT, SIGTERM].map { number in
            source(number) { cancellation.withLock { $0 }?() }
        }
        defer { for source in sources { source.cancel() } }
        let task = Task { try await body() }
        cancellation.withLock { $0 = { task.cancel() } }
        if signal != nil { task.cancel() }
        return try await task.value
    }

    private func source(
        _ number: Int32, _ cancel: @escaping @Sendable () -> Void
    ) -> any DispatchSourceSignal {
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { [self] in
            let isFirst = received.withLock { received in
                defer { received = number }
                return received == nil
            }
            guard isFirst else { _exit(128 + number) }
            Console.note("\npenumbra: \(message); once more to stop at once")
            cancel()
        }
        source.resume()
        Glibc.signal(number, SIG_IGN)
        return source
    }
}
