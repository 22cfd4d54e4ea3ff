// libjpeg-turbo's TurboJPEG API, version 2: JPEG bytes to pixels.
#include <turbojpeg.h>
