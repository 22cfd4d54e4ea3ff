// TurboJPEG: JPEG files to pixels; no setjmp needed.
#include <turbojpeg.h>
