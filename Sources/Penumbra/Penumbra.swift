// The library's one public name: `import Penumbra` gives the engine, the model and the Gaussians.
@_exported import Engine
@_exported import Gaussians
