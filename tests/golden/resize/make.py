#!/usr/bin/python3
"""Makes the tables and images beside it, with Pillow and torchvision as the reference.

    /usr/bin/python3 tests/golden/resize/make.py [FOLDER WITH REAL IMAGES]

Source images are made by formula (`noise`), so that the C++ tests make the same ones; results are kept as CRC-32 of
all their bytes, so that an equal sum means not a single differing pixel.
"""
import math
import os
import sys
import zlib

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import functional as F
from torchvision.transforms import InterpolationMode

HERE = os.path.dirname(os.path.abspath(__file__))
FILTERS = {"bilinear": InterpolationMode.BILINEAR, "bicubic": InterpolationMode.BICUBIC}
PIL_FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def noise(kind, seed, width, height):
    """A linear congruential generator's high bytes; "hard" has only black and white, so that filters overshoot."""
    count = width * height * 3
    values = np.empty(count, np.uint8)
    state = seed
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = state >> 24
    if kind == "hard":
        values = np.where(values >= 128, 255, 0).astype(np.uint8)
    return Image.fromarray(values.reshape(height, width, 3))


def crc(image):
    return zlib.crc32(np.ascontiguousarray(np.asarray(image)).tobytes())


def write(name, header, rows):
    with open(os.path.join(HERE, name), "w") as file:
        file.write("# " + header + "\n")
        for row in rows:
            file.write(" ".join(str(cell) for cell in row) + "\n")


def resize_table():
    sizes = [
        (32, 32, 224, 224), (100, 75, 224, 224), (301, 197, 224, 224), (224, 224, 224, 224), (64, 64, 32, 32),
        (97, 101, 13, 7), (5, 9, 17, 3), (1, 1, 8, 5), (1, 40, 6, 6), (40, 1, 6, 6), (50, 60, 1, 1), (50, 60, 1, 60),
        (50, 60, 50, 1), (33, 47, 33, 20), (33, 47, 20, 47), (2, 3, 3, 2), (500, 11, 7, 300), (256, 128, 255, 129),
    ]
    rows = []
    for seed, (w, h, W, H) in enumerate(sizes, 1):
        for name, code in PIL_FILTERS.items():
            kind = "hard" if seed % 3 == 0 else "noise"
            out = noise(kind, seed, w, h).resize((W, H), code)
            pixels = np.asarray(out).tobytes().hex() if W * H <= 48 else "-"
            rows.append((kind, seed, w, h, W, H, name, crc(out), pixels))
    write("resize.txt", "kind seed width height -> width height filter crc32 pixels", rows)


def eval_table():
    """torchvision's Resize, CenterCrop, ToTensor and Normalize."""
    half, imagenet = ([0.5] * 3, [0.5] * 3), ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    cases = [
        (60, 40, "squash", "bicubic", 32, 1.0, half), (40, 60, "squash", "bilinear", 32, 1.0, imagenet),
        (60, 40, "crop", "bicubic", 32, 0.9, half), (41, 67, "crop", "bilinear", 32, 0.875, imagenet),
        (67, 41, "crop", "bicubic", 33, 0.9, imagenet), (32, 32, "crop", "bicubic", 32, 1.0, half),
        (333, 20, "crop", "bicubic", 48, 0.95, imagenet), (300, 230, "crop", "bicubic", 224, 0.9, half),
        (20, 111, "crop", "bilinear", 17, 0.9, imagenet),
    ]
    rows = []
    for seed, (w, h, mode, name, size, pct, (mean, std)) in enumerate(cases, 100):
        image = noise("noise", seed, w, h)
        if mode == "squash":
            image = F.resize(image, [size, size], FILTERS[name])
        else:
            image = F.center_crop(F.resize(image, math.floor(size / pct), FILTERS[name]), size)
        tensor = F.normalize(F.to_tensor(image), mean, std)
        rows.append((seed, w, h, mode, name, size, pct, *mean, *std, crc(tensor.numpy())))
    write("eval.txt", "seed width height mode filter size crop_pct mean*3 std*3 crc32 of the f32 tensor", rows)


