"""Writes the pictures of more/ and refused/ and what Pillow and numpy make of them (more.safetensors).

Run in this folder: python3 make_image_fixtures.py. Needs Pillow 11.1 or 13, numpy and libturbojpeg.so.0 (Debian 12)."""
import ctypes, io, json, os, struct, zlib
import numpy as np
from PIL import Image, ImageOps

rng = np.random.default_rng(20)
tensors = {}
for folder in ("more", "refused"):
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        os.remove(f"{folder}/{name}")


def picture(width, height, channels=3):
    """Smooth colours with a little noise: [height, width, channels] uint8."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 100 * np.sin(x / (3 + 2 * c) + y / (7 - c) + c) for c in range(channels)]
    return (np.stack(waves, -1) + rng.normal(0, 8, (height, width, channels))).clip(0, 255).astype(np.uint8)


def on_white(rgba):
    image = Image.fromarray(np.ascontiguousarray(rgba), "RGBA")
    ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return np.array(Image.alpha_composite(ground, image).convert("RGB"))


def write(name, data, decoded=None, folder="more"):
    with open(f"{folder}/{name}", "wb") as file:
        file.write(data)
    if folder == "more":
        tensors[f"decoded/{name}"] = as_pillow(data) if decoded is None else decoded


def as_pillow(data):
    image = Image.open(io.BytesIO(data))
    if image.has_transparency_data:
        return on_white(np.array(image.convert("RGBA")))
    return np.array(image.convert("RGB"))


def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def exif(orientation):
    block = Image.Exif()
    block[0x0112] = orientation
    return block


# --- JPEG

turbo = ctypes.CDLL("libturbojpeg.so.0")
turbo.tjInitCompress.restype = ctypes.c_void_p


def turbo_jpeg(pixels, pixel_format, sampling, quality=85, flags=0):
    handle = ctypes.c_void_p(turbo.tjInitCompress())
    out, size = ctypes.POINTER(ctypes.c_ubyte)(), ctypes.c_ulong(0)
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    code = turbo.tjCompress2(handle, pixels.ctypes.data_as(ctypes.c_void_p), width, 0, height, pixel_format,
                             ctypes.byref(out), ctypes.byref(size), sampling, quality, flags)
    assert code == 0
    return bytes(out[: size.value])


def segments(data):
    """(marker, bytes) of a JPEG; a scan's coded data belongs to its SOS."""
    result, at = [(0xD8, data[:2])], 2
    while data[at + 1] != 0xD9:
        end = at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        if data[at + 1] == 0xDA:
            while data[end] != 0xFF or data[end + 1] == 0 or 0xD0 <= data[end + 1] <= 0xD7:
                end += 1
        result.append((data[at + 1], data[at:end]))
        at = end
    return result + [(0xD9, data[at:])]


TJPF_RGB, TJPF_CMYK = 0, 11
rgb, cmyk = picture(53, 37), picture(53, 37, 4)
for name, sampling in (("411", 5), ("440", 4), ("420", 2), ("422", 1)):
    write(f"jpg_{name}.jpg", turbo_jpeg(rgb, TJPF_RGB, sampling))
write("jpg_progressive_440.jpg", turbo_jpeg(rgb, TJPF_RGB, 4, flags=16384))
ycck = turbo_jpeg(cmyk, TJPF_CMYK, 2)
assert b"Adobe" in ycck and ycck[ycck.index(b"Adobe") + 11] == 2
write("jpg_ycck_420.jpg", ycck)
plain_cmyk = saved(Image.fromarray(cmyk, "CMYK"), "JPEG", quality=90)
write("jpg_cmyk_no_adobe.jpg", b"".join(data for marker, data in segments(plain_cmyk) if marker != 0xEE))
write("jpg_restart_blocks.jpg", saved(Image.fromarray(rgb), "JPEG", restart_marker_blocks=2))
write("jpg_restart_rows.jpg", saved(Image.fromarray(rgb), "JPEG", restart_marker_rows=1, progressive=True))
adobe_rgb = saved(Image.fromarray(rgb), "JPEG", keep_rgb=True, quality=90)
write("jpg_stored_as_rgb.jpg", adobe_rgb)
os.environ["TJ_ARITHMETIC"] = "1"
write("jpg_arithmetic.jpg", turbo_jpeg(rgb, TJPF_RGB, 2))
stored = saved(Image.fromarray(rgb), "JPEG", quality=80)
write("jpg_stray_bytes.jpg", stored[:20] + b"stray" + stored[20:])

