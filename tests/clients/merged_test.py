"""Every golden checkpoint is tuned for two steps and merged. The merged file opens strictly in the library of its names and
has there, on random images, the logits that espalier has with base and delta; espalier reads it again, alone and
beside the config of the base, with the same logits to the bit.
  merged_test.py path/to/espalier [CASE...]
"""
import json
import pathlib
import sys
import tempfile

import torch
from safetensors import safe_open

import libraries
from program import Program, SHARED, images_of, training_images

TOLERANCE = 1e-5  # of the largest logit

# espalier refuses them by name (golden_backbones_test).
REFUSED = {"timm/dpwee", "timm/dwee", "timm/eva02_enormous", "timm/pwee", "timm/rpn", "timm/sapiens2",
           "timm/sapiens2_large", "hf/siglip2_naflex", "torchvision/vit_heads_not_told"}

# Trained by another method than `full`, which moves every tensor.
METHODS = {"hf/beit_shared": "grft"}  # its one table of relative positions cannot hold what blocks learn apart


class Checker(Program):
    def __init__(self, espalier, scratch):
        super().__init__(espalier, scratch)
        self.data = training_images(scratch / "data")

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
