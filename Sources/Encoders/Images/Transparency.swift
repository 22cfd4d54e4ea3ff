// Turns RGBA pixels into RGB on a white ground.

/// Alpha compositing in 8-bit arithmetic.
enum Transparency {
    /// Replaces `[count, 4]` RGBA (not premultiplied) by `[count, 3]` RGB at the start of the same buffer.
    ///
    /// Bit for bit what Pillow's `alpha_composite` gives over opaque white (`AlphaComposite.c`): with an opaque ground
    /// its weights are `alpha * 128` and `(255 - alpha) * 128`, its division by 255 the usual two shifts.
    static func compositeOnWhite(_ pixels: UnsafeMutableBufferPointer<UInt8>, count: Int) {
        precondition(pixels.count >= count * 4, "RGBA takes 4 bytes a pixel")
        for index in 0..<count {
            let alpha = UInt32(pixels[index * 4 + 3])
            for channel in 0..<3 {
                pixels[index * 3 + channel] = onWhite(pixels[index * 4 + channel], alpha)
            }
        }
    }

    /// One sample over white.
    static func onWhite(_ sample: UInt8, _ alpha: UInt32) -> UInt8 {
        let weighted = (UInt32(sample) &* alpha &+ 255 &* (255 &- alpha)) &* 128 &+ 0x4000
        return UInt8(truncatingIfNeeded: (((weighted >> 8) &+ weighted) >> 8) >> 7)
    }
}
