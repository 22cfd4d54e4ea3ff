// Turns rows of pixels into resampled rows: the two inner loops of the resize.

/// The passes of a separable resize of interleaved RGB, each rounding to 8 bits as Pillow's do.
enum Resample {
    /// Resamples along rows.
    /// - Parameters:
    ///   - source: the first byte of row 0.
    ///   - stride: bytes from one row to the next.
    ///   - rows: which rows.
    ///   - origin: the source column at byte 0 of each row.
    ///   - axis: the weights.
    /// - Returns: `[rows.count, axis.count, 3]`.
    static func horizontally(
        _ source: UnsafePointer<UInt8>, stride: Int, rows: Range<Int>, origin: Int, _ axis: ResampleAxis
    ) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: rows.count * axis.count * 3) { output, used in
            used = rows.count * axis.count * 3
            guard var write = output.baseAddress else { return }
            axis.weights.withUnsafeBufferPointer { weights in
                guard let weights = weights.baseAddress else { return }
                for row in rows {
                    for position in 0..<axis.count {
                        let first = source + (row * stride + (axis.starts[position] - origin) * 3)
                        weigh(first, axis.counts[position], weights + position * axis.taps, write)
                        write += 3
                    }
                }
            }
        }
    }

    /// One output pixel from `count` neighbouring ones.
    @inline(__always)
    private static func weigh(
        _ pixels: UnsafePointer<UInt8>, _ count: Int, _ weights: UnsafePointer<Int32>,
        _ output: UnsafeMutablePointer<UInt8>
    ) {
        var red = rounding, green = rounding, blue = rounding
        var pixel = pixels
        for tap in 0..<count {
            let weight = weights[tap]
            red &+= weight &* Int32(pixel[0])
            green &+= weight &* Int32(pixel[1])
            blue &+= weight &* Int32(pixel[2])
            pixel += 3
        }
        output[0] = clip(red)
        output[1] = clip(green)
        output[2] = clip(blue)
    }

    /// Resamples across rows, in strips of columns whose sums stay in the first-level cache.
    /// - Parameters:
    ///   - source: the first byte of row `origin`.
    ///   - stride: bytes from one row to the next.
    ///   - columns: which bytes of each row.
    ///   - origin: the source row at `source[0]`.
    ///   - axis: the weights.
    /// - Returns: `[axis.count, columns.count]`.
    static func vertically(
        _ source: UnsafePointer<UInt8>, stride: Int, columns: Range<Int>, origin: Int, _ axis: ResampleAxis
    ) -> [UInt8] {
        let strip = 2048
        var sums = [Int32](repeating: 0, count: strip)
        return [UInt8](unsafeUninitializedCapacity: axis.count * columns.count) { output, used in
            used = axis.count * columns.count
            guard let output = output.baseAddress else { return }
            sums.withUnsafeMutableBufferPointer { sums in
                guard let sums = sums.baseAddress else { return }
                for position in 0..<axis.count {
                    for start in Swift.stride(from: 0, to: columns.count, by: strip) {
                        let width = min(strip, columns.count - start)
                        let top = source + ((axis.starts[position] - origin) * stride + columns.lowerBound + start)
                        sums.update(repeating: rounding, count: width)
                        for tap in 0..<axis.counts[position] {
                            accumulate(top + tap * stride, axis.weights[position * axis.taps + tap], sums, width)
                        }
                        let write = output + (position * columns.count + start)
                        for column in 0..<width { write[column] = clip(sums[column]) }
                    }
                }
            }
        }
    }

    /// sums += weight * row; the compiler vectorises it.
    @inline(__always)
    private static func accumulate(
        _ row: UnsafePointer<UInt8>, _ weight: Int32, _ sums: UnsafeMutablePointer<Int32>, _ count: Int
    ) {
        for column in 0..<count { sums[column] &+= weight &* Int32(row[column]) }
    }

    /// Half of the last place.
    private static let rounding: Int32 = 1 << (ResampleAxis.precision - 1)

    @inline(__always)
    private static func clip(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: min(max(sum >> ResampleAxis.precision, 0), 255))
    }
}