def color_table():
    rows = []
    for seed, (w, h) in [(200, (37, 29)), (201, (256, 256))]:
        image = noise("noise", seed, w, h)
        for name, change, factors in [
            ("brightness", F.adjust_brightness, (0.0, 0.6, 0.87654, 1.0, 1.4)),
            ("contrast", F.adjust_contrast, (0.0, 0.6, 0.87654, 1.0, 1.4)),
            ("saturation", F.adjust_saturation, (0.0, 0.6, 0.87654, 1.0, 1.4)),
            ("hue", F.adjust_hue, (-0.5, -0.1, -0.0123, 0.0, 0.05, 0.1, 0.5)),
        ]:
            for factor in factors:
                rows.append((name, seed, w, h, factor, crc(change(image, factor))))
        rows.append(("grayscale", seed, w, h, 0, crc(F.rgb_to_grayscale(image, 3))))
    write("color.txt", "change seed width height factor crc32", rows)


def images():
    """Small files of every kind that is read."""
    image = noise("noise", 300, 23, 17).resize((46, 34), Image.BICUBIC).crop((3, 2, 40, 31))
    alpha = noise("noise", 301, 37, 29).getchannel(0)
    rgba = image.copy()
    rgba.putalpha(alpha)
    gray = image.convert("L")
    gray_alpha = gray.copy()
    gray_alpha.putalpha(alpha)
    ink = Image.merge("CMYK", [*image.split(), alpha])
    small = image.crop((0, 0, 13, 9))
    for name, image, options in [
        ("420.jpg", image, dict(quality=90, subsampling=2)), ("422.jpg", image, dict(quality=60, subsampling=1)),
        ("444.jpg", image, dict(quality=95, subsampling=0)), ("gray.jpg", gray, {}),
        ("progressive.jpg", image, dict(progressive=True)), ("cmyk.jpg", ink, dict(quality=85)),
        ("rgb.png", small, {}), ("rgba.png", rgba.crop((0, 0, 13, 9)), {}), ("gray.png", gray.crop((0, 0, 13, 9)), {}),
        ("gray_alpha.png", gray_alpha.crop((0, 0, 13, 9)), {}), ("palette.png", small.quantize(16), {}),
        ("bits.png", small.convert("1"), {}), ("rgb.bmp", small, {}), ("palette.bmp", small.quantize(16), {}),
        ("gray.bmp", gray.crop((0, 0, 13, 9)), {}), ("rgb.ppm", small, {}), ("gray.pgm", gray.crop((0, 0, 13, 9)), {}),
    ]:
        image.save(os.path.join(HERE, name), **options)
    transparent = small.quantize(16)
    transparent.save(os.path.join(HERE, "palette_alpha.png"), transparency=3)
    names = sorted(n for n in os.listdir(HERE) if n.split(".")[-1] in ("jpg", "png", "bmp", "ppm", "pgm"))
    rows = []
    for name in names:
        image = Image.open(os.path.join(HERE, name)).convert("RGB")
        rows.append((name, *image.size, crc(image)))
    write("decode.txt", "file width height crc32", rows)


def real_images(root):
    rows = []
    for task in sorted(os.listdir(root)):
        files = []
        for folder, _, names in os.walk(os.path.join(root, task, "test")):
            files += [os.path.join(folder, name) for name in names]
        files.sort()
        for path in files[:: max(1, len(files) // 8)]:
            image = Image.open(path).convert("RGB")
            rows.append((os.path.relpath(path, root), *image.size, crc(image)))
    write("real.txt", "file width height crc32", rows)


if __name__ == "__main__":
    torch.set_num_threads(1)
    resize_table()
    eval_table()
    color_table()
    images()
    if len(sys.argv) > 1:
        real_images(sys.argv[1])
