// Which slots of a block are live: the catalogue's half of a block.

/// 256 bits, one per slot of a block.
package struct LiveBitmap: Sendable, Equatable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// No slot is live.
    package init() {}

    /// Reads 32 bytes, bit i of byte j for slot 8 j + i; missing bytes count as dead.
    package init(_ bytes: some Sequence<UInt8>) {
        for (index, byte) in bytes.prefix(32).enumerated() {
            self[word: index >> 3] |= UInt64(byte) << UInt64(8 * (index & 7))
        }
    }

    /// The 32 bytes stored in the catalogue.
    package var bytes: [UInt8] {
        withUnsafeBytes(of: (words.0.littleEndian, words.1.littleEndian, words.2.littleEndian, words.3.littleEndian)) {
            Array($0)
        }
    }

    /// Whether a slot is live.
    package subscript(slot: Int) -> Bool {
        get { self[word: slot >> 6] & (1 << UInt64(slot & 63)) != 0 }
        set {
            let bit: UInt64 = 1 << UInt64(slot & 63)
            self[word: slot >> 6] = newValue ? self[word: slot >> 6] | bit : self[word: slot >> 6] & ~bit
        }
    }

    /// Number of live slots.
    package var count: Int {
        words.0.nonzeroBitCount + words.1.nonzeroBitCount + words.2.nonzeroBitCount + words.3.nonzeroBitCount
    }

    /// The slots both have, below `count`.
    package func intersection(_ other: LiveBitmap, below count: Int = 256) -> LiveBitmap {
        var result = LiveBitmap()
        for index in 0..<4 {
            let bits = min(max(count - 64 * index, 0), 64)
            result[word: index] = self[word: index] & other[word: index] & (bits == 64 ? ~0 : (1 << UInt64(bits)) - 1)
        }
        return result
    }

    /// Every slot is live.
    package static let full = LiveBitmap(repeatElement(0xFF, count: 32))

    /// Calls `body` with every slot that is not live, ascending.
    package func forEachDead(_ body: (Int) -> Void) {
        for index in 0..<4 {
            var word = ~self[word: index]
            while word != 0 {
                body(64 * index + word.trailingZeroBitCount)
                word &= word - 1
            }
        }
    }

    /// Calls `body` with every live slot, ascending.
    package func forEachLive(_ body: (Int) -> Void) {
        for index in 0..<4 {
            var word = self[word: index]
            while word != 0 {
                body(64 * index + word.trailingZeroBitCount)
                word &= word - 1
            }
        }
    }

    private subscript(word index: Int) -> UInt64 {
        get {
            switch index {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        }
        set {
            switch index {
            case 0: words.0 = newValue
            case 1: words.1 = newValue
            case 2: words.2 = newValue
            default: words.3 = newValue
            }
        }
    }

    package static func == (a: LiveBitmap, b: LiveBitmap) -> Bool { a.words == b.words }
}

/// What the catalogue says of a block.
package struct LiveBlock: Sendable, Equatable {
    /// The block's number, from 0.
    package var number: Int
    /// Slots committed, 0 to 256.
    package var count: Int
    /// Which of them are live.
    package var live: LiveBitmap
}
