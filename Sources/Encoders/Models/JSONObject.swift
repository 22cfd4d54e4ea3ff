// Turns a JSON object into checked values: a wrong or unknown key is an error that names file and key, never a guess.
import Foundation

/// Why a configuration was refused: one sentence with file, key, got and expected.
package struct ConfigurationError: Error, CustomStringConvertible, Equatable {
    package let path: String
    package let reason: String
    package var description: String { "\(path): \(reason)" }
}

/// A JSON object whose keys are taken one by one.
package struct JSONObject {
    private let path: String
    private let prefix: String
    private let values: [String: Any]
    private var unused: Set<String>

    /// Parses a whole file.
    /// - Throws: `ConfigurationError` when the bytes are no JSON object.
    package init(_ file: MappedFile) throws {
        guard let values = try? JSONSerialization.jsonObject(with: Data(file.bytes)) as? [String: Any] else {
            throw ConfigurationError(path: file.path, reason: "not a JSON object")
        }
        self.init(path: file.path, prefix: "", values: values)
    }

    private init(path: String, prefix: String, values: [String: Any]) {
        self.path = path
        self.prefix = prefix
        self.values = values
        unused = Set(values.keys)
    }

    /// The value of `key`, or nil where it is absent or null.
    package mutating func value(_ key: String) -> Any? {
        unused.remove(key)
        guard let value = values[key], !(value is NSNull) else { return nil }
        return value
    }

    /// Whether the object has the key, be it null.
    package func holds(_ key: String) -> Bool { values[key] != nil }

    /// An error about `key`.
    package func refuse(_ key: String, got: Any, expected: String) -> ConfigurationError {
        ConfigurationError(path: path, reason: "\(prefix)\(key): got \(Self.shown(got)), expected \(expected)")
    }

    /// A whole number in a range, or the default where the key is absent.
    package mutating func integer(_ key: String, default standard: Int?, in range: ClosedRange<Int>) throws -> Int {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let value = value(key) else {
            guard let standard else { throw refuse(key, got: "nothing", expected: expected) }
            return standard
        }
        // Compared as Double: `Int` of a number like 1e300 would trap.
        guard let number = Self.number(value), number == number.rounded(),
            (Double(range.lowerBound)...Double(range.upperBound)).contains(number)
        else { throw refuse(key, got: value, expected: expected) }
        return Int(number)
    }

    /// A finite number, or nil where the key is absent.
    package mutating func number(_ key: String) throws -> Double? {
        guard let value = value(key) else { return nil }
        guard let number = Self.number(value), number.isFinite else {
            throw refuse(key, got: value, expected: "a number")
        }
        return number
    }

    /// A truth value, or the default where the key is absent.
    package mutating func bool(_ key: String, default standard: Bool) throws -> Bool {
        guard let value = value(key) else { return standard }
        guard let number = value as? NSNumber, CFBooleanType.isBoolean(number) else {
            throw refuse(key, got: value, expected: "true or false")
        }
        return number.boolValue
    }

    /// A string, or nil where the key is absent.
    package mutating func string(_ key: String) throws -> String? {
        guard let value = value(key) else { return nil }
        guard let string = value as? String else { throw refuse(key, got: value, expected: "a string") }
        return string
    }

    /// One or two whole numbers: 224 means [224, 224].
    package mutating func size(_ key: String, default standard: Int) throws -> (height: Int, width: Int) {
        guard let value = value(key) else { return (standard, standard) }
        let sides = value as? [Any] ?? [value, value]
        let numbers = sides.compactMap(Self.number)
        guard sides.count == 2, numbers.count == 2,
            numbers.allSatisfy({ $0 == $0.rounded() && (1...65_536).contains($0) })
        else {
            throw refuse(key, got: value, expected: "a size in pixels or [height, width]")
        }
        return (Int(numbers[0]), Int(numbers[1]))
    }

    /// A nested object, or nil where the key is absent.
    package mutating func object(_ key: String) throws -> JSONObject? {
        guard let value = value(key) else { return nil }
        guard let values = value as? [String: Any] else { throw refuse(key, got: value, expected: "an object") }
        return JSONObject(path: path, prefix: "\(prefix)\(key).", values: values)
    }

    /// Marks keys as known that mean nothing at inference.
    package mutating func ignore(_ keys: [String]) { unused.subtract(keys) }

    /// Ends the reading.
    /// - Throws: `ConfigurationError` naming an unknown key.
    package func finish() throws {
        guard let key = unused.sorted().first else { return }
        let got = Self.shown(values[key] ?? NSNull())
        throw ConfigurationError(path: path, reason: "unknown key \(prefix)\(key): got \(got)")
    }

    /// A value as the file has it: Foundation would show true as 1.
    private static func shown(_ value: Any) -> String {
        switch value {
        case is NSNull: "null"
        case let number as NSNumber where CFBooleanType.isBoolean(number): number.boolValue ? "true" : "false"
        default: "\(value)"
        }
    }

    private static func number(_ value: Any) -> Double? {
        guard let number = value as? NSNumber, !CFBooleanType.isBoolean(number) else { return nil }
        return number.doubleValue
    }
}

/// Tells JSON's true and false from 1 and 0, which Foundation boxes alike.
private enum CFBooleanType {
    static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
