// libpng's full interface behind one call: its errors leave by longjmp, which must not cross Swift.
//
// The simplified interface of libpng reads 16-bit samples as linear light; we want their high bytes, and no gamma.
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const unsigned char *bytes;
    size_t count, offset;
    char *message;
    size_t message_size;
} cpng_source;

static void cpng_fail(png_structp png, png_const_charp reason) {
    cpng_source *source = (cpng_source *)png_get_error_ptr(png);
    snprintf(source->message, source->message_size, "%s", reason);
    longjmp(png_jmpbuf(png), 1);
}

static void cpng_ignore(png_structp png, png_const_charp reason) {
    (void)png;
    (void)reason;
}

static void cpng_read(png_structp png, png_bytep out, size_t count) {
    cpng_source *source = (cpng_source *)png_get_io_ptr(png);
    if (count > source->count - source->offset) png_error(png, "truncated");
    memcpy(out, source->bytes + source->offset, count);
    source->offset += count;
}

/// Decodes a PNG to 8-bit RGBA, rows of 4 * width bytes, not premultiplied.
/// - bytes: a whole file.
/// - width, height: what its header says; anything else fails.
/// - out: room for 4 * width * height bytes.
/// - message: receives the reason of a failure, NUL-terminated.
/// Returns 1, or 0 after a failure.
static inline int cpng_decode_rgba(const unsigned char *bytes, size_t count, unsigned width, unsigned height,
                                   unsigned char *out, char *message, size_t message_size) {
    cpng_source source = {bytes, count, 0, message, message_size};
    png_bytep *volatile rows = NULL;
    png_infop info = NULL;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, cpng_fail, cpng_ignore);
    if (!png) return 0;
    if (setjmp(png_jmpbuf(png))) {
        free((void *)rows);
        png_destroy_read_struct(&png, &info, NULL);
        return 0;
    }
    info = png_create_info_struct(png);
    if (!info) png_error(png, "out of memory");
    png_set_read_fn(png, &source, cpng_read);
    png_set_chunk_malloc_max(png, 8 << 20);
    png_set_user_limits(png, 1000000, 1000000);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
    png_read_info(png, info);
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 0xFF, PNG_FILLER_AFTER);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height ||
        png_get_rowbytes(png, info) != (size_t)4 * width)
        png_error(png, "the header contradicts itself");
    rows = (png_bytep *)malloc(sizeof(png_bytep) * height);
    if (!rows) png_error(png, "out of memory");
    for (unsigned y = 0; y < height; y++) rows[y] = out + (size_t)4 * width * y;
    png_read_image(png, (png_bytepp)rows);
    png_read_end(png, NULL);
    free((void *)rows);
    png_destroy_read_struct(&png, &info, NULL);
    return 1;
}
