"""Makes baselines.safetensors: ten steps of training `vit_b` with each method beside GRFT, GPS and SIFT.

Every method is written from its paper's formula, on the plain model of vit.py: adapters are hooks that replace a layer's
input or output, a selection is dense Adam with its gradient masked, and autograd gives every gradient. Everything runs in
float64, from F32 weights and the images of methods.safetensors, in two batches of eight. The initial values of adapters
are random, none zero, so that each has a gradient; they are stored.

A case's seed makes its labels and those initial values. It is the first for which no choice hangs on a near-tie: the
last taken and the first not taken differ by more than the case's gap, relative to the former. The script repeats
everything in float32 and prints how far that is off.
"""
import json
import math
from dataclasses import dataclass, field
from functools import partial
from typing import Callable

import torch
from torch.nn import functional as F

from make_methods import BATCH, HERE, LR, pretrained
from safetensors_io import load, save
from selection import mask_of, select, strongest, targets

STEPS = 10
MATRIX = "blocks.1.attn.qkv.weight"  # the one SaRA is given, since it draws a matrix at random every step


@dataclass
class Tuning:
  """What trains of a model. At half time that may change; Adam starts over then."""
  masks: dict  # by the name of a parameter of the model: ones where it trains
  added: dict = field(default_factory=dict)  # parameters beside the model's own
  penalty: Callable = lambda: torch.zeros(())
  half_time: Callable = None
  second_lr: float = 1  # factor of the learning rate after half time
  gap: float = math.inf  # the smallest of all choices
  moved: dict = None  # ones where a value may have moved by the end; None: where it trains then


def whole(model, trains):
  """The masks that train the head and every parameter whose name `trains` accepts."""
  return {n: torch.full_like(p, float(n.startswith("head.") or trains(n))) for n, p in model.named_parameters()}


def head_only(model):
  return whole(model, lambda name: False)


def everything(model):
  return whole(model, lambda name: True)


class Start:
  """The initial values of what a method adds, by name; F32 values around `center`."""

  def __init__(self, model, random):
    self.like, self.random, self.added = model.head.weight, random, {}

  def __call__(self, name, *shape, center=0.0):
    values = (0.1 * torch.randn(shape, generator=self.random) + center).float()
    self.added[name] = values.to(self.like.dtype).requires_grad_()
    return self.added[name]


def layers(model, *endings):
  """The modules whose name ends so, by name."""
  return [(n, m) for n, m in model.named_modules() if n.endswith(endings)]


# Adapters. A hook gets the layer, its inputs and its output, and returns the new output.

def lora(model, random, _, rank=4, alpha=8, rslora=False):
  """W + scale B A (Hu et al. 2021), scale alpha / rank, or alpha / sqrt(rank) (Kalajdzievski 2023)."""
  start = Start(model, random)
  scale = alpha / (math.sqrt(rank) if rslora else rank)
  for name, layer in layers(model, "attn.qkv"):
    a = start(name + ".lora.a", rank, layer.in_features)
    b = start(name + ".lora.b", layer.out_features, rank)
    layer.register_forward_hook(
      lambda layer, x, y, a=a, b=b: F.linear(x[0], layer.weight + scale * b @ a, layer.bias))
  return Tuning(head_only(model), start.added)


def dora(model, random, _, rank=4, alpha=8):
  """m V / |V| with V = W + scale B A, row by row; |V| is a constant in the backward pass (Liu et al. 2024, 4.3)."""
  start = Start(model, random)

  def forward(layer, x, y, a, b, m):
    v = layer.weight + alpha / rank * b @ a
    return F.linear(x[0], m[:, None] * v / v.norm(dim=1, keepdim=True).detach(), layer.bias)

  for name, layer in layers(model, "attn.qkv"):
    a = start(name + ".dora.a", rank, layer.in_features)
    b = start(name + ".dora.b", layer.out_features, rank)
    m = start(name + ".dora.magnitude", layer.out_features, center=layer.weight.data.float().norm(dim=1))
    layer.register_forward_hook(partial(forward, a=a, b=b, m=m))
  return Tuning(head_only(model), start.added)


def adapter(model, random, _, style, rank=8):
  """h + s up(gelu(down(h))) with h the layer's output, or its input for the one beside the mlp."""
  start = Start(model, random)
  parallel = style == "parallel"

  def forward(layer, x, y, down, up):
    bottleneck = F.linear(F.gelu(F.linear(x[0] if parallel else y, *down)), *up)
    return y + (0.1 if parallel else 1) * bottleneck

  for name, layer in layers(model, *([".attn", ".mlp"] if style == "houlsby" else [".mlp"])):
    width = model.head.in_features
    down = start(name + ".adapter.down.weight", rank, width), start(name + ".adapter.down.bias", rank)
    up = start(name + ".adapter.up.weight", width, rank), start(name + ".adapter.up.bias", width)
    layer.register_forward_hook(partial(forward, down=down, up=up))
  return Tuning(head_only(model), start.added)


