#!/usr/bin/env python3
"""Makes the WebP, GIF and TIFF files beside it, webp_gif.txt and tiff.txt, with Pillow as the reference (13.0.0, with libwebp 1.6).

    python3 tests/golden/resize/make_webp_gif.py

Where the screen of a GIF is larger or smaller than its frame, bytes of what Pillow has written were changed.
"""
import io
import os
import struct
import zlib

from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
SIZE = (37, 29)


def noise(seed, mode, levels=256):
    bands = len(Image.new(mode, (1, 1)).getbands())
    values, state = bytearray(), seed
    for _ in range(SIZE[0] * SIZE[1] * bands):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values.append((state >> 24) * levels // 256 * (255 // (levels - 1)))
    return Image.frombytes(mode, SIZE, bytes(values))


def smooth(mode):
    image = Image.new(mode, SIZE)
    image.putdata([tuple([x * 6, y * 8, (x + y) * 3, 255 - x * 6][:len(mode)]) for y in range(SIZE[1]) for x in range(SIZE[0])])
    return image


def saved(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def moved(gif, screen, left, top):
    """The same frame at another place of another screen."""
    at = gif.index(b"\x2c\0\0\0\0" + struct.pack("<HH", *SIZE))
    return gif[:6] + struct.pack("<HH", *screen) + gif[10:at + 1] + struct.pack("<HH", left, top) + gif[at + 5:]


def main():
    rotated = Image.Exif()
    rotated[0x0112] = 6
    few = noise(3, "RGB", 4).quantize(16)
    files = {
        "lossless.webp": saved(smooth("RGB"), "webp", lossless=True),
        "lossy.webp": saved(smooth("RGB"), "webp", quality=80),
        "noise.webp": saved(noise(1, "RGB", 16), "webp", quality=20),
        "alpha.webp": saved(smooth("RGBA"), "webp", lossless=True, exact=True),
        "alpha_lossy.webp": saved(smooth("RGBA"), "webp", quality=70),
        "exif.webp": saved(smooth("RGB"), "webp", lossless=True, exif=rotated),
        "colours.gif": saved(noise(2, "RGB", 8).quantize(256), "gif"),
        "rows.gif": saved(few, "gif", interlace=0),
        "gray.gif": saved(noise(4, "L"), "gif"),
        "transparent.gif": saved(few, "gif", transparency=3),
        "frames.gif": saved(few, "gif", save_all=True, append_images=[noise(5, "RGB", 4).quantize(16)]),
    }
    files["inside.gif"] = moved(files["rows.gif"], (50, 40), 5, 7)
    files["inside_transparent.gif"] = moved(files["transparent.gif"], (50, 40), 5, 7)
    files["beyond.gif"] = moved(files["rows.gif"], (20, 20), 5, 7)
    tiffs = {
        "gray.tif": saved(noise(6, "L", 4), "tiff"),
        "palette.tif": saved(few, "tiff", compression="packbits"),
        "rgb.tif": saved(smooth("RGB"), "tiff", compression="tiff_lzw"),
        "alpha.tif": saved(smooth("RGBA"), "tiff", compression="tiff_adobe_deflate"),
        "rotated.tif": saved(smooth("RGB"), "tiff", compression="tiff_lzw", tiffinfo={0x0112: 6}),
    }
    write("webp_gif.txt", files), write("tiff.txt", tiffs)
    with open(os.path.join(HERE, "animated.webp"), "wb") as file:
        file.write(saved(few, "webp", save_all=True, append_images=[noise(5, "RGB", 4)]))


def write(table, files):
    rows = []
    for name, content in sorted(files.items()):
        with open(os.path.join(HERE, name), "wb") as file:
            file.write(content)
        image = Image.open(io.BytesIO(content)).convert("RGB")
        rows.append((name, *image.size, zlib.crc32(image.tobytes())))
    with open(os.path.join(HERE, table), "w") as file:
        file.write("# file width height crc32\n" + "".join(" ".join(map(str, row)) + "\n" for row in rows))


main()
