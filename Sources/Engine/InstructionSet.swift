// A name to the instruction set that all kernels of the process use.
import Gaussians

/// Which vector instructions are used: the best this machine has, unless something else is asked for.
///
/// No choice changes the ranking of the same query Gaussian, nor its figures.
public enum InstructionSet {
    /// All names there are, slowest first.
    public static var names: [String] { Kernels.names }

    /// The names this machine has the instructions for.
    public static var available: [String] { Kernels.available.map(\.name) }

    /// What is used now.
    public static var current: String { Kernels.best.name }

    /// Uses another level from now on: before anything is encoded or searched.
    /// - Throws: `InstructionSetError` for a name nobody knows and for a level this machine lacks.
    public static func use(_ name: String) throws {
        guard names.contains(name) else { throw InstructionSetError.unknown(name) }
        guard Kernels.use(name) else { throw InstructionSetError.lacking(name) }
    }
}

/// An instruction set that cannot be used.
public enum InstructionSetError: Error, CustomStringConvertible, Sendable, Equatable {
    /// No level has this name.
    case unknown(String)
    /// This machine lacks the instructions.
    case lacking(String)

    /// The sentence shown to people.
    public var description: String {
        switch self {
        case .unknown(let name):
            "no instruction set is called \"\(name)\"; there are \(InstructionSet.names.joined(separator: ", "))"
        case .lacking(let name):
            "this machine lacks \(name); it has \(InstructionSet.available.joined(separator: ", "))"
        }
    }
}
