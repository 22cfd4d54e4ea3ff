#!/usr/bin/env python3
"""How close --fast-decode stays to full decoding, on photographs that come with Python packages, at their own sizes.

usage: fast_decode.py PENUMBRA [FILE...]
Takes JPEG files, or else the photographs of scikit-image, scikit-learn and matplotlib as far as they are installed; those
that are PNG are written as JPEG, quality 92. Prints each cosine between the two means, and the change of total variance.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image


def packaged(folder):
    found = []
    for package, sub, names in (
        ("skimage", "data", ["astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png"]),
        ("sklearn", "datasets/images", ["china.jpg", "flower.jpg"]),
        ("matplotlib", "mpl-data/sample_data", ["grace_hopper.jpg"]),
    ):
        try:
            root = os.path.join(os.path.dirname(__import__(package).__file__), sub)
        except ImportError:
            continue
        for name in names:
            source = os.path.join(root, name)
            if not os.path.exists(source):
                continue
            target = os.path.join(folder, os.path.splitext(name)[0] + ".jpg")
            if name.endswith(".jpg"):
                os.symlink(source, target)
            else:
                Image.open(source).convert("RGB").save(target, quality=92)
            found.append(target)
    return found


def rows(program, files, *options):
    output = subprocess.run([program, "encode", *files, *options], check=True, capture_output=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def main():
    program, files = os.path.abspath(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        files = files or packaged(folder)
        pairs = list(zip(rows(program, files), rows(program, files, "--fast-decode")))
        cosines = []
        for path, (full, fast) in zip(files, pairs):
            a, b = np.array(full["mean"]), np.array(fast["mean"])
            cosine = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
            change = np.exp(fast["log_variance"]).sum() / np.exp(full["log_variance"]).sum() - 1
            width, height = Image.open(path).size
            same = " (not reduced)" if full["mean"] == fast["mean"] else ""
            if not same:
                cosines.append(cosine)
            print(f"{os.path.basename(path):24} {width} x {height}  cosine {cosine:.6f}  uncertainty {change:+.2%}{same}")
        if cosines:
            print(f"{len(cosines)} reduced: cosine at least {min(cosines):.6f}, mean {np.mean(cosines):.6f}")


if __name__ == "__main__":
    main()