def ssf(model, random, _):
  """scale * y + shift of every feature (Lian et al. 2022)."""
  start = Start(model, random)

  def forward(layer, x, y, scale, shift):
    features = (-1, 1, 1) if y.dim() == 4 else (-1,)  # a convolution's are the second axis of four
    return y * scale.view(features) + shift.view(features)

  for name, layer in layers(model, "patch_embed.proj", "norm", "norm1", "norm2", "qkv", "attn.proj", "fc1", "fc2"):
    features = len(layer.weight)
    scale, shift = start(name + ".ssf.scale", features, center=1), start(name + ".ssf.shift", features)
    layer.register_forward_hook(partial(forward, scale=scale, shift=shift))
  return Tuning(head_only(model), start.added)


def vpt(model, random, _, deep, count=3):
  """[class token, prompts, patches]; `deep`, each block's prompts take the place of the former (Jia et al. 2022)."""
  start = Start(model, random)
  for i, block in enumerate(model.blocks if deep else model.blocks[:1]):
    prompts = start(f"blocks.{i}.vpt.prompts" if deep else "blocks.vpt.prompts", 1, count, model.head.in_features)
    block.register_forward_pre_hook(
      lambda block, x, p=prompts, former=count if i > 0 else 0:
      torch.cat([x[0][:, :1], p.expand(len(x[0]), -1, -1), x[0][:, 1 + former:]], 1))
  return Tuning(head_only(model), start.added)


# Selections by name.

def bitfit(model, *_):
  return Tuning(whole(model, lambda name: name.endswith(".bias")))


def ln(model, *_):
  return Tuning(whole(model, lambda name: "norm" in name))


def last_k(model, *_):
  return Tuning(whole(model, lambda name: name.startswith(("blocks.2.", "norm."))))


def l2_sp(model, *_):
  """anchor (|w - w0|^2 + |head|^2) is added to the loss (Li et al. 2018, whose alpha and beta are twice the anchor)."""
  before = {n: torch.zeros_like(p) if n.startswith("head.") else p.data.clone() for n, p in model.named_parameters()}
  return Tuning(everything(model), penalty=lambda: 0.01 * sum(
    (p - before[n]).square().sum() for n, p in model.named_parameters()))


# Selections by weight or gradient.

def batch_gradients(model, batches, parameters):
  """The gradients of each batch's cross entropy, by name."""
  for x, y in batches:
    yield dict(zip(parameters, torch.autograd.grad(F.cross_entropy(model(x), y), list(parameters.values()))))


def gradient_sum(model, batches, power, parameters):
  """The sum over the batches of the gradient to this power."""
  found = list(batch_gradients(model, batches, parameters))
  return {n: sum(g[n] ** power for g in found) for n in parameters}


def selected(model, scores, gap_counts=True, **unit):
  """The head, and of every target the units whose score is largest."""
  masks, gaps = head_only(model), []
  for name, score in scores.items():
    kind, places, _, gap = select(score.flatten(1), **unit)
    masks[name] = mask_of(score.flatten(1), kind, places).view_as(score)
    gaps.append(gap)
  return Tuning(masks, gap=min(gaps) if gap_counts else math.inf)


def fisher(model, _, batches):
  """The diagonal of the empirical Fisher information of batches (Sung et al. 2021)."""
  return selected(model, gradient_sum(model, batches, 2, targets(model)), unit="element per row", k=1)


def magnitude(model, *_):
  """The weights are the same F32 values for everyone: near-ties do no harm."""
  weights = {n: p.data for n, p in targets(model).items()}
  return selected(model, weights, gap_counts=False, unit="element per row", k=2)


def shira_snip(model, _, batches):
  """|w g| (Lee et al. 2019) as the mask of SHiRA (Bhardwaj et al. 2024)."""
  sums = gradient_sum(model, batches, 1, targets(model))
  return selected(model, {n: p.data * sums[n] for n, p in targets(model).items()}, unit="element", rate=0.01)


def sam(model, _, batches):
  """g^2 / h with h equal everywhere (Fu et al. 2023). As SIFT one more than floor(rate n), which the paper has."""
  return selected(model, gradient_sum(model, batches, 1, targets(model)), unit="element", rate=0.01)


