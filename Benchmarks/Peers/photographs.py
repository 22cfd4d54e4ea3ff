#!/usr/bin/env python3
"""Writes 12-megapixel JPEG files that cost what photographs cost: seeded, with edges, textures and a sensor's noise.

usage: photographs.py FOLDER [COUNT]
4000 x 3000 pixels, quality 92, 4:2:0, 3 to 5 MB each, as telephones write them; every fourth lies on its side (EXIF).
"""
import os
import sys

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 4000, 3000


def clouds(rng, octaves=7):
    """Smooth noise over all scales: [HEIGHT, WIDTH] about 0."""
    total = np.zeros((HEIGHT, WIDTH), np.float32)
    for octave in range(octaves):
        cells = 2 ** (octave + 2)
        grid = rng.standard_normal((cells * 3 // 4 + 1, cells + 1)).astype(np.float32)
        image = Image.fromarray(grid).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        total += np.asarray(image) / 2**octave
    return total


def photograph(seed):
    rng = np.random.default_rng(seed)
    base = clouds(rng)
    picture = np.stack([128 + 45 * base + 12 * shift for shift in rng.standard_normal(3)], 2).astype(np.float32)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    for _ in range(14):
        x, y, a, b = rng.uniform((0, 0, 150, 150), (WIDTH, HEIGHT, 900, 900))
        inside = ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 < 1
        stripes = 25 * np.sin((columns * rng.uniform(-1, 1) + rows * rng.uniform(-1, 1)) / rng.uniform(2, 20))
        colour = rng.uniform(20, 235, 3)
        picture[inside] = 0.3 * picture[inside] + 0.7 * colour + stripes[inside, None]
    picture += rng.standard_normal((HEIGHT, WIDTH, 1)).astype(np.float32) * 4
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def main():
    folder, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 24
    os.makedirs(folder, exist_ok=True)
    for number in range(count):
        path = os.path.join(folder, f"{number:03d}.jpg")
        if os.path.exists(path):
            continue
        exif = Image.Exif()
        exif[0x0112] = 6 if number % 4 == 3 else 1
        photograph(number).save(path, quality=92, subsampling=2, exif=exif)


if __name__ == "__main__":
    main()
