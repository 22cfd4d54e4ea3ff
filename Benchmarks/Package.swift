// swift-tools-version: 6.2
// What Penumbra costs, measured through its public interface.
import PackageDescription

let package = Package(
    name: "Benchmarks",
    dependencies: [.package(name: "Penumbra", path: "..")],
    targets: [
        .executableTarget(
            name: "PenumbraBenchmarks", dependencies: [.product(name: "Penumbra", package: "Penumbra")])
    ],
    swiftLanguageModes: [.v6]
)