def strongest_overall(tensors, count):
  """Masks of the `count` largest magnitudes of all tensors together, and the gap below the last of them."""
  places, gap = strongest(torch.cat([t.abs().flatten() for t in tensors.values()]), count)
  mask = torch.zeros(sum(t.numel() for t in tensors.values()), dtype=torch.float64)
  mask[places] = 1
  parts = mask.split([t.numel() for t in tensors.values()])
  return {n: m.view_as(t).to(t.dtype) for (n, t), m in zip(tensors.items(), parts)}, gap


# Methods that change while training, or choose and attach.

def spt(model, random, batches, rate=0.03, rank=2, alpha=8, matrix=10, vector=5):
  """Sensitive matrices get LoRA, sensitive vectors train whole, else the sensitive elements do (He et al. 2023)."""
  pool = {n: p for n, p in model.named_parameters() if not n.startswith(("head.", "patch_embed.", "cls_token"))}
  total = sum(p.numel() for p in pool.values())
  sensitive, gap = strongest_overall(gradient_sum(model, batches, 2, pool), round(rate * total))
  masks, start = whole(model, lambda name: name == "cls_token") | sensitive, Start(model, random)
  linear = dict(layers(model, "qkv", "attn.proj", "fc1", "fc2"))
  for name, mask in sensitive.items():
    layer = linear.get(name[:-len(".weight")]) if name.endswith(".weight") else None
    if layer is not None and mask.sum() >= rank * (layer.in_features + layer.out_features) / matrix:
      a = start(name[:-len("weight")] + "lora.a", rank, layer.in_features)
      b = start(name[:-len("weight")] + "lora.b", layer.out_features, rank)
      layer.register_forward_hook(
        lambda layer, x, y, a=a, b=b: F.linear(x[0], layer.weight + alpha / rank * b @ a, layer.bias))
      masks[name] = torch.zeros_like(mask)
    elif mask.dim() == 1 and mask.sum() >= mask.numel() / vector:
      masks[name] = torch.ones_like(mask)
  return Tuning(masks, start.added, gap=gap)


def sara(model, *_, threshold=0.005, nuclear=5e-4):
  """|w| < threshold trains, of one matrix here; nuclear |M|_*; at half time what has grown stays (Hu et al. 2024).

  The gradient of |M|_* is U V^T of the singular values above zero: M is sparse and of a lower rank than its shape.
  """
  w = dict(model.named_parameters())[MATRIX]
  tuning = Tuning(head_only(model))
  tuning.masks[MATRIX] = (w.data.abs() < threshold).to(w.dtype)
  tuning.moved = dict(tuning.masks)

  def penalty():
    m = w * tuning.masks[MATRIX]
    u, s, vt = torch.linalg.svd(m.detach().double(), full_matrices=False)
    r = int((s > 1e-6 * s[0]).sum())
    return nuclear * ((u[:, :r] @ vt[:r]).to(w.dtype) * m).sum()  # its value is |M|_*, its gradient U V^T

  def half_time():
    sizes = w.data.abs()[tuning.masks[MATRIX] > 0] / threshold
    tuning.gap = (sizes - 1).abs().min().item()
    tuning.masks[MATRIX] = tuning.masks[MATRIX] * (w.data.abs() < threshold)

  tuning.penalty, tuning.half_time = penalty, half_time
  return tuning


def lt_sft(model, *_, rate=0.02):
  """The values that moved most train again from the start (Ansell et al. 2022)."""
  before = {n: p.data.clone() for n, p in model.named_parameters()}
  tuning = Tuning(everything(model))

  def half_time():
    movements = {n: p.data - before[n] for n, p in model.named_parameters() if not n.startswith("head.")}
    count = int(rate * sum(m.numel() for m in movements.values()))
    chosen, tuning.gap = strongest_overall(movements, count)
    tuning.masks |= chosen
    for n, p in model.named_parameters():
      p.data.copy_(before[n])

  tuning.half_time = half_time
  return tuning


def lp_ft(model, *_):
  """The head first, then everything at a tenth of the rate (Kumar et al. 2022)."""
  tuning = Tuning(head_only(model), second_lr=0.1)
  tuning.half_time = lambda: tuning.masks.update(everything(model))
  return tuning


