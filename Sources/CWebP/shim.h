// libwebp and its demuxer: WebP bytes to pixels, frames and metadata.
#pragma once
#include <webp/decode.h>
#include <webp/demux.h>

/// Decodes one frame's bitstream into `pixels`, `channels` (3: RGB, 4: RGBA, not premultiplied) bytes a pixel,
/// row-major, `stride` bytes a row. The frame must be `stride / channels` wide and fit `size` bytes.
/// Returns `VP8_STATUS_OK` or the library's reason; `pixels` then hold anything.
static inline VP8StatusCode cwebp_decode_frame(
    const uint8_t *bytes, size_t count, int channels, uint8_t *pixels, int stride, size_t size)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return VP8_STATUS_INVALID_PARAM;
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = pixels;
    config.output.u.RGBA.stride = stride;
    config.output.u.RGBA.size = size;
    return WebPDecode(bytes, count, &config);
}
