// The types of other modules that the engine's own interface is made of.
@_exported import class Encoders.Model
@_exported import enum Storage.Collection
@_exported import struct Storage.ItemID