CASES = {  # the method and the gap that its choices need
  "lora": (lora, 0), "rslora": (partial(lora, rslora=True), 0), "dora": (dora, 0),
  "houlsby": (partial(adapter, style="houlsby"), 0), "pfeiffer": (partial(adapter, style="pfeiffer"), 0),
  "parallel": (partial(adapter, style="parallel"), 0), "ssf": (ssf, 0),
  "vpt_deep": (partial(vpt, deep=True), 0), "vpt_shallow": (partial(vpt, deep=False), 0),
  "bitfit": (bitfit, 0), "ln": (ln, 0), "last_k": (last_k, 0), "l2_sp": (l2_sp, 0),
  "fisher": (fisher, 1e-3), "magnitude": (magnitude, 0), "shira_snip": (shira_snip, 1e-3), "sam": (sam, 1e-3),
  "spt": (spt, 1e-3), "sara": (sara, 1e-3), "lt_sft": (lt_sft, 1e-4), "lp_ft": (lp_ft, 0),
}


def train(make, images, seed, dtype):
  """What a case leaves, by name without the case's own; and its smallest gap."""
  random = torch.Generator().manual_seed(seed)
  labels = torch.randint(7, [len(images)], generator=random)
  batches = list(zip(images.to(dtype).split(BATCH), labels.split(BATCH)))
  model = pretrained(dtype)
  before = {n: p.data.clone() for n, p in model.named_parameters()}
  tuning = make(model, random, batches)
  tensors = {"labels": labels} | {"start." + n: p.data.float() for n, p in tuning.added.items()}

  new_adam = partial(torch.optim.Adam, [*model.parameters(), *tuning.added.values()], betas=(0.9, 0.999), eps=1e-8)
  adam = new_adam(lr=LR)
  losses, penalties = [], []
  for step in range(STEPS):
    if tuning.half_time and step == STEPS // 2:
      tuning.half_time()
      adam = new_adam(lr=LR * tuning.second_lr)
    x, y = batches[step % len(batches)]
    loss, penalty = F.cross_entropy(model(x), y), tuning.penalty()
    adam.zero_grad()
    (loss + penalty).backward()
    for name, p in model.named_parameters():
      p.grad *= tuning.masks[name]
    adam.step()
    losses.append(loss.item())
    penalties.append(penalty.item())

  tensors |= {"loss": torch.tensor(losses).double(), "penalty": torch.tensor(penalties).double()}
  tensors |= {"final." + n: p.data for n, p in tuning.added.items()}
  for name, mask in (tuning.moved or tuning.masks).items():
    value, places = dict(model.named_parameters())[name].data, mask.flatten().nonzero().flatten()
    assert torch.equal(value[mask == 0], before[name][mask == 0]), name + ": a frozen value moved"
    if len(places) == mask.numel():
      tensors["final." + name] = value
    elif len(places) > 0:
      tensors |= {"selected." + name: places, "final." + name: value.flatten()[places]}
  return tensors, tuning.gap


def report(name, exact, single, seed, gap):
  """Prints how far float32 is from float64: the losses, then the values that train, key biases left out."""
  same = all(torch.equal(t, single[n]) for n, t in exact.items() if n.startswith("selected."))
  off = 0
  for n, t in exact.items():
    if n.startswith("final.") and same:
      d, width = (single[n] - t).abs(), len(t) // 3
      if n.endswith(("qkv.bias", "qkv.ssf.shift")):
        d[width:2 * width] = 0
      off = max(off, d.max().item())
  first, last = exact["loss"][:2].mean(), exact["loss"][-2:].mean()
  count = sum(t.numel() for n, t in exact.items() if n.startswith("final."))
  print(f"{name}: seed {seed}, gap {gap:.1e}, {count} values, loss {first:.4f} -> {last:.4f}; float32 chooses the same: "
        f"{same}, losses off by {(single['loss'] - exact['loss']).abs().max():.1e}, values by {off:.1e}")


def main():
  images = load(HERE / "methods.safetensors")[0]["images"]
  tensors, metadata = {}, {
    "made_with": f"torch {torch.__version__}, float64", "model": "vit_b.safetensors",
    "images": "methods.safetensors", "batch_size": str(BATCH), "steps": str(STEPS),
    "optimizer": json.dumps(dict(name="adam", lr=LR, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)),
  }
  for name, (make, needed) in CASES.items():
    seed = 0
    while (found := train(make, images, seed, torch.float64))[1] <= needed:
      seed += 1
    exact, gap = found
    report(name, exact, train(make, images, seed, torch.float32)[0], seed, gap)
    tensors |= {f"{name}.{n}": t.float() if n.startswith("final.") else t for n, t in exact.items()}
    metadata[name] = json.dumps(dict(seed=seed, smallest_gap=gap if gap < math.inf else None))
  save(HERE / "baselines.safetensors", tensors, metadata)


if __name__ == "__main__":
  torch.set_num_threads(1)
  main()
