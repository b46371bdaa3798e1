#!/usr/bin/env python3
"""What `espalier bench` measures, done by PyTorch: a Vision Transformer of timm's layout on random weights.

  bench/peer.py --mode infer|full|gps|lora|score|rank --arch NAME --batch N [--image-size N] [--repeats 3] [--threads N]
  bench/peer.py --export FILE --arch NAME --batch N   the model as ONNX, for bench/peer_onnx.py
  bench/peer.py --probe blas   GFLOP/s of the products of one linear layer, to find the fastest BLAS
  bench/peer.py --probe step   images/s of a step of full on ViT-Ti

infer is a forward pass under no_grad; full a step of Adam on every weight; gps the step of GPS as its authors' code does
it: all weights get a gradient, which is multiplied by a mask (the strongest input of every neuron, biases and head), and
Adam moves all; score the scoring of GPS by one batch of stacked views, the gradient of every weight summed up; rank its choice by
them as its authors' code makes it, every row sorted, with a dense mask; lora a step on low-rank updates of qkv and the head, the base frozen. Prints one line of JSON. Attention
is PyTorch's own function where it has one (from 2.0 on), and written out where it has not. Other models than the plain ones below
are timm's own, by their names; they infer and make the step of GPS.
"""
import argparse
import os
import statistics

import numpy
import torch
from torch import nn
from torch.nn import functional as F

from one_pass import report, seconds_of

SIZES = {  # width, heads
    "vit_tiny_patch16_224": (192, 3),
    "vit_small_patch16_224": (384, 6),
    "vit_base_patch16_224": (768, 12),
}
DEPTH, PATCH, SIDE, CLASSES = 12, 16, 224, 10
LEARNING_RATE, LORA_RANK, LORA_ALPHA = 1e-3, 8, 8
CHOOSING_IMAGES = 2


class Lora(nn.Module):
    """A frozen linear layer with a low-rank update beside it."""

    def __init__(self, base):
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.in_features, LORA_RANK, bias=False)
        self.up = nn.Linear(LORA_RANK, base.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x):
        return self.base(x) + self.up(self.down(x)) * (LORA_ALPHA / LORA_RANK)


