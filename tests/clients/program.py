"""What the tests here share: the program, small tuned models, and images of exactly a model's size.
"""
import os
import pathlib
import subprocess

import numpy
import torch
from PIL import Image
from safetensors.torch import load_file

CLASSES = ["c0", "c1", "c2", "c3", "c4"]  # of the cases that have a head
ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "data/demo/pictures"
SHARED = pathlib.Path(os.environ.get("ESPALIER_SHARED") or ROOT.parent / "shared")


def images_of(folder, side):
    """Random images of exactly this size, with the options that read them as they are. Returns these and pixels [N, 3, H, W]."""
    values = numpy.random.default_rng(side).integers(0, 256, (len(CLASSES), side, side, 3), dtype=numpy.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(values):
        Image.fromarray(image).save(folder / f"{i}.png")
    (folder / "list.txt").write_text("".join(f"{i}.png {i}\n" for i in range(len(values))))
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    options = ["--test-list", folder / "list.txt", "--data-root", folder, "--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5",
               "--resize", "squash"]
    return options, (torch.from_numpy(values).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


def training_images(folder):
    """The demo's images with the classes of the cases, the last of which has none."""
    folder.mkdir()
    for file in DEMO.glob("train-*"):
        (folder / file.name).symlink_to(file)
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    return folder


class Program:
    def __init__(self, espalier, scratch):
        self.espalier, self.scratch = espalier, scratch

    def run(self, *words):
        """Raises the last line of an error."""
        result = subprocess.run([self.espalier, *map(str, words), "--threads", "1"], capture_output=True, text=True)
        if result.returncode != 0:
            raise AssertionError(result.stderr.strip().splitlines()[-1])
        return result.stdout

    def logits(self, *words):
        self.run("eval", *words, "--logits", self.scratch / "logits.safetensors")
        return load_file(self.scratch / "logits.safetensors")["logits"]
