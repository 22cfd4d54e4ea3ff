// SIGINT and SIGTERM to a cancelled task: the batch in flight is finished and committed.
import Dispatch
import Glibc
import Synchronization

/// The first signal that came; a signal handler can do no more than note it.
private let noted = Atomic<Int32>(0)

/// Runs work that a signal cancels instead of killing.
final class Interruption: Sendable {
    private let message: String

    /// Says `message` when the first signal comes.
    init(_ message: String = "finishing the batch") { self.message = message }

    /// The signal that came, if one did.
    var signal: Int32? {
        let number = noted.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    /// Runs `body`; SIGINT or SIGTERM cancels its task, a second one ends the process at once.
    func run<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        noted.store(0, ordering: .releasing)
        // Handlers, not dispatch sources: those are registered some time after they are resumed, and until then a signal
        // would be lost.
        for number in [SIGINT, SIGTERM] {
            Glibc.signal(number) { number in
                if noted.exchange(number, ordering: .acquiringAndReleasing) != 0 { _exit(128 + number) }
            }
        }
        let task = Task { try await body() }
        let watch = DispatchSource.makeTimerSource(queue: .global())
        watch.schedule(deadline: .now(), repeating: .milliseconds(10))
        watch.setEventHandler { [self] in
            guard signal != nil, !task.isCancelled else { return }
            let newline = Environment.showsProgress ? "\n" : ""  // behind a progress bar
            Console.note("\(newline)penumbra: \(message); once more to stop at once")
            task.cancel()
        }
        watch.resume()
        defer { watch.cancel() }
        return try await task.value
    }
}
