// Turns JSON bytes into values, one at a time, so that a vocabulary goes to flat arrays without becoming objects.

/// A strict, forward-only reader of RFC 8259 JSON over bytes that stay valid while it is used.
struct JSONScanner {
    /// Deeper nesting is refused.
    static let maximumDepth = 64

    let bytes: UnsafeRawBufferPointer
    let file: String
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer, file: String) {
        self.bytes = bytes
        self.file = file
    }

    /// The first byte of the next value or mark; nil at the end.
    mutating func peek() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Steps over one mark such as `:`.
    mutating func expect(_ mark: Character) throws(TokenizerError) {
        guard peek() == mark.asciiValue else { throw refuse("\"\(mark)\"") }
        position += 1
    }

    /// Steps over one mark if it comes next.
    mutating func take(_ mark: Character) -> Bool {
        guard peek() == mark.asciiValue else { return false }
        position += 1
        return true
    }

    /// Calls `member` with each key, positioned at its value, which it must read.
    mutating func object(
        _ member: (inout JSONScanner, String) throws(TokenizerError) -> Void
    ) throws(TokenizerError) {
        try expect("{")
        if take("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(&self, key)
        } while take(",")
        try expect("}")
    }

    /// Calls `element` with each index, positioned at its value, which it must read.
    mutating func array(_ element: (inout JSONScanner, Int) throws(TokenizerError) -> Void) throws(TokenizerError) {
        try expect("[")
        if take("]") { return }
        var index = 0
        repeat {
            try element(&self, index)
            index += 1
        } while take(",")
        try expect("]")
    }

    /// A string.
    mutating func string() throws(TokenizerError) -> String {
        var utf8: [UInt8] = []
        utf8.reserveCapacity(roomForString())
        try string(into: &utf8)
        return String(decoding: utf8, as: UTF8.self)
    }

    /// Appends a string's UTF-8 bytes.
    mutating func string(into utf8: inout [UInt8]) throws(TokenizerError) {
        guard peek() == 0x22 else { throw refuse("a string") }
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            if byte == 0x22 {
                position += 1
                return
            } else if byte == 0x5C {
                try escape(into: &utf8)
            } else if byte < 0x20 {
                throw refuse("no control character in a string")
            } else {
                let start = position
                repeat { position += 1 } while position < bytes.count && Self.isPlain(bytes[position])
                utf8.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
            }
        }
        throw refuse("the end of a string")
    }

    /// Bytes a string takes at most, so that a long one grows in no steps.
    private mutating func roomForString() -> Int {
        guard peek() == 0x22 else { return 0 }
        var end = position + 1
        while end < bytes.count, bytes[end] != 0x22 { end += bytes[end] == 0x5C ? 2 : 1 }
        return end - position - 1
    }

    /// Whether a byte of a string stands for itself.
    private static func isPlain(_ byte: UInt8) -> Bool { byte != 0x22 && byte != 0x5C && byte >= 0x20 }

    /// A number, rounded correctly.
    mutating func number() throws(TokenizerError) -> Double {
        _ = peek()
        let start = position
        var mantissa: UInt64 = 0
        var digits = 0
        var exponent = 0
        let isNegative = takeByte(0x2D)
        let hasLeadingZero = position < bytes.count && bytes[position] == 0x30
        let integerDigits = scanDigits(&mantissa, &digits)
        guard integerDigits > 0, !(hasLeadingZero && integerDigits > 1) else { throw refuse("a number") }
        if takeByte(0x2E) {
            let fraction = scanDigits(&mantissa, &digits)
            guard fraction > 0 else { throw refuse("a digit") }
            exponent = -fraction
        }
        let hasExponent = takeByte(0x65) || takeByte(0x45)
        if hasExponent {
            if !takeByte(0x2D) { _ = takeByte(0x2B) }
            var ignored: UInt64 = 0
            guard scanDigits(&ignored, &digits) > 0 else { throw refuse("a digit") }
        }
        // Both are exact in Float64, so one division rounds correctly (Clinger 1990).
        if !hasExponent, digits <= 19, mantissa <= 1 << 53, exponent >= -22 {
            let value = Double(mantissa) / Self.powersOfTen[-exponent]
            return isNegative ? -value : value
        }
        guard let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)), value.isFinite else {
            throw refuse("a number that fits Float64")
        }
        return value
    }

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// An error at the present position.
    func refuse(_ expected: String) -> TokenizerError {
        var got = "the end of the file"
        if position < bytes.count {
            let byte = bytes[position]
            got = (0x21...0x7E).contains(byte) ? "\"\(Character(Unicode.Scalar(byte)))\"" : "byte value \(byte)"
        }
        return TokenizerError(file: file, key: "byte \(position)", expected: expected, got: got)
    }

    private mutating func takeByte(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// Reads digits into `mantissa` (which wraps beyond 19 of them); returns how many.
    private mutating func scanDigits(_ mantissa: inout UInt64, _ digits: inout Int) -> Int {
        let start = position
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
            mantissa = mantissa &* 10 &+ UInt64(bytes[position] - 0x30)
            position += 1
        }
        digits += position - start
        return position - start
    }
}

extension JSONScanner {
    private mutating func escape(into utf8: inout [UInt8]) throws(TokenizerError) {
        position += 1
        guard position < bytes.count else { throw refuse("an escape") }
        if let byte = Self.unescaped(bytes[position]) {
            utf8.append(byte)
            position += 1
            return
        }
        guard bytes[position] == 0x75 else { throw refuse("an escape") }
        position += 1
        var value = try hexadecimal()
        if (0xD800...0xDBFF).contains(value) {
            guard takeByte(0x5C), takeByte(0x75) else { throw refuse("the second half of a surrogate pair") }
            let low = try hexadecimal()
            guard (0xDC00...0xDFFF).contains(low) else { throw refuse("the second half of a surrogate pair") }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw refuse("the first half of a surrogate pair") }
        utf8.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private static func unescaped(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    private mutating func hexadecimal() throws(TokenizerError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw refuse("four hexadecimal digits")
            }
            value = value << 4 + UInt32(digit)
            position += 1
        }
        return value
    }
}
