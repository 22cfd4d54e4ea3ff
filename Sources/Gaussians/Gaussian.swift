/// placeholder
public struct Gaussian: Sendable {}
