// libpng behind two calls without setjmp in sight: PNG bytes to a header, PNG bytes to 8-bit RGB or RGBA rows.
#pragma once
#include <png.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    CPNG_OK = 0,
    CPNG_DAMAGED = 1,    // the library's words are in `message`
    CPNG_TRUNCATED = 2,  // the bytes end before the picture does
    CPNG_NO_MEMORY = 3,
};

/// The header, and `channels` of the pixels `cpng_read_pixels` will write: 3 (RGB), or 4 (RGBA) where the picture has
/// an alpha channel or transparent colours.
typedef struct {
    uint32_t width, height;
    int channels;
} cpng_header;

/// What libpng's callbacks see: the bytes, how far they are read, and where a message goes.
typedef struct {
    const uint8_t *bytes;
    size_t count, offset;
    char *message;
    size_t message_size;
    int truncated;
} cpng_source;

static inline void cpng_on_read(png_structp png, png_bytep out, size_t wanted)
{
    cpng_source *source = (cpng_source *)png_get_io_ptr(png);
    if (wanted > source->count - source->offset) {
        source->truncated = 1;
        png_error(png, "the file ends too early");
    }
    memcpy(out, source->bytes + source->offset, wanted);
    source->offset += wanted;
}

static inline void cpng_on_error(png_structp png, png_const_charp text)
{
    cpng_source *source = (cpng_source *)png_get_error_ptr(png);
    if (source->message_size > 0) {
        strncpy(source->message, text, source->message_size - 1);
        source->message[source->message_size - 1] = 0;
    }
    png_longjmp(png, 1);
}

static inline void cpng_on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

/// A reader that skips every ancillary chunk but tRNS unread (profiles and texts may unpack to gigabytes), and leaves
/// limits on width and height to the caller. NULL without memory.
static inline png_structp cpng_open(cpng_source *source, png_infop *info)
{
    static const uint8_t skipped[] =
        "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0sTER\0tEXt\0tIME\0zTXt";
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, source, cpng_on_error, cpng_on_warning);
    if (!png) return NULL;
    *info = png_create_info_struct(png);
    if (!*info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return NULL;
    }
    png_set_read_fn(png, source, cpng_on_read);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png, 8000000);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, skipped, (int)(sizeof skipped / 5));
    return png;
}

/// The code of a call that jumped out.
static inline int cpng_failure(const cpng_source *source)
{
    return source->truncated ? CPNG_TRUNCATED : CPNG_DAMAGED;
}

/// Reads up to the first IDAT; allocates nothing that grows with the picture.
static inline int cpng_read_header(
    const uint8_t *bytes, size_t count, cpng_header *header, char *message, size_t message_size)
{
    cpng_source source = {bytes, count, 0, message, message_size, 0};
    png_infop info = NULL;
    png_structp png = cpng_open(&source, &info);
    if (!png) return CPNG_NO_MEMORY;
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return cpng_failure(&source);
    }
    png_read_info(png, info);
    header->width = png_get_image_width(png, info);
    header->height = png_get_image_height(png, info);
    int alpha = png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA;
    header->channels = alpha || png_get_valid(png, info, PNG_INFO_tRNS) ? 4 : 3;
    png_destroy_read_struct(&png, &info, NULL);
    return CPNG_OK;
}

/// Reads the whole file, IEND included, into `pixels`: `header->height` rows of `width * channels` bytes, row-major.
/// 16-bit samples keep their high byte; grey and palette become RGB; gamma is ignored.
static inline int cpng_read_pixels(
    const uint8_t *bytes, size_t count, const cpng_header *header, uint8_t *pixels, char *message, size_t message_size)
{
    cpng_source source = {bytes, count, 0, message, message_size, 0};
    png_infop info = NULL;
    png_structp png = cpng_open(&source, &info);
    if (!png) return CPNG_NO_MEMORY;
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return cpng_failure(&source);
    }
    png_read_info(png, info);
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = (size_t)header->width * (size_t)header->channels;
    if (png_get_rowbytes(png, info) != stride || png_get_image_height(png, info) != header->height)
        png_error(png, "the header changed between two reads");
    for (int pass = 0; pass < passes; pass++)
        for (size_t row = 0; row < header->height; row++) png_read_row(png, pixels + row * stride, NULL);
    png_read_end(png, info);
    png_destroy_read_struct(&png, &info, NULL);
    return CPNG_OK;
}