def attention(q, k, v):
    scores = (q @ k.transpose(-2, -1)) * q.shape[-1] ** -0.5
    return scores.softmax(dim=-1) @ v


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.attend = heads, getattr(F, "scaled_dot_product_attention", attention)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return self.proj(self.attend(q, k, v).transpose(1, 2).reshape(n, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * 1e-6)
        self.pos_embed = nn.Parameter(torch.randn(1, (SIDE // PATCH) ** 2 + 1, width) * 0.02)
        self.patch_embed = nn.Conv2d(3, width, PATCH, stride=PATCH)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(DEPTH)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, CLASSES)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, images):
        x = self.patch_embed(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1) + self.pos_embed
        # The norm works token by token, so only the class token needs it.
        return self.head(self.norm(self.blocks(x)[:, 0]))


def model_of(arch, side):
    if arch in SIZES:
        return Vit(*SIZES[arch])
    import timm

    model = timm.create_model(arch, num_classes=CLASSES, img_size=side)
    model.eval()  # no dropout; gradients are the same
    return model


def random_batch(count, side):
    return torch.randn(count, 3, side, side), torch.arange(count) % CLASSES


def gps_masks(model, side):
    """1 where GPS trains: the strongest input of every neuron, all biases but the norms', and the head."""
    images, labels = random_batch(CHOOSING_IMAGES, side)
    F.cross_entropy(model(images), labels).backward()
    masks = {}
    for name, weight in model.named_parameters():
        mask = torch.zeros_like(weight)
        if name.startswith("head.") or (name.endswith(".bias") and "norm" not in name):
            mask.fill_(1)
        elif name.endswith(".weight") and weight.dim() > 1 and weight.grad is not None:
            strongest = weight.grad.flatten(1).abs().argmax(dim=1, keepdim=True)
            mask.flatten(1).scatter_(1, strongest, 1.0)
        masks[weight] = mask
    model.zero_grad(set_to_none=True)
    return masks


def supervised_contrast(features, labels, temperature=0.07):
    """Khosla et al. 2020: every other row of the same label is a positive."""
    features = F.normalize(features, dim=1)
    scores = features @ features.t() / temperature
    itself = torch.eye(len(labels), dtype=torch.bool)
    scores = (scores - scores.max(dim=1, keepdim=True).values.detach()).masked_fill(itself, float("-inf"))
    log_share = (scores - scores.logsumexp(dim=1, keepdim=True)).masked_fill(itself, 0)
    positive = (labels[:, None] == labels[None, :]) & ~itself
    return -(log_share * positive).sum(1).div(positive.sum(1)).mean()


def rank_by_sorting(gradients, count=1):
    """Masks with the `count` strongest inputs of every neuron, by a full sort of every row."""
    masks = []
    for gradient in gradients:
        sizes = gradient.abs().flatten(1).numpy()
        order = numpy.argsort(sizes)
        mask = numpy.ones_like(sizes)
        for place in range(count):
            mask[numpy.arange(len(sizes)), order[:, -(place + 1)]] = 0
        masks.append(torch.from_numpy(mask).view_as(gradient))
    return masks


def make_scoring(mode, model, batch, side):
    images, _ = random_batch(batch, side)
    labels = torch.arange(batch) // 2 % CLASSES
    if mode == "rank":
        gradients = [torch.randn_like(w) for w in model.parameters() if w.dim() > 1 and w.shape[0] > 1]
        return lambda: rank_by_sorting(gradients)
    model.head = nn.Identity()

    def score():
        supervised_contrast(model(images), labels).backward()

    return score


def make_pass(mode, model, batch, side):
    if mode in ("score", "rank"):
        return make_scoring(mode, model, batch, side)
    images, labels = random_batch(batch, side)
    if mode == "infer":
        model.eval()

        def infer():
            with torch.no_grad():
                model(images)

        return infer
    if mode == "lora":
        model.requires_grad_(False)
        for block in model.blocks:
            block.attn.qkv = Lora(block.attn.qkv)
        for block in model.blocks:
            block.attn.qkv.base.requires_grad_(False)
        model.head.requires_grad_(True)
    masks = gps_masks(model, side) if mode == "gps" else {}
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=LEARNING_RATE)

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(images), labels).backward()
        for weight, mask in masks.items():
            if weight.grad is not None:
                weight.grad *= mask
        optimizer.step()

    return step


def probe_step():
    batch = 8
    step = make_pass("full", Vit(*SIZES["vit_tiny_patch16_224"]), batch, SIDE)
    step()
    print(batch / statistics.median(seconds_of(step) for _ in range(5)))


def probe_blas():
    x, w, dy = torch.randn(1576, 384), torch.randn(1536, 384), torch.randn(1576, 1536)
    products = [lambda: x @ w.t(), lambda: dy @ w, lambda: dy.t() @ x]
    seconds = sum(statistics.median([seconds_of(p) for _ in range(20)][5:]) for p in products)
    print(2e-9 * len(products) * 1576 * 384 * 1536 / seconds)


def export(model, batch, path):
    images, _ = random_batch(batch, SIDE)
    torch.onnx.export(model.eval(), (images,), path, dynamo=True, external_data=False, verbose=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--probe", choices=["blas", "step"])
    parser.add_argument("--mode", choices=["infer", "full", "gps", "lora", "score", "rank"])
    parser.add_argument("--export", metavar="FILE")
    parser.add_argument("--arch", help=f"{', '.join(sorted(SIZES))}, or another name of timm's")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--image-size", type=int, default=SIDE)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    if options.probe:
        return {"blas": probe_blas, "step": probe_step}[options.probe]()
    if not ((options.mode or options.export) and options.arch and options.batch):
        parser.error("--mode or --export, --arch and --batch are needed")
    model = model_of(options.arch, options.image_size)
    if options.export:
        return export(model, options.batch, options.export)
    report(make_pass(options.mode, model, options.batch, options.image_size), options.batch, options.repeats)


if __name__ == "__main__":
    main()
