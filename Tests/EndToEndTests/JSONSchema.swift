// The part of JSON Schema that docs/output.schema.json is written in, checked.
import Foundation

/// A schema that tells what is wrong with a value.
struct JSONSchema {
    private let root: [String: Any]

    init(_ data: Data) throws {
        guard let object = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw CocoaError(.propertyListReadCorrupt)
        }
        root = object
    }

    /// Everything in which a line departs from the schema; empty for a valid one.
    func mistakes(in line: String) -> [String] {
        guard let value = try? JSONSerialization.jsonObject(with: Data(line.utf8)) else { return ["no JSON: \(line)"] }
        return mistakes(value, root, "$")
    }

    private func mistakes(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
        var schema = schema
        if let reference = schema["$ref"] as? String, let name = reference.split(separator: "/").last,
            let definitions = root["$defs"] as? [String: Any], let target = definitions[String(name)] as? [String: Any]
        {
            schema = target
        }
        var found: [String] = []
        if let type = schema["type"] {
            let types = type as? [String] ?? [type as? String ?? ""]
            if !types.contains(where: { Self.has(value, type: $0) }) {
                found.append("\(path): \(value) is no \(types)")
            }
        }
        if let values = schema["enum"] as? [String], !values.contains(value as? String ?? "") {
            found.append("\(path): \(value) is none of \(values)")
        }
        if let number = value as? NSNumber, !(value is NSNull), !Self.has(value, type: "boolean") {
            if let least = schema["minimum"] as? Double, number.doubleValue < least {
                found.append("\(path): too small")
            }
            if let most = schema["maximum"] as? Double, number.doubleValue > most { found.append("\(path): too large") }
        }
        if let object = value as? [String: Any] { found += mistakes(object, schema, path) }
        if let items = value as? [Any], let each = schema["items"] as? [String: Any] {
            for (index, item) in items.enumerated() { found += mistakes(item, each, "\(path)[\(index)]") }
        }
        if let choices = schema["oneOf"] as? [[String: Any]] {
            let results = choices.map { mistakes(value, $0, path) }
            let fitting = results.count { $0.isEmpty }
            if fitting != 1 { found.append("\(path): fits \(fitting) of its alternatives: \(results)") }
        }
        return found
    }

    private func mistakes(_ object: [String: Any], _ schema: [String: Any], _ path: String) -> [String] {
        var found = (schema["required"] as? [String] ?? []).filter { object[$0] == nil }.map { "\(path): no \($0)" }
        let properties = schema["properties"] as? [String: Any] ?? [:]
        for (name, value) in object {
            if let property = properties[name] as? [String: Any] {
                found += mistakes(value, property, "\(path).\(name)")
            } else if schema["additionalProperties"] as? Bool == false {
                found.append("\(path): \(name) is not foreseen")
            }
        }
        return found
    }

    private static func has(_ value: Any, type: String) -> Bool {
        let number = value as? NSNumber
        let isBoolean = number.map { String(cString: $0.objCType) == "c" } ?? false
        return switch type {
        case "null": value is NSNull
        case "string": value is String
        case "boolean": isBoolean
        case "integer": !isBoolean && number.map { $0.doubleValue == $0.doubleValue.rounded() } ?? false
        case "number": !isBoolean && number != nil
        case "array": value is [Any]
        case "object": value is [String: Any]
        default: false
        }
    }
}
