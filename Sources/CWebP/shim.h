// libwebp and its demuxer: still pictures, and the first frame of animations.
#include <webp/decode.h>
#include <webp/demux.h>
