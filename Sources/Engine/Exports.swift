// The types of other modules that the engine's own interface is made of.
@_exported import class Encoders.Model
@_exported import struct Encoders.ModelDescription
@_exported import struct Encoders.ModelRegistry
@_exported import struct Gaussians.Gaussian
@_exported import struct Gaussians.MatchScale
@_exported import struct Storage.BackupReport
@_exported import enum Storage.ByteCount
@_exported import enum Storage.Collection
@_exported import struct Storage.Damage
@_exported import struct Storage.ItemID
@_exported import struct Storage.LostItem
@_exported import struct Storage.OptimizationReport
@_exported import struct Storage.RepairReport
@_exported import enum Storage.StorageError
@_exported import struct Storage.VerificationReport
