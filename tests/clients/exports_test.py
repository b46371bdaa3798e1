"""Tuned models of every family of names, exported to timm, transformers and peft, and opened there as their users do. Class
names are in order, logits are within 1e-5 of the largest of espalier's on images that need no resize, and espalier reads its
own folders again with the same logits to the bit. What a format does not hold is refused with another way out.
  exports_test.py path/to/espalier [CASE...]
"""
import contextlib
import json
import pathlib
import shutil
import sys
import tempfile
import warnings

import peft
import timm
import torch
import transformers
from PIL import Image
from safetensors import safe_open
from transformers import AutoImageProcessor, AutoModelForImageClassification, pipeline

from program import CLASSES, Program, SHARED, images_of, training_images

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

TOLERANCE = 1e-5  # of the largest logit
VIT_TINY = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
# The formats that hold each case; the others are refused.
CASES = {
    "models/" + VIT_TINY: "timm hf peft",
    "timm/vit": "timm hf peft",
    "timm/deit_distilled": "timm peft",
    "timm/deit3": "timm peft",
    "timm/beit": "timm",  # peft would never be called: keys have no bias
    "timm/dinov2_reg4": "timm peft",
    "timm/dinov3": "timm peft",
    "timm/dinov3_qkvb": "timm",
    "timm/eva02_base": "timm peft",
    "timm/siglip": "timm peft",
    "timm/rope_mixed": "timm peft",
    "timm/aimv2": "timm peft",
    "hf/vit": "hf peft",  # its eps is none of timm's
    "hf/vit_imagenet_eps6": "timm hf peft",
    "hf/vit_v5_names": "hf peft",
    "hf/deit_teacher": "hf peft",
    "hf/beit": "hf peft",
    "hf/data2vec_vision": "hf peft",
    "hf/dinov2": "hf peft",
    "hf/dinov2_swiglu": "hf peft",
    "hf/dinov2_reg": "hf peft",
    "hf/dinov3": "timm",
    "hf/clip_classifier": "hf peft",
    "hf/siglip_classifier": "timm hf peft",
    "openclip/clip": "timm",
    "torchvision/vit_heads_told": "timm hf",
    "npz/augreg": "timm hf",
}
FORMATS = ["timm", "hf", "peft"]


def difference(found, expected):
    return ((found - expected).abs().max() / expected.abs().max()).item()


def expect(holds, what):
    if not holds:
        raise AssertionError(what)


