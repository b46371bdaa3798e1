"""ONNX files of `espalier export`, read by onnx's checker and computed by ONNX Runtime: onnx_test.py path/to/espalier

Models of timm's are made small, with random weights in every parameter, saved as timm saves them, and exported; the
logits are to be timm's. Then real checkpoints and those of every family, as far as they lie in the folder `shared`
beside the project (or in ESPALIER_SHARED). Debian's python3-onnx, of 2022, looks at the files where it is installed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime
import timm
import torch
from safetensors import safe_open

ESPALIER = sys.argv[1]
SHARED = Path(os.environ.get("ESPALIER_SHARED") or Path(__file__).resolve().parents[3] / "shared")
TOLERANCE = 1e-5  # of the largest logit
SMALL = dict(embed_dim=24, depth=2, num_heads=2, num_classes=5)
# One of each kind of parts: the architecture and what it is shrunk by.
MADE = {
    "vit_tiny_patch16_224": {},
    "vit_small_patch16_224": dict(SMALL, img_size=32, patch_size=8),
    "deit_small_distilled_patch16_224": dict(SMALL, img_size=32, patch_size=8),
    "vit_small_patch14_dinov2": dict(SMALL, img_size=28, patch_size=7),
    "vit_small_patch14_reg4_dinov2": dict(SMALL, img_size=28, patch_size=7),
    "vit_base_patch16_clip_quickgelu_224": dict(SMALL, img_size=32, patch_size=8),
    "vit_so400m_patch16_siglip_256": dict(SMALL, img_size=32, patch_size=8),
    "vit_small_plus_patch16_dinov3": dict(SMALL, img_size=32, patch_size=8),
    "vit_small_patch16_rope_mixed_224": dict(SMALL, img_size=32, patch_size=8),
    "beit_base_patch16_224": dict(SMALL, img_size=32, patch_size=8),
    "eva02_base_patch14_224": dict(SMALL, img_size=28, patch_size=7),
    "aimv2_large_patch14_224": dict(SMALL, img_size=28, patch_size=7),
}
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what)


def run(*words, status=0):
    done = subprocess.run([ESPALIER, *map(str, words)], capture_output=True, text=True)
    if done.returncode != status:
        sys.exit(f"{' '.join(map(str, words))}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def old_checker_accepts(path, what):
    """Debian's checker, which writes into the file: it gets a copy of the folder."""
    python = "/usr/bin/python3"
    if not os.path.exists(python) or subprocess.run([python, "-c", "import onnx"], capture_output=True).returncode:
        return
    with tempfile.TemporaryDirectory() as copy:
        for file in path.parent.glob(path.name + "*"):
            shutil.copy(file, copy)
        words = "import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True)"
        done = subprocess.run([python, "-c", words, f"{copy}/{path.name}"], capture_output=True, text=True)
        check(done.returncode == 0, f"{what}: Debian's checker: {done.stderr[-300:]}")
        old_checker_accepts.used = True


