// A name or nothing to the kernel table of an instruction set.
import CKernels

/// The vector kernels of one instruction set.
package struct Kernels: Sendable {
    /// The C table: what each function takes stands in CKernels.h.
    package nonisolated(unsafe) let table: UnsafePointer<pk_kernels>

    /// The best instruction set of this machine, or the one that `use` chose.
    package static var best: Kernels { Kernels(table: pk_kernels_best()) }

    /// Makes a level the best from now on: once, before anything is computed.
    /// - Returns: false where this machine lacks it or no such level exists.
    package static func use(_ name: String) -> Bool {
        guard let chosen = named(name) else { return false }
        pk_kernels_use(chosen.table)
        return true
    }

    /// All levels this machine has, slowest first.
    package static var available: [Kernels] {
        [pk_level_portable, pk_level_avx2, pk_level_avx512, pk_level_avx512vnni].compactMap {
            pk_kernels_at($0).map(Kernels.init(table:))
        }
    }

    /// All names PENUMBRA_SIMD may take.
    package static let names = ["portable", "avx2", "avx512", "avx512vnni"]

    /// The level of that name, or nil where this machine lacks it or no such level exists.
    package static func named(_ name: String) -> Kernels? { available.first { $0.name == name } }

    /// "portable", "avx2", "avx512" or "avx512vnni".
    package var name: String { String(cString: table.pointee.name) }
}
