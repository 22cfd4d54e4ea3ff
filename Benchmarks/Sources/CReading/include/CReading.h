// Reading memory as fast as this machine can: what a scan that reads the same bytes is held against.
#ifndef CREADING_H
#define CREADING_H

#include <stddef.h>
#include <stdint.h>

/// Reads `bytes` of each of `count` pieces, first to last or last to first, with four loads on their way at once, the
/// widest this machine has, and combines them. NULL pieces are left out. Returns a number that depends on every byte.
uint64_t reading_pieces(const void *_Nullable const *_Nonnull pieces, size_t count, size_t bytes, int is_reversed);

#endif
