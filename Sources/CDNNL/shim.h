// oneDNN, versions 2 and 3: bfloat16 matrix products with packed weights, behind four functions that hide what changed
// between the versions. Only packages built with the trait OneDNN see it.
#ifndef CDNNL_SHIM_H
#define CDNNL_SHIM_H

#include <dnnl.h>
#include <stddef.h>
#include <stdint.h>

#if DNNL_VERSION_MAJOR >= 3
#define PDNNL_DESC(x) (x)
typedef const_dnnl_memory_desc_t pdnnl_desc_view;
#else
#define PDNNL_DESC(x) (&(x))
typedef const dnnl_memory_desc_t *pdnnl_desc_view;
#endif

/// y [m, n] Float32 = (+=) x [m, k] bfloat16 times w [n, k]^T bfloat16, summed in Float32; row-major, w packed.
typedef struct {
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t x, w, y, scratch;
    /// Bytes of the packed weights and of the scratch memory.
    size_t packed_size, scratch_size;
} pdnnl_product;

static inline dnnl_status_t pdnnl_desc(dnnl_memory_desc_t *out, int64_t rows, int64_t columns, dnnl_data_type_t type,
                                       dnnl_format_tag_t tag) {
    dnnl_dims_t dims = {rows, columns};
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_desc_create_with_tag(out, 2, dims, type, tag);
#else
    return dnnl_memory_desc_init_by_tag(out, 2, dims, type, tag);
#endif
}

/// Keeps a description that a primitive descriptor owns.
static inline dnnl_status_t pdnnl_keep(dnnl_memory_desc_t *out, const_dnnl_primitive_desc_t from, dnnl_query_t what) {
    pdnnl_desc_view view = dnnl_primitive_desc_query_md(from, what, 0);
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_desc_clone(out, view);
#else
    *out = *view;
    return dnnl_success;
#endif
}

/// Attributes: scratch memory is the caller's; with `adds`, the product is added to what is there.
static inline dnnl_status_t pdnnl_attributes(dnnl_primitive_attr_t *out, int adds) {
    dnnl_status_t status = dnnl_primitive_attr_create(out);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    if (status != dnnl_success || !adds) return status;
    dnnl_post_ops_t operations;
    status = dnnl_post_ops_create(&operations);
    if (status != dnnl_success) return status;
#if DNNL_VERSION_MAJOR >= 3
    status = dnnl_post_ops_append_sum(operations, 1, 0, dnnl_data_type_undef);
#else
    status = dnnl_post_ops_append_sum(operations, 1);
#endif
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*out, operations);
    dnnl_post_ops_destroy(operations);
    return status;
}

/// Prepares products of one shape; what is made lives as long as the process.
static inline dnnl_status_t pdnnl_product_create(dnnl_engine_t engine, int64_t m, int64_t n, int64_t k, int adds,
                                                 pdnnl_product *out) {
    dnnl_memory_desc_t w;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_status_t status = pdnnl_desc(&out->x, m, k, dnnl_bf16, dnnl_ab);
    if (status == dnnl_success) status = pdnnl_desc(&out->y, m, n, dnnl_f32, dnnl_ab);
    if (status == dnnl_success) status = pdnnl_desc(&w, n, k, dnnl_bf16, dnnl_format_tag_any);
    if (status == dnnl_success) status = pdnnl_attributes(&attributes, adds);
#if DNNL_VERSION_MAJOR >= 3
    if (status == dnnl_success)
        status = dnnl_inner_product_forward_primitive_desc_create(&desc, engine, dnnl_forward_inference, out->x, w, NULL,
                                                                  out->y, attributes);
#else
    dnnl_inner_product_desc_t operation;
    if (status == dnnl_success)
        status = dnnl_inner_product_forward_desc_init(&operation, dnnl_forward_inference, &out->x, &w, NULL, &out->y);
    if (status == dnnl_success) status = dnnl_primitive_desc_create(&desc, &operation, attributes, engine, NULL);
#endif
    if (status == dnnl_success) status = pdnnl_keep(&out->w, desc, dnnl_query_weights_md);
    if (status == dnnl_success) status = pdnnl_keep(&out->scratch, desc, dnnl_query_scratchpad_md);
    if (status == dnnl_success) status = dnnl_primitive_create(&out->primitive, desc);
    if (desc) dnnl_primitive_desc_destroy(desc);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    if (status != dnnl_success) return status;
    out->packed_size = dnnl_memory_desc_get_size(PDNNL_DESC(out->w));
    out->scratch_size = dnnl_memory_desc_get_size(PDNNL_DESC(out->scratch));
    return status;
}

/// Whether two products take the same packed weights.
static inline int pdnnl_product_packs_alike(const pdnnl_product *a, const pdnnl_product *b) {
    return dnnl_memory_desc_equal(PDNNL_DESC(a->w), PDNNL_DESC(b->w));
}

/// Runs a primitive on this thread's stream with memory at the given places.
static inline dnnl_status_t pdnnl_run(dnnl_engine_t engine, dnnl_primitive_t primitive, int count, const int *names,
                                      pdnnl_desc_view const *descs, void *const *places) {
    dnnl_exec_arg_t arguments[4];
    dnnl_stream_t stream = NULL;
    dnnl_status_t status = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
    int made = 0;
    for (; status == dnnl_success && made < count; made++) {
        arguments[made].arg = names[made];
        status = dnnl_memory_create(&arguments[made].memory, descs[made], engine, places[made]);
        if (status != dnnl_success) break;
    }
    if (status == dnnl_success) status = dnnl_primitive_execute(primitive, stream, count, arguments);
    if (status == dnnl_success) status = dnnl_stream_wait(stream);
    for (int i = 0; i < made; i++) dnnl_memory_destroy(arguments[i].memory);
    if (stream) dnnl_stream_destroy(stream);
    return status;
}

/// packed = w [n, k] Float32, rounded to bfloat16 and laid out as the product reads it.
static inline dnnl_status_t pdnnl_product_pack(dnnl_engine_t engine, const pdnnl_product *product, int64_t n, int64_t k,
                                               const float *w, void *packed) {
    dnnl_memory_desc_t plain;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_status_t status = pdnnl_desc(&plain, n, k, dnnl_f32, dnnl_ab);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&desc, PDNNL_DESC(plain), engine, PDNNL_DESC(product->w), engine,
                                                    NULL);
    if (status == dnnl_success) status = dnnl_primitive_create(&primitive, desc);
    if (status == dnnl_success) {
        const int names[] = {DNNL_ARG_FROM, DNNL_ARG_TO};
        pdnnl_desc_view const descs[] = {PDNNL_DESC(plain), PDNNL_DESC(product->w)};
        void *const places[] = {(void *)w, packed};
        status = pdnnl_run(engine, primitive, 2, names, descs, places);
    }
    if (primitive) dnnl_primitive_destroy(primitive);
    if (desc) dnnl_primitive_desc_destroy(desc);
#if DNNL_VERSION_MAJOR >= 3
    dnnl_memory_desc_destroy(plain);
#endif
    return status;
}

/// Computes a product.
static inline dnnl_status_t pdnnl_product_run(dnnl_engine_t engine, const pdnnl_product *product, const void *x,
                                              const void *packed, float *y, void *scratch) {
    const int names[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
    pdnnl_desc_view const descs[] = {PDNNL_DESC(product->x), PDNNL_DESC(product->w), PDNNL_DESC(product->y),
                                     PDNNL_DESC(product->scratch)};
    void *const places[] = {(void *)x, (void *)packed, y, scratch};
    return pdnnl_run(engine, product->primitive, 4, names, descs, places);
}

#endif
