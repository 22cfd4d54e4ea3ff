// swift-tools-version: 6.2
// What Penumbra costs, measured through its public interface.
import PackageDescription

let package = Package(
    name: "Benchmarks",
    traits: [.trait(name: "OneDNN", description: "As Penumbra's.")],
    dependencies: [
        .package(
            name: "Penumbra", path: "..", traits: [.trait(name: "OneDNN", condition: .when(traits: ["OneDNN"]))])
    ],
    targets: [
        .executableTarget(
            name: "PenumbraBenchmarks", dependencies: [.product(name: "Penumbra", package: "Penumbra")])
    ],
    swiftLanguageModes: [.v6]
)