class Checker(Program):
    def __init__(self, espalier, scratch):
        super().__init__(espalier, scratch)
        self.data = training_images(scratch / "data")

    def tune(self, model, out, head, method, *options):
        self.run("tune", "--model", model, "--data", self.data, "--allow-empty-class", "--method", method, "--head", head,
                 "--steps", 2, "--batch-size", 4, "--workers", 1, "--lr", 0.03, "--no-test", "--out", out, "--resize", "squash",
                 "--mean", "0.4,0.45,0.5", "--std", "0.25,0.3,0.2", *options)

    def expected(self, *model):
        """The program's logits of images of the model's own size, which are stored in `images`."""
        return self.logits(*model, *self.as_they_are[:4])  # the list alone: the delta says how images are prepared

    def timm_folder(self, out, expected):
        model = timm.create_model(f"local-dir:{out}", pretrained=True).eval()
        expect(list(model.pretrained_cfg["label_names"]) == CLASSES, "label_names")
        transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
        with torch.no_grad():
            worst = difference(model(torch.stack([transform(image) for image in self.images])), expected)
        return max(worst, self.folder_of_transformers(out, expected))

    def folder_of_transformers(self, out, expected):
        model, found = AutoModelForImageClassification.from_pretrained(out, output_loading_info=True)
        expect(not any(found.values()), f"loading: {found}")
        expect([model.config.id2label[i] for i in range(len(CLASSES))] == CLASSES, "id2label")
        expect(model.config.label2id == {name: i for i, name in enumerate(CLASSES)}, "label2id")
        processor = AutoImageProcessor.from_pretrained(out)
        with torch.no_grad():
            pixels = processor(self.images, return_tensors="pt")["pixel_values"]
            worst = difference(model.eval()(pixels).logits, expected)
        answers = pipeline("image-classification", model=str(out), device="cpu")(self.images[0], top_k=len(CLASSES))
        scores = dict(zip(CLASSES, expected[0].softmax(0).tolist()))
        expect({a["label"] for a in answers} == set(CLASSES), f"pipeline: {answers}")
        expect(all(abs(a["score"] - scores[a["label"]]) < 1e-5 for a in answers), f"pipeline: {answers}, not {scores}")
        return worst

    def peft_folder(self, case, out, expected):
        """Adapters on the base as its library opens it."""
        tensors = safe_open(out / "adapter_model.safetensors", "pt")
        if any(name.endswith("attn.qkv.lora_A.weight") or "blocks" in name for name in tensors.keys()):
            base = timm.create_model(f"local-dir:{case}", pretrained=True, num_classes=len(CLASSES))
        else:
            base = AutoModelForImageClassification.from_pretrained(case, num_labels=len(CLASSES), dtype=torch.float32,
                                                                   ignore_mismatched_sizes=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of missing and of unknown tensors
            for category in (DeprecationWarning, FutureWarning):
                warnings.filterwarnings("ignore", category=category)
            model = peft.PeftModel.from_pretrained(base, out).eval()
        loaded = [name.replace(".modules_to_save", "").replace(".default", "") for name, _ in model.named_parameters()]
        for name in tensors.keys():
            expect(any(one.startswith(name) for one in loaded), f"peft has no {name}")
        mean, std = torch.tensor([0.4, 0.45, 0.5]).view(3, 1, 1), torch.tensor([0.25, 0.3, 0.2]).view(3, 1, 1)
        pixels = (self.bytes.float() / 255 - mean) / std
        logits = lambda y: getattr(y, "logits", y)  # noqa: E731
        with torch.no_grad():
            worst = difference(logits(model(pixels)), expected)
            with model.disable_adapter():
                expect(difference(logits(model(pixels)), expected) > 1e-3, "the adapters do nothing")
        return worst

    def refused(self, name, out, *words):
        try:
            self.run("export", *words, "--format", name, "--out", out)
        except AssertionError as error:
            expect("; --format" in str(error) and not out.exists(), f"--format {name}: {error}")
            return str(error)
        raise AssertionError(f"--format {name} was not refused")

    def check(self, name, case, formats):
        model = case / "model.npz" if (case / "model.npz").exists() else case
        scratch = self.scratch / name
        scratch.mkdir(parents=True)
        head = "new"
        if (case / "golden.safetensors").exists() and "logits" in safe_open(case / "golden.safetensors", "pt").keys():
            head = "keep"
        self.tune(model, scratch / "run", head, "bitfit" if name == "hf/vit_bf16" else "full")
        worst = 0.0
        for which in FORMATS:
            run = scratch / "run"
            if which == "peft":
                run = scratch / "lora"
                self.tune(model, run, head, "lora" if "clip" in name else "dora", "--rank", 2, "--alpha", 3, "--targets",
                          "blocks.*.attn.qkv,blocks.*.attn.proj")
            out = scratch / which
            if which not in formats:
                print(f"         {name} {self.refused(which, out, '--run', run)[:150]}")
                continue
            self.run("export", "--run", run, "--format", which, "--out", out)
            size = json.loads(safe_open(run / "delta.safetensors", "pt").metadata()["preprocessing"])["image_size"]
            self.as_they_are, _ = images_of(self.scratch / f"images/{size}", size)
            files = [self.scratch / f"images/{size}/{i}.png" for i in range(len(CLASSES))]
            self.images = [Image.open(file).convert("RGB") for file in files]
            self.bytes = torch.stack([torch.frombuffer(bytearray(i.tobytes()), dtype=torch.uint8).view(size, size, 3)
                                      for i in self.images]).permute(0, 3, 1, 2)
            expected = self.expected("--model", model, "--delta", run / "delta.safetensors")
            if which == "peft":
                worst = max(worst, self.peft_folder(case, out, expected))
            else:
                expect(torch.equal(self.expected("--model", out), expected) or dtype_differs(out), f"{which}: espalier's own")
                worst = max(worst, (self.timm_folder if which == "timm" else self.folder_of_transformers)(out, expected))
            for text in out.glob("*.*"):
                if text.suffix != ".safetensors":
                    expect(str(self.scratch) not in text.read_text() and str(SHARED) not in text.read_text(), f"{text}: a path")
            expect(worst < TOLERANCE, f"--format {which}: logits differ by {worst:.1e} of the largest")
        return worst


def dtype_differs(out):
    file = safe_open(out / "model.safetensors", "pt")
    return any(file.get_tensor(name).dtype != torch.float32 for name in file.keys())


def main():
    espalier, only = sys.argv[1], sys.argv[2:]
    if not SHARED.is_dir():
        print(f"left out: there is no {SHARED} (ESPALIER_SHARED names the folder shared)")
        return 0
    failed = passed = 0
    with tempfile.TemporaryDirectory() as scratch:
        checker = Checker(espalier, pathlib.Path(scratch))
        for name, formats in CASES.items():
            case = SHARED / name if name.startswith("models/") else SHARED / "golden/backbones" / name
            if (only and name not in only) or not case.is_dir():
                continue
            try:
                print(f"passed   {name} {formats}: {checker.check(name, case, formats.split()):.1e} of the largest logit",
                      flush=True)
                passed += 1
            except Exception as error:  # whatever a library throws is this case's failure
                failed += 1
                print(f"FAILED   {name}: {type(error).__name__}: {' '.join(str(error).split())[:600]}", flush=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(checker.scratch / name)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
