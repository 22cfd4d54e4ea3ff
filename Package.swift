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
        .library(name: "Penumbra", targets: ["Encoders"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    ],
    targets: [
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"])]),
        .target(name: "CKernels", cSettings: strictC),
        .target(name: "CBuiltinModel", exclude: ["penumbra-tiny"], cSettings: strictC),
        .target(name: "Gaussians", dependencies: ["CKernels"], swiftSettings: strict),
        .target(
            name: "Encoders",
            dependencies: [
                "Gaussians", "CKernels", "COpenBLAS", "CBuiltinModel", "CTurboJPEG", "CPNG", "CWebP",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(name: "TestSupport", dependencies: ["Encoders"], path: "Tests/TestSupport", swiftSettings: strict),
        tests("Gaussians", ["CKernels"]),
        tests("Encoders"),
    ],
    swiftLanguageModes: [.v6]
)