def computed(path, pixels):
    """The output for all images at once, which one at a time must give as well."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (given,), (wanted,) = session.get_inputs(), session.get_outputs()
    all_at_once = session.run(None, {given.name: pixels})[0]
    one = session.run(None, {given.name: pixels[:1]})[0]
    check(numpy.abs(one - all_at_once[:1]).max() <= TOLERANCE * numpy.abs(all_at_once).max(), f"{path}: one image")
    return wanted.name, all_at_once


def compare(what, model, pixels, expected, out, options=()):
    """Exports a model and compares what ONNX Runtime computes."""
    run("export", "--model", model, "--format", "onnx", "--out", out, *options)
    onnx.checker.check_model(str(out), full_check=True)
    old_checker_accepts(out, what)
    content = out.read_bytes()
    for path in (str(model), str(out.parent), os.getcwd()):
        check(path.encode() not in content, f"{what}: the file holds {path}")
    name, found = computed(str(out), pixels)
    check(found.shape == expected.shape, f"{what}: {name} {found.shape}, not {expected.shape}")
    if found.shape == expected.shape:
        difference = numpy.abs(found - expected).max() / numpy.abs(expected).max()
        check(difference < TOLERANCE, f"{what}: {name} differ by {difference:.1e} of the largest")
        return difference
    return 0


def fill(model):
    """Random values in every parameter, so that none is without effect."""
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        around_one = parameter.ndim == 1 and name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "gamma"))
        with torch.no_grad():
            parameter.copy_(1 + 0.1 * noise if around_one else 0.2 * noise if parameter.ndim == 1 else 0.08 * noise)


def models_of_timm(folder):
    for name, shrunk in MADE.items():
        model = timm.create_model(name, pretrained=False, **shrunk).eval()
        fill(model)
        timm.models.save_for_hf(model, folder / name, model_args=shrunk, safe_serialization=True)
        side = model.patch_embed.img_size
        pixels = torch.randn(3, 3, *side, generator=torch.Generator().manual_seed(2))
        with torch.no_grad():
            expected = model(pixels)
        difference = compare(name, folder / name, pixels.numpy(), expected.numpy(), folder / f"{name}.onnx")
        print(f"{name}: {difference:.1e}")


def models_of_every_family(folder):
    """Those that espalier has, by their golden values."""
    known = refused = 0
    for golden in sorted(SHARED.glob("golden/backbones/*/*/golden.safetensors")):
        case = golden.parent
        what = f"{case.parent.name}/{case.name}"
        model = case / "model.npz" if (case / "model.npz").exists() else case
        with safe_open(golden, "np") as values:
            names = set(values.keys())
            pixels = values.get_tensor("images" if "images" in names else "pixel_values")
            # The pooler that transformers puts behind a ViT without a head is no part of the backbone.
            has_pooler = json.loads((case / "config.json").read_text() if (case / "config.json").exists() else "{}").get(
                "model_type") == "vit"
            answer = "logits" if "logits" in names else "last_hidden_state" if has_pooler else "pooled"
            expected = values.get_tensor(answer) if answer in names else None
            if answer == "last_hidden_state":
                expected = expected[:, 0]
        out = folder / f"{case.parent.name}-{case.name}.onnx"
        exported = subprocess.run([ESPALIER, "export", "--model", str(model), "--format", "onnx", "--out", str(out)],
                                  capture_output=True, text=True)
        if exported.returncode:
            refused += 1
            check(exported.stderr.count("\n") >= 1 and not out.exists(), f"{what}: {exported.stderr}")
            print(f"{what}: refused: {exported.stderr.strip().splitlines()[-1][:150]}")
            continue
        if expected is None:
            onnx.checker.check_model(str(out), full_check=True)
            continue
        difference = compare(what, model, pixels, expected, out)
        known += 1
        print(f"{what}: {difference:.1e}")
    print(f"{known} checkpoints computed, {refused} refused as espalier refuses them elsewhere")


def classes_and_tensors_outside(folder):
    """A tuned model: names of classes in order, and the same logits with the tensors in a file beside it."""
    for which, colour in enumerate(["b c", "a", "C"]):
        for split, count in (("train", 4), ("test", 2)):
            place = folder / "data" / split / colour
            place.mkdir(parents=True)
            for i in range(count):
                values = numpy.random.default_rng(10 * which + i).integers(0, 60, (32, 32, 3))
                values[..., which] += 150
                (place / f"{i}.ppm").write_bytes(b"P6 32 32 255\n" + values.astype("u1").tobytes())
    run("tune", "--model", folder / "vit_small_patch16_224", "--data", folder / "data", "--method", "lora", "--epochs", 2,
        "--batch-size", 4, "--lr", 0.01, "--out", folder / "run", "--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5",
        "--resize", "squash")
    out = folder / "tuned.onnx"
    run("export", "--run", folder / "run", "--format", "onnx", "--out", out)
    model = onnx.load(str(out))
    entries = {entry.key: entry.value for entry in model.metadata_props}
    check(json.loads(entries["classes"]) == sorted(["b c", "a", "C"]), f"classes {entries['classes']}")
    how = json.loads(entries["preprocessing"])
    check(how["image_size"] == 32 and how["mean"] == [0.5] * 3, f"preprocessing {entries['preprocessing']}")
    run("eval", "--model", folder / "vit_small_patch16_224", "--delta", folder / "run/delta.safetensors", "--data",
        folder / "data", "--logits", folder / "logits.safetensors")
    with safe_open(folder / "logits.safetensors", "np") as values:
        expected, files = values.get_tensor("logits"), json.loads(values.metadata()["files"])
    pixels = []
    for file in files:
        path = Path(file) if Path(file).is_absolute() else folder / "data" / file
        raw = numpy.frombuffer(path.read_bytes()[-3072:], "u1").reshape(32, 32, 3)
        pixels.append((raw.transpose(2, 0, 1).astype("f4") / 255 - how["mean"][0]) / how["std"][0])
    pixels = numpy.stack(pixels).astype("f4")
    _, found = computed(str(out), pixels)
    difference = numpy.abs(found - expected).max()
    check(difference < TOLERANCE * numpy.abs(expected).max(), f"a tuned model: {difference:.1e}")
    outside = folder / "outside.onnx"
    run("export", "--run", folder / "run", "--format", "onnx", "--out", outside, "--external-data")
    onnx.checker.check_model(str(outside), full_check=True)
    old_checker_accepts(outside, "tensors outside")
    check(outside.stat().st_size < 60_000 and (folder / "outside.onnx.data").exists(), "tensors are inside")
    check(numpy.array_equal(computed(str(outside), pixels)[1], found), "tensors outside: other logits")
    print(f"a tuned model: {difference:.1e}")


def fused(path):
    """The exact GELU is one operator once ONNX Runtime has optimised the graph."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path) + ".optimised"
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    ops = [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]
    check(ops.count("BiasGelu") + ops.count("Gelu") == 2 and "Erf" not in ops, f"GELU is not fused: {ops}")


def main():
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        models_of_timm(folder)
        fused(folder / "vit_small_patch16_224.onnx")
        classes_and_tensors_outside(folder)
        models_of_every_family(folder)
        for real in sorted(SHARED.glob("models/*/model.safetensors")):
            model = timm.create_model(f"local-dir:{real.parent}", pretrained=True).eval()
            pixels = torch.randn(2, 3, *model.patch_embed.img_size, generator=torch.Generator().manual_seed(3))
            with torch.no_grad():
                expected = model(pixels).numpy()
            difference = compare(real.parent.name, real.parent, pixels.numpy(), expected, folder / "real.onnx")
            print(f"{real.parent.name}: {difference:.1e}")
    if not getattr(old_checker_accepts, "used", False):
        print("not looked at by Debian's checker: there is no python3-onnx")
    if failures:
        sys.exit(f"{len(failures)} failures, the first: {failures[0]}")


main()
