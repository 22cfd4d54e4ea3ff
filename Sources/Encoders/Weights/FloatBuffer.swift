// Floats that the encoders compute with: scratch memory of their own, or weights in place in a map.
import CKernels
import Gaussians

/// A fixed piece of 64-byte aligned scratch memory, allocated once and owned by one worker.
package final class FloatBuffer {
    /// The memory; uninitialised until written.
    package let pointer: UnsafeMutablePointer<Float>
    /// Number of floats.
    package let count: Int

    /// Allocates `count` floats.
    package init(count: Int) {
        self.count = count
        let raw = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
        pointer = raw.bindMemory(to: Float.self, capacity: count)
    }

    deinit { pointer.deallocate() }
}

/// An immutable tensor of Float32, row-major: in place where the file holds aligned F32, widened once otherwise.
package struct FloatTensor: @unchecked Sendable {  // immutable after init; `owner` keeps the memory alive
    /// The first element.
    package let pointer: UnsafePointer<Float>
    /// Lengths of the axes, outermost first.
    package let shape: [Int]
    private let owner: AnyObject

    /// Number of elements.
    package var count: Int { shape.reduce(1, *) }

    /// All elements, row-major.
    package var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

    /// Uses the bytes of an F32 tensor in place, widens F16 and BF16.
    /// - Throws: `SafetensorsError` for any other element type.
    package init(_ tensor: Tensor) throws {
        shape = tensor.shape
        let aligned = tensor.bytes.baseAddress.map { Int(bitPattern: $0) % 4 == 0 } ?? false
        if tensor.type == .f32, aligned, let base = tensor.bytes.baseAddress {
            pointer = base.assumingMemoryBound(to: Float.self)
            owner = tensor.file
            return
        }
        let buffer = FloatBuffer(count: tensor.count)
        try tensor.widen(rows: 0..<tensor.count, rowLength: 1, into: buffer.pointer)
        pointer = UnsafePointer(buffer.pointer)
        owner = buffer
    }
}

extension Tensor {
    /// Converts some rows to Float32.
    /// - Parameters:
    ///   - rows: which rows, each of `rowLength` elements, counted over the flattened tensor.
    ///   - rowLength: elements of a row.
    ///   - out: room for `rows.count * rowLength` floats.
    /// - Throws: `SafetensorsError` for element types other than F32, F16 and BF16.
    package func widen(rows: Range<Int>, rowLength: Int, into out: UnsafeMutablePointer<Float>) throws {
        precondition(rows.lowerBound >= 0 && rows.upperBound * rowLength <= count)
        guard let base = bytes.baseAddress?.advanced(by: rows.lowerBound * rowLength * type.size) else { return }
        guard type.widen(base, count: rows.count * rowLength, into: out) else {
            throw SafetensorsError(
                path: file.path, reason: "tensor \(name): expected F32, F16 or BF16, got \(type.rawValue)")
        }
    }
}

extension TensorType {
    /// Converts elements of this type to Float32; exact, infinities and NaN included.
    /// - Parameters:
    ///   - base: the first element, of any alignment.
    ///   - count: how many.
    ///   - out: room for `count` floats.
    /// - Returns: false for types other than F32, F16 and BF16, which are not converted.
    package func widen(_ base: UnsafeRawPointer, count: Int, into out: UnsafeMutablePointer<Float>) -> Bool {
        guard [.f32, .f16, .bf16].contains(self) else { return false }
        guard count > 0 else { return true }
        if self == .f32 {
            UnsafeMutableRawPointer(out).copyMemory(from: base, byteCount: count * 4)
            return true
        }
        let table = Kernels.best.table.pointee
        let widen = self == .f16 ? table.widen_f16 : table.widen_bf16
        Self.withAligned(base, count: count) { widen($0, count, out) }
        return true
    }

    private static func withAligned(_ base: UnsafeRawPointer, count: Int, _ body: (UnsafePointer<UInt16>) -> Void) {
        if Int(bitPattern: base) % 2 == 0 {
            body(base.assumingMemoryBound(to: UInt16.self))
            return
        }
        let copy = UnsafeMutablePointer<UInt16>.allocate(capacity: count)
        defer { copy.deallocate() }
        UnsafeMutableRawPointer(copy).copyMemory(from: base, byteCount: count * 2)
        body(copy)
    }
}
