// The built-in model's files as bytes in the executable.
#ifndef CBUILTINMODEL_H
#define CBUILTINMODEL_H

#include <stddef.h>

/// One file of the built-in model folder: its name and its bytes (64-byte aligned, alive as long as the process).
typedef struct {
    const char *_Nonnull name;
    const unsigned char *_Nonnull bytes;
    size_t count;
    /// The SHA-256 of the bytes, hexadecimal, of the files that are asked for it.
    const char *_Nullable sha256;
} pbm_file;

/// All files of the built-in model folder `penumbra-tiny`.
/// - count: set to the number of files.
const pbm_file *_Nonnull pbm_files(size_t *_Nonnull count);

#endif
