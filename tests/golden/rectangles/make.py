#!/usr/bin/env python3
"""Makes the files beside it: how timm, transformers and OpenCLIP prepare images that are not square, and two small
models for such images with their logits.

    python3 tests/golden/rectangles/make.py

Made with timm 1.0.31, transformers 5.23.0, open_clip_torch 3.3.0, torch 2.14.1, torchvision 0.29.1 and Pillow 12.0.
Pillow 13.0 resizes along the height first where that is less work, which rounds some pixels to another level; up to
12.0 it resizes along the width first, as the engine does.
Source images are made by formula (`noise`), so that the C++ tests make the same ones. pixels.json has for every config
the CRC-32 of what the library makes of each image before it scales and normalizes values: an equal sum means not a
single differing pixel.
"""
import copy
import json
import os
import zlib

import numpy as np
import open_clip
import PIL
import safetensors.torch
import timm
import torch
import transformers
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGES = [(1, 60, 41), (2, 41, 90), (3, 64, 16), (4, 33, 200), (5, 20, 9)]  # seed, width, height
MODEL_IMAGES = [(7, 70, 37), (8, 30, 90)]
SHAPES = [(16, 64), (64, 16), (24, 41)]  # height, width


def noise(seed, width, height):
    """A linear congruential generator's high bytes, as in ../resize/make.py."""
    values = np.empty(width * height * 3, np.uint8)
    state = seed
    for i in range(len(values)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = state >> 24
    return Image.fromarray(values.reshape(height, width, 3))


def crc(channels_first):
    """Of bytes [3, height, width], row by row with the three values of a pixel side by side."""
    return zlib.crc32(np.ascontiguousarray(np.asarray(channels_first, np.uint8).transpose(1, 2, 0)).tobytes())


def timm_cases():
    for height, width in SHAPES:
        for mode, pct, interpolation in [("center", 0.9, "bicubic"), ("center", 1.0, "bilinear"),
                                         ("squash", 1.0, "bicubic"), ("squash", 0.875, "bilinear")]:
            transform = timm.data.create_transform((3, height, width), crop_pct=pct, crop_mode=mode,
                                                   interpolation=interpolation, normalize=False)
            cfg = {"input_size": [3, height, width], "crop_pct": pct, "crop_mode": mode, "interpolation": interpolation}
            yield "config.json", {"pretrained_cfg": cfg}, lambda image, t=transform: t(image).numpy()


def hugging_face_cases():
    side = lambda height, width: {"height": height, "width": width}
    cases = [(ViTImageProcessorPil, {"size": side(*shape), "resample": 2}) for shape in SHAPES]
    cases += [(DeiTImageProcessorPil, {"size": side(*size), "crop_size": side(*crop), "do_center_crop": True, "resample": 3})
              for size, crop in [((20, 80), (16, 64)), ((67, 16), (64, 16)), ((40, 45), (23, 42))]]
    cases += [(CLIPImageProcessorPil, {"size": {"shortest_edge": edge}, "crop_size": side(*crop), "do_center_crop": True,
                                       "resample": resample})
              for edge, crop, resample in [(64, (16, 64), 3), (67, (64, 16), 2), (43, (23, 42), 3)]]
    for kind, fields in cases:
        processor = kind(**fields)
        config = {"image_processor_type": kind.__name__.removesuffix("Pil"), **fields}
        yield "preprocessor_config.json", config, lambda image, p=processor: p(
            image, do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"][0]


def open_clip_cases():
    for height, width in SHAPES:
        # By the shortest side it takes its default, bicubic, whatever interpolation says.
        for mode, interpolation in [("shortest", "bicubic"), ("shortest", "bilinear"), ("squash", "bilinear"),
                                    ("longest", "bicubic")]:
            transform = open_clip.transform.image_transform([height, width], False, mean=(0, 0, 0), std=(1, 1, 1),
                                                            resize_mode=mode, interpolation=interpolation)
            config = {"model_cfg": {"vision_cfg": {"image_size": [height, width]}},
                      "preprocess_cfg": {"resize_mode": mode, "interpolation": interpolation}}
            yield "open_clip_config.json", config, lambda image, t=transform: np.rint(t(image).numpy() * 255)


def write_pixels():
    rows = []
    for cases in (timm_cases, hugging_face_cases, open_clip_cases):
        for file, config, prepare in cases():
            rows.append({"file": file, "config": config, "crc32": [crc(prepare(noise(*image))) for image in IMAGES]})
    with open(os.path.join(HERE, "pixels.json"), "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def fill(model, seed):
    """Seeded values at which no part is idle."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        scale = 0.2 if parameter.ndim < 2 or "embed" in name or "token" in name else 0.3
        values = torch.randn(parameter.shape, generator=generator) * scale
        parameter.data.copy_(values + 1 if "norm" in name and name.endswith("weight") else values)


def write_timm():
    args = dict(img_size=(16, 64), patch_size=8, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2.0, num_classes=3)
    model = timm.create_model("vit_tiny_patch16_224", **args).eval()
    model.pretrained_cfg = dict(model.pretrained_cfg, input_size=(3, 16, 64))
    fill(model, 1)
    timm.models.save_for_hf(model, os.path.join(HERE, "timm"), model_args=args, safe_serialization=True)
    data = timm.data.resolve_model_data_config(model)
    assert data["input_size"] == (3, 16, 64), data
    golden = {}
    with torch.no_grad():
        images = torch.stack([timm.data.create_transform(**data)(noise(*image)) for image in MODEL_IMAGES])
        golden["logits"] = model(images)
        larger = copy.deepcopy(model)
        larger.set_input_size((32, 40))  # interpolates from 2 x 8 places
        images = torch.stack([timm.data.create_transform(**dict(data, input_size=(3, 32, 40)))(noise(*image))
                              for image in MODEL_IMAGES])
        golden["logits_32x40"] = larger(images)
    safetensors.torch.save_file(golden, os.path.join(HERE, "timm/golden.safetensors"))


def write_hugging_face():
    config = transformers.ViTConfig(image_size=[16, 64], patch_size=8, hidden_size=16, num_hidden_layers=2,
                                    num_attention_heads=2, intermediate_size=32, num_labels=3)
    model = transformers.ViTForImageClassification(config).eval()
    fill(model, 2)
    processor = ViTImageProcessorPil(size={"height": 16, "width": 64})
    model.save_pretrained(os.path.join(HERE, "hf"))
    processor.save_pretrained(os.path.join(HERE, "hf"))
    with torch.no_grad():
        pixels = processor([noise(*image) for image in MODEL_IMAGES], return_tensors="pt")["pixel_values"]
        golden = {"logits": model(pixels).logits}
    safetensors.torch.save_file(golden, os.path.join(HERE, "hf/golden.safetensors"))


if __name__ == "__main__":
    assert PIL.__version__ == "12.0.0", PIL.__version__
    torch.set_num_threads(1)
    write_pixels()
    write_timm()
    write_hugging_face()
