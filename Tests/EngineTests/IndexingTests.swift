import Penumbra
import Testing
@Suite struct IndexingTests {}
