"""Makes methods.safetensors: what GRFT, GPS and SIFT choose in `vit_b`, and twenty training steps with each.

Scoring and training run in float64 from the F32 weights of vit_b.safetensors and F32 images, without augmentation or
shuffling, in two batches of eight. Training is Adam over all parameters with the gradient multiplied by a mask.

The images' seed is the first for which the last chosen and the first unchosen score differ by more than GAP, relative
to the former, in every matrix or row, so that float32 scoring chooses the same. The script repeats everything in float32
and prints how far that is off.
"""
import json
from pathlib import Path

import torch
from torch.nn import functional as F

from make_models import CONFIGS
from safetensors_io import load, save
from selection import mask_of, packed, select, targets, trains_whole
from vit import Vit, supcon

HERE = Path(__file__).parent
GAP = 1e-3
BATCH, STEPS, LR = 8, 20, 1e-3
SUPCON = dict(score="supcon", score_batches=2)
METHODS = {
  "grft": dict(unit="short", k=2, anchor=0.01, train_bias=False, **SUPCON),
  "grft_no_anchor": dict(unit="short", k=2, anchor=0, train_bias=False, **SUPCON),
  "grft_rows": dict(unit="row", k=2, anchor=0.01, train_bias=False, **SUPCON),
  "grft_columns": dict(unit="column", k=2, anchor=0.01, train_bias=False, **SUPCON),
  "gps": dict(unit="element per row", k=1, anchor=0, train_bias=True, **SUPCON),
  "sift": dict(unit="element", rate=0.01, anchor=0, train_bias=False, score="ce", score_batches=1),
}


def pretrained(dtype):
  """vit_b as stored."""
  tensors, _ = load(HERE / "vit_b.safetensors")
  model = Vit(**CONFIGS["vit_b"])
  model.load_state_dict({name: tensors[name] for name in model.state_dict()})
  return model.to(dtype)


def training_set(seed):
  """Sixteen images of noise, and their labels."""
  random = torch.Generator().manual_seed(seed)
  return torch.randn(16, 3, 20, 20, generator=random), torch.randint(7, [16], generator=random)


def score(images, labels, dtype, loss, batches):
  """The signed gradient of each target, as a matrix, summed over the batches; and each batch's loss."""
  model = pretrained(dtype)
  losses = []
  for x, y in list(zip(images.to(dtype).split(BATCH), labels.split(BATCH)))[:batches]:
    if loss == "supcon":
      value = supcon(model.features(torch.cat([x, x])), y)
    else:
      value = F.cross_entropy(model(x), y)
    value.backward()
    losses.append(value.item())
  return {name: p.grad.flatten(1) for name, p in targets(model).items()}, losses


def train(images, labels, dtype, selection, anchor, train_bias):
  """Twenty steps of masked dense Adam: the model, and each step's loss and penalty before the step."""
  model = pretrained(dtype)
  before = {name: p.data.clone() for name, p in model.named_parameters()}
  masks = {}
  for name, p in model.named_parameters():
    masks[name] = torch.full_like(p, float(trains_whole(name, train_bias)))
  for name, (kind, places, _, _) in selection.items():
    masks[name] = mask_of(before[name].flatten(1), kind, places).view_as(before[name])

  adam = torch.optim.Adam(model.parameters(), lr=LR, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
  batches = list(zip(images.to(dtype).split(BATCH), labels.split(BATCH)))
  losses, penalties = [], []
  for step in range(STEPS):
    x, y = batches[step % len(batches)]
    loss = F.cross_entropy(model(x), y)
    penalty = anchor * sum((p - before[n]).mul(masks[n]).square().sum() for n, p in targets(model).items())
    adam.zero_grad()
    (loss + penalty).backward()
    for name, p in model.named_parameters():
      p.grad *= masks[name]
    adam.step()
    losses.append(loss.item())
    penalties.append(penalty.item())
  for name, p in model.named_parameters():
    assert torch.equal(p.data[masks[name] == 0], before[name][masks[name] == 0]), name + ": a frozen value moved"
  return model, losses, penalties


def run(images, labels, dtype, options):
  """Everything one method leaves: tensors by name without the method's own, and the kind of unit of each target."""
  gradients, score_losses = score(images, labels, dtype, options["score"], options["score_batches"])
  selection = {name: select(g, **options) for name, g in gradients.items()}
  model, losses, penalties = train(images, labels, dtype, selection, options["anchor"], options["train_bias"])
  tensors = {"loss": losses, "penalty": penalties, "score_loss": score_losses}
  tensors = {n: torch.tensor(values, dtype=torch.float64) for n, values in tensors.items()}
  for name, p in model.named_parameters():
    if name in selection:
      kind, places, scores, _ = selection[name]
      tensors |= {"selected." + name: places, "score." + name: scores}
      tensors["final." + name] = packed(p.data.flatten(1), kind, places)
    elif trains_whole(name, options["train_bias"]):
      tensors["final." + name] = p.data
  return tensors, {name: kind for name, (kind, *_) in selection.items()}


def smallest_gaps(seed):
  """Per method, over all targets."""
  images, labels = training_set(seed)
  found = {}
  for name, options in METHODS.items():
    gradients, _ = score(images, labels, torch.float64, options["score"], options["score_batches"])
    found[name] = min(select(g, **options)[3] for g in gradients.values())
  return found


def report(name, exact, single):
  """Prints how far float32 is from float64: the losses, then the values that train."""
  off = {n: (single[n] - t).abs() for n, t in exact.items() if n.startswith("final.")}
  keys = {n: d[32:64].max() for n, d in off.items() if n.endswith("qkv.bias")}  # vit_b: width 32, rows are q, k, v
  rest = max(torch.cat([d[:32], d[64:]]).max() if n in keys else d.max() for n, d in off.items())
  same = all(torch.equal(t, single[n]) for n, t in exact.items() if n.startswith("selected."))
  first, last = exact["loss"][:2].mean(), exact["loss"][-2:].mean()
  print(f"{name}: float32 chooses the same: {same}; loss {first:.6f} -> {last:.6f}, "
        f"off by {(single['loss'] - exact['loss']).abs().max():.1e}; final values off by {rest:.1e}"
        + (f", key biases by {max(keys.values()):.1e}" if keys else ""))


def main():
  seed = 0
  while min((gaps := smallest_gaps(seed)).values()) <= GAP:
    seed += 1
  print(f"seed {seed}, smallest gaps:", {name: f"{gap:.2e}" for name, gap in gaps.items()})

  images, labels = training_set(seed)
  tensors = {"images": images, "labels": labels}
  metadata = {
    "made_with": f"torch {torch.__version__}, float64", "model": "vit_b.safetensors", "seed": str(seed),
    "batch_size": str(BATCH), "steps": str(STEPS), "temperature": "0.07",
    "optimizer": json.dumps(dict(name="adam", lr=LR, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)),
  }
  for name, options in METHODS.items():
    exact, kinds = run(images, labels, torch.float64, options)
    single, _ = run(images, labels, torch.float32, options)
    report(name, exact, single)
    tensors |= {f"{name}.{n}": t.float() if n.startswith("final.") else t for n, t in exact.items()}
    metadata[name] = json.dumps(options | {"smallest_gap": gaps[name]})
    metadata[name + ".units"] = json.dumps(kinds)
  save(HERE / "methods.safetensors", tensors, metadata)


if __name__ == "__main__":
  torch.set_num_threads(1)
  main()
