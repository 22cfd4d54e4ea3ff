// swift-tools-version: 6.2
// Four programs against the library, as a project of yours would use it.
import PackageDescription

func example(_ name: String) -> Target {
    .executableTarget(name: name, dependencies: [.product(name: "Penumbra", package: "Penumbra")])
}

let package = Package(
    name: "Examples",
    dependencies: [.package(name: "Penumbra", path: "..")],
    targets: [
        example("IndexFolder"), example("TextToPicture"), example("PictureToText"), example("MoreGeneral"),
    ],
    swiftLanguageModes: [.v6]
)
