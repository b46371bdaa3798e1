"""Every golden checkpoint is tuned for two steps and merged. The merged file opens strictly in the library of its names and
has there, on random images, the logits that espalier has with base and delta; espalier reads it again, alone and
beside the config of the base, with the same logits to the bit.
  merged_test.py path/to/espalier [CASE...]
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

import libraries

TOLERANCE = 1e-5  # of the largest logit
CLASSES = ["c0", "c1", "c2", "c3", "c4"]  # of the cases that have a head
ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "data/demo/pictures"
SHARED = pathlib.Path(os.environ.get("ESPALIER_SHARED") or ROOT.parent / "shared")

# espalier refuses them by name (golden_backbones_test).
REFUSED = {"timm/dpwee", "timm/dwee", "timm/eva02_enormous", "timm/pwee", "timm/rpn", "timm/sapiens2",
           "timm/sapiens2_large", "hf/siglip2_naflex", "torchvision/vit_heads_not_told"}

# Trained by another method than `full`, which moves every tensor.
METHODS = {"hf/beit_shared": "grft"}  # its one table of relative positions cannot hold what blocks learn apart


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


class Checker:
    def __init__(self, espalier, scratch):
        self.espalier, self.scratch = espalier, scratch
        self.data = training_images(scratch / "data")

    def run(self, *words):
        result = subprocess.run([self.espalier, *map(str, words), "--threads", "1"], capture_output=True, text=True)
        if result.returncode != 0:
            raise AssertionError(result.stderr.strip().splitlines()[-1])

    def logits(self, *words):
        self.run("eval", *words, "--logits", self.scratch / "logits.safetensors")
        return load_file(self.scratch / "logits.safetensors")["logits"]

    def check(self, name, case):
        """Raises what is wrong; otherwise returns the largest difference from the library's logits, of the largest one."""
        model = case / "model.npz" if (case / "model.npz").exists() else case
        out = self.scratch / name
        with safe_open(case / "golden.safetensors", "pt") as golden:
            head = "keep" if "logits" in golden.keys() else "new"
        self.run("tune", "--model", model, "--data", self.data, "--allow-empty-class", "--method", METHODS.get(name, "full"),
                 "--head", head, "--steps", 2, "--batch-size", 4, "--workers", 1, "--no-test", "--out", out / "run")
        base_and_delta = ["--model", model, "--delta", out / "run/delta.safetensors"]
        merged = out / "merged/model.safetensors"
        merged.parent.mkdir()
        self.run("merge", *base_and_delta, "--out", merged)

        side = json.loads(libraries.read(merged)[1]["preprocessing"])["image_size"]
        options, pixels = images_of(self.scratch / f"images/{side}", side)
        expected = self.logits(*base_and_delta, *options)
        if not torch.equal(self.logits("--model", merged, *options), expected):
            raise AssertionError("the merged file alone has other logits here")
        with torch.no_grad():
            found = libraries.MODELS[case.parent.name](case, merged)(pixels)  # and puts the config beside the file
        if not torch.equal(self.logits("--model", merged.parent, *options), expected):
            raise AssertionError("the merged file beside a config has other logits here")
        difference = ((found - expected).abs().max() / expected.abs().max()).item()
        if not difference < TOLERANCE:
            raise AssertionError(f"the library's logits differ by {difference:.1e} of the largest")
        return difference


def main():
    espalier, only = sys.argv[1], sys.argv[2:]
    golden = SHARED / "golden/backbones"
    if not golden.is_dir():
        print(f"left out: there is no {golden} (ESPALIER_SHARED names the folder shared)")
        return 0
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory() as scratch:
        checker = Checker(espalier, pathlib.Path(scratch))
        for case in sorted(path for path in golden.glob("*/*") if path.is_dir()):
            name = f"{case.parent.name}/{case.name}"
            if only and name not in only:
                continue
            if name in REFUSED:
                skipped += 1
                print(f"skipped  {name}: espalier does not compute it", flush=True)
                continue
            try:
                print(f"passed   {name}: {checker.check(name, case):.1e} of the largest logit", flush=True)
                passed += 1
            except Exception as error:  # whatever a library throws is this case's failure
                print(f"FAILED   {name}: {type(error).__name__}: {error}", flush=True)
                failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
