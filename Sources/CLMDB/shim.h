// LMDB: the memory-mapped store of the vectors.
#include <lmdb.h>
