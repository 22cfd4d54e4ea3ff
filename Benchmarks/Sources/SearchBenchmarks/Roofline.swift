// The codes a search reads to what reading them takes at least: its roofline.
import CReading
import Foundation
import Gaussians
import Retrieval
import Storage

/// Reading memory, as fast as this machine can.
enum Roofline {
    /// What is read, over and over: pieces of equal size.
    struct Memory {
        /// Where they lie; nil for what is not there.
        let pieces: [UnsafeRawPointer?]
        /// Bytes of each.
        let size: Int
        var bytes: Int { pieces.count { $0 != nil } * size }

        /// One reading; a number that depends on all of it.
        func read(isReversed: Bool) -> UInt64 { reading_pieces(pieces, pieces.count, size, isReversed ? 1 : 0) }
    }

    /// Reads the very coarse codes that a search of the whole index reads, where they lie in its map.
    ///
    /// The share of the roofline of a search is what this takes, in the order it is faster in, through what the search takes.
    static func measure(_ index: SyntheticIndex) throws -> [String] {
        try index.store.read { snapshot in
            guard let parameters = try snapshot.codeParameters(of: .images) else { return [] }
            let pointers = try snapshot.pointers(of: .images, parameters)
            let memory = Memory(pieces: pointers.coarse, size: GaussianCodec.slotsPerBlock * index.rowSizes.coarse)
            let readings = read([memory], ["N": "\(index.count)"])
            for (measurement, _) in readings { print(measurement.row) }
            return readings.map(\.json)
        }
    }

    /// Reads memory in one direction, and to and fro: what was read last may still be in the cache.
    static func read(
        _ memory: [Memory], _ fields: [String: String] = [:]
    ) -> [(measurement: Measurement, json: String)] {
        let bytes = memory.reduce(0) { $0 + $1.bytes }
        return ["forward", "to-and-fro"].map { order in
            var (number, sum) = (0, UInt64(0))
            let name = "read/\(order)/bytes=\(bytes)"
            let measurement = Measurement.run(name, items: bytes, runs: 100, seconds: 3) {
                for memory in memory { sum &+= memory.read(isReversed: order == "to-and-fro" && number % 2 == 1) }
                number += 1
            }
            withExtendedLifetime(sum) {}
            var fields = fields
            fields["bytes"] = "\(bytes)"
            return (measurement, measurement.json(fields))
        }
    }
}
