// swift-tools-version: 6.2
// Penumbra: the target graph is the concept graph; see ARCHITECTURE.md. No arrow points down the list.
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error), .enableUpcomingFeature("MemberImportVisibility")]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

func tests(_ module: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(module)Tests", dependencies: [.target(name: module), "TestSupport"] + dependencies,
        swiftSettings: strict)
}

let package = Package(
    name: "Penumbra",
    products: [
        .library(name: "Penumbra", targets: ["Penumbra"]),
        .executable(name: "penumbra", targets: ["PenumbraCLI"]),
    ],
    traits: [
        .trait(name: "OneDNN", description: "Encoding in bfloat16 (--precision bf16), through oneDNN: libdnnl-dev.")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: [
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas0"])]),
        .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"])]),
        .systemLibrary(name: "CDNNL", providers: [.apt(["libdnnl-dev"])]),
        .target(name: "CKernels", cSettings: strictC),
        .target(name: "CBuiltinModel", exclude: ["penumbra-tiny"], cSettings: strictC),
        .target(name: "Gaussians", dependencies: ["CKernels"], swiftSettings: strict),
        .target(
            name: "Encoders",
            dependencies: [
                "Gaussians", "CKernels", "COpenBLAS", "CBuiltinModel", "CTurboJPEG", "CPNG", "CWebP",
                .target(name: "CDNNL", condition: .when(traits: ["OneDNN"])),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "Corpus", dependencies: [.product(name: "Crypto", package: "swift-crypto")], swiftSettings: strict),
        .target(
            name: "Storage",
            dependencies: ["Gaussians", "CKernels", "CLMDB", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict),
        .target(
            name: "Retrieval", dependencies: ["Gaussians", "Storage", "CKernels", "COpenBLAS"], swiftSettings: strict),
        .target(
            name: "Engine",
            dependencies: [
                "Gaussians", "Encoders", "Corpus", "Storage", "Retrieval",
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(name: "Penumbra", dependencies: ["Engine", "Gaussians"], swiftSettings: strict),
        .target(name: "Presentation", dependencies: ["Engine"], swiftSettings: strict),
        .executableTarget(
            name: "PenumbraCLI",
            dependencies: [
                "Engine", "Presentation", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(name: "CReading", path: "Benchmarks/Sources/CReading", cSettings: strictC),
        // Not in the Benchmarks package: it stores and searches Gaussians that no encoder made.
        .executableTarget(
            name: "SearchBenchmarks", dependencies: ["Gaussians", "Storage", "Retrieval", "CKernels", "CReading"],
            path: "Benchmarks/Sources",
            exclude: ["CReading", "PenumbraBenchmarks/PenumbraBenchmarks.swift", "PenumbraBenchmarks/Encoding"],
            sources: ["SearchBenchmarks", "PenumbraBenchmarks/Measurement.swift"], swiftSettings: strict),
        .target(
            name: "TestSupport", dependencies: ["Encoders", "Gaussians", "Storage"], path: "Tests/TestSupport",
            swiftSettings: strict),
        tests("Gaussians", ["CKernels"]),
        tests("Encoders", ["CKernels", "COpenBLAS"]),
        tests("Corpus"),
        tests("Storage", ["Gaussians", "CKernels", .product(name: "GRDB", package: "GRDB.swift")]),
        tests("Retrieval", ["Storage", "Gaussians", "CKernels"]),
        tests(
            "Engine",
            [
                "Penumbra", "Encoders", "Corpus", "Gaussians", "Storage", "Retrieval",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        tests("Presentation", ["Engine", "Gaussians", "Storage"]),
        .executableTarget(
            name: "torture",
            dependencies: [
                "Engine", "Encoders", "Gaussians", "Storage", "TestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            path: "Tests/Torture", swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests", dependencies: ["PenumbraCLI", "torture", "TestSupport"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