# --- PNG


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def rows(samples, depth):
    """Filter 0 rows of [height, width, channels] samples, big-endian or packed."""
    if samples.size == 0:
        return b""
    flat = samples.reshape(samples.shape[0], -1)
    if depth == 16:
        return b"".join(b"\0" + line.astype(">u2").tobytes() for line in flat)
    bits = (flat[..., None] >> np.arange(depth - 1, -1, -1)) & 1
    return b"".join(b"\0" + np.packbits(line.reshape(-1).astype(np.uint8)).tobytes() for line in bits)


def png(samples, colour, depth, extra=b"", late=b"", interlaced=False):
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    data = rows(samples, depth)
    if interlaced:
        data = b"".join(rows(samples[y::dy, x::dx], depth) for x, y, dx, dy in ADAM7)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data, 9)) + late
            + chunk(b"IEND", b""))


GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6


def eight_bits(samples, depth):
    return (samples >> 8 if depth == 16 else samples * (255 // (2**depth - 1))).astype(np.uint8)


def with_alpha(colour, alpha):
    return on_white(np.concatenate([np.broadcast_to(colour, colour.shape[:2] + (3,)), alpha], -1).astype(np.uint8))


width, height = 29, 23
wide = (picture(width, height, 4).astype(np.uint16) << 8) | rng.integers(0, 256, (height, width, 4), dtype=np.uint16)
narrow = {1: wide >> 15, 2: wide >> 14, 4: wide >> 12, 8: wide >> 8, 16: wide}
for depth in (1, 2, 4, 8, 16):
    grey = narrow[depth][..., :1]
    as_rgb = np.broadcast_to(eight_bits(grey, depth), (height, width, 3)).copy()
    write(f"png_grey{depth}.png", png(grey, GREY, depth), as_rgb)
    clear = int(grey[5, 7, 0])
    alpha = np.where(grey == clear, 0, 255)
    write(f"png_grey{depth}_trns.png", png(grey, GREY, depth, chunk(b"tRNS", struct.pack(">H", clear))),
          with_alpha(as_rgb, alpha))
for depth in (8, 16):
    colour, alpha = narrow[depth][..., :3], narrow[depth][..., 3:]
    write(f"png_rgb{depth}.png", png(colour, RGB, depth), eight_bits(colour, depth))
    write(f"png_rgba{depth}.png", png(narrow[depth], RGBA, depth),
          with_alpha(eight_bits(colour, depth), eight_bits(alpha, depth)))
    write(f"png_la{depth}.png", png(narrow[depth][..., 2:], GREY_ALPHA, depth),
          with_alpha(eight_bits(narrow[depth][..., 2:3], depth), eight_bits(alpha, depth)))
    clear = colour[3, 4]
    alpha = np.where((colour == clear).all(-1, keepdims=True), 0, 255)
    write(f"png_rgb{depth}_trns.png", png(colour, RGB, depth, chunk(b"tRNS", struct.pack(">HHH", *map(int, clear)))),
          with_alpha(eight_bits(colour, depth), alpha))
for depth in (1, 2, 4, 8):
    index, size = narrow[depth][..., 0], 2**depth
    colours, alphas = picture(size, 1)[0], rng.integers(0, 256, size, dtype=np.uint8)
    alphas[size // 2:] = 255
    plte, trns = chunk(b"PLTE", colours.tobytes()), chunk(b"tRNS", alphas[: max(1, size // 2)].tobytes())
    for interlaced in (False, True):
        suffix = "_adam7" if interlaced else ""
        write(f"png_palette{depth}{suffix}.png", png(index[..., None], PALETTE, depth, plte, interlaced=interlaced),
              colours[index])
        write(f"png_palette{depth}_trns{suffix}.png",
              png(index[..., None], PALETTE, depth, plte + trns, interlaced=interlaced),
              with_alpha(colours[index], alphas[index][..., None]))
write("png_gamma.png", png(narrow[8][..., :3], RGB, 8, chunk(b"gAMA", struct.pack(">I", 100000))),
      narrow[8][..., :3].astype(np.uint8))
write("png_o3.png", saved(Image.fromarray(rgb), "PNG", exif=exif(3)))
write("png_late_o8.png", png(narrow[8][..., :3], RGB, 8, late=chunk(b"eXIf", exif(8).tobytes()[6:])),
      narrow[8][..., :3].astype(np.uint8))
for name in os.listdir("more"):
    # Pillow clips 16-bit grey and compares transparent 2-, 4- and 16-bit samples wrongly: numpy alone answers there.
    wrong = ("png_grey16", "png_grey2_trns", "png_grey4_trns", "png_rgb16_trns")
    if name.startswith("png") and not name.startswith(wrong):
        assert np.array_equal(as_pillow(open(f"more/{name}", "rb").read()), tensors[f"decoded/{name}"]), name

# --- WebP

colour, clear = Image.fromarray(picture(45, 31)), Image.fromarray(picture(45, 31, 4), "RGBA")
write("webp_lossy.webp", saved(colour, "WEBP", quality=80))
write("webp_lossless.webp", saved(colour, "WEBP", lossless=True))
write("webp_lossy_alpha.webp", saved(clear, "WEBP", quality=80, alpha_quality=70))
write("webp_lossless_alpha.webp", saved(clear, "WEBP", lossless=True, exact=True))
write("webp_o6.webp", saved(colour, "WEBP", quality=80, exif=exif(6)))
frames = [Image.fromarray(picture(24, 20, 4), "RGBA") for _ in range(3)]
write("webp_animated.webp", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))


def riff(chunks):
    body = b"WEBP" + b"".join(n + struct.pack("<I", len(d)) + d + b"\0" * (len(d) % 2) for n, d in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def u24(number):
    return struct.pack("<I", number)[:3]


def animation(width, height, frame, x, y):
    """One frame, an even offset from the corner of its canvas."""
    bitstream = saved(frame, "WEBP", lossless=True, exact=True)[12:]
    place = u24(x // 2) + u24(y // 2) + u24(frame.width - 1) + u24(frame.height - 1) + u24(100) + b"\0"
    return riff([(b"VP8X", bytes([0x12, 0, 0, 0]) + u24(width - 1) + u24(height - 1)),
                 (b"ANIM", b"\x20\x40\x60\xff\0\0"), (b"ANMF", place + bitstream)])


write("webp_frame_in_canvas.webp", animation(40, 30, Image.fromarray(picture(18, 12, 4), "RGBA"), 10, 6))

# --- Refused by the header, or by their scans

write("png_20000x20000.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 20000, 20000, 1, 0, 0, 0, 0))
      + chunk(b"IDAT", zlib.compress(bytes(2_000_000), 9)) + chunk(b"IEND", b""), folder="refused")
write("webp_16384x16384.webp", animation(16384, 16384, Image.fromarray(picture(4, 4)), 0, 0), folder="refused")
parts = segments(saved(Image.fromarray(picture(16, 16)), "JPEG", progressive=True))
last = [data for marker, data in parts if marker == 0xDA][-1]
scans = sum(marker == 0xDA for marker, _ in parts)
write("jpg_101_scans.jpg", b"".join(data for _, data in parts[:-1]) + last * (101 - scans) + parts[-1][1],
      folder="refused")
frame = next(data for marker, data in parts if marker == 0xC2)
huge = frame[:5] + struct.pack(">HH", 20000, 20000) + frame[9:]
write("jpg_20000x20000.jpg", b"".join(huge if data == frame else data for _, data in parts), folder="refused")

# --- Resizing to rectangles, all orientations

source = Image.fromarray(rng.integers(0, 256, (47, 61, 3), dtype=np.uint8))
tensors["resize/source"] = np.array(source)
for orientation in range(1, 9):
    tagged = source.copy()
    tagged.getexif()[0x0112] = orientation
    upright = ImageOps.exif_transpose(tagged)
    for rows_, columns in ((24, 40), (40, 24), (9, 50), (70, 9)):
        w, h = upright.size
        size = (rows_ * w // h, rows_) if w * rows_ >= h * columns else (columns, columns * h // w)
        left, top = (size[0] - columns) // 2, (size[1] - rows_) // 2
        result = upright.resize(size, Image.BICUBIC).crop((left, top, left + columns, top + rows_))
        tensors[f"resize/{orientation}/{rows_}x{columns}"] = np.array(result)

header, offset = {}, 0
for name, array in tensors.items():
    assert array.dtype == np.uint8, name
    header[name] = {"dtype": "U8", "shape": list(array.shape), "data_offsets": [offset, offset + array.size]}
    offset += array.size
text = json.dumps(header, separators=(",", ":")).encode()
with open("more.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text)
    for array in tensors.values():
        file.write(np.ascontiguousarray(array).tobytes())
