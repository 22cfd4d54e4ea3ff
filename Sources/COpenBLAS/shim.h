// OpenBLAS: cblas, its thread count, and the name of the core it computes with.
#include <cblas.h>
