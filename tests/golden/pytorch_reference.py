"""The real task in plain PyTorch on a CPU, to compare espalier with: fine-tunes a timm ViT on train + val, tests once.

Images are squashed to the checkpoint's size (PIL, bicubic) and not augmented, when scoring too. Adam, half an epoch of
warm-up, then a cosine to zero. Masks are dense, as in the papers' own code: time and memory are a dense framework's.

  pytorch_reference.py --model FOLDER --data FOLDER --method grft --epochs 10 --lr 1e-3 --batch-size 32 --seed 0
"""
import argparse
import json
import math
import resource
import time
from pathlib import Path

import torch
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import ConcatDataset, DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms.functional import to_tensor

from safetensors_io import load
from selection import mask_of, select, targets, trains_whole
from vit import Vit, supcon

METHODS = {
  "linear": dict(),
  "full": dict(),
  "grft": dict(score="supcon", unit="short", k=2, anchor=0.01, train_bias=False),
  "gps": dict(score="supcon", unit="element per row", k=1, train_bias=True),
  "sift": dict(score="ce", unit="element", rate=0.01, train_bias=False),
}


def pretrained(folder, classes):
  """The checkpoint with a fresh head, the size of its images, and their mean and standard deviation."""
  tensors, metadata = load(folder / "model.safetensors")
  width, _, patch, _ = tensors["patch_embed.proj.weight"].shape
  image = patch * math.isqrt(tensors["pos_embed"].shape[1] - 1)
  depth = sum(name.endswith("norm1.weight") for name in tensors)
  heads = int(metadata.get("num_heads", width // 64))
  model = Vit(image, patch, width, depth, heads, len(tensors["blocks.0.mlp.fc1.bias"]), classes)
  torch.nn.init.trunc_normal_(model.head.weight, std=0.02)
  torch.nn.init.zeros_(model.head.bias)
  kept = {n: t for n, t in tensors.items() if not n.startswith("head.")}
  model.load_state_dict(kept | {n: t for n, t in model.state_dict().items() if n.startswith("head.")})
  config = json.loads((folder / "config.json").read_text())["pretrained_cfg"]
  return model, image, config["mean"], config["std"]


def images(root, size, mean, std):
  """The images of a folder with one folder per class."""
  mean, std = torch.tensor(mean).view(3, 1, 1), torch.tensor(std).view(3, 1, 1)
  return ImageFolder(str(root), lambda p: (to_tensor(p.resize((size, size), Image.BICUBIC)) - mean) / std)


def masks_of(model, loader, method):
  """What trains of each parameter: none of it (absent), or where the mask is one."""
  if method in ("linear", "full"):
    return {n: torch.ones_like(p) for n, p in model.named_parameters() if method == "full" or n.startswith("head.")}
  options = METHODS[method]
  for x, y in loader:
    features = model.features(x)
    if options["score"] == "supcon":  # the two views are the same image: one forward pass gives both
      loss = supcon(torch.cat([features, features]), y)
    else:
      loss = F.cross_entropy(model.head(features), y)
    loss.backward()  # gradients add up with their sign
    if options["score"] == "ce":
      break  # SIFT looks at one batch
  masks = {n: torch.ones_like(p) for n, p in model.named_parameters() if trains_whole(n, options["train_bias"])}
  for name, p in targets(model).items():
    kind, places, _, _ = select(p.grad.flatten(1), **options)
    masks[name] = mask_of(p.data.flatten(1), kind, places).view_as(p)
  model.zero_grad(set_to_none=True)
  return masks


def train(model, loader, masks, anchor, epochs, highest):
  """Masked Adam; prints a line per epoch."""
  before = {}
  for name, p in model.named_parameters():
    p.requires_grad_(name in masks)
    if anchor and name in targets(model):
      before[name] = p.data.clone()
  adam = torch.optim.Adam([p for p in model.parameters() if p.requires_grad])
  step, total, warm = 0, epochs * len(loader), max(len(loader) // 2, 1)
  for epoch in range(epochs):
    start, losses = time.time(), []
    for x, y in loader:
      rise, fall = (step + 1) / warm, 0.5 * (1 + math.cos(math.pi * (step - warm) / max(total - warm, 1)))
      adam.param_groups[0]["lr"] = highest * (rise if step < warm else fall)
      loss = F.cross_entropy(model(x), y)
      losses.append(loss.item())
      for name, w in before.items():
        loss = loss + anchor * (model.get_parameter(name) - w).square().sum()
      adam.zero_grad()
      loss.backward()
      for name, mask in masks.items():
        model.get_parameter(name).grad *= mask
      adam.step()
      step += 1
    print(f"epoch {epoch}: loss {sum(losses) / len(losses):.4f}, {time.time() - start:.1f} s", flush=True)


@torch.no_grad()
def top1(model, loader):
  """Percent."""
  right = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
  return 100 * right / len(loader.dataset)


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--model", type=Path, required=True, help="folder with model.safetensors and config.json")
  parser.add_argument("--data", type=Path, required=True, help="folder with train, val, test; a folder per class in each")
  parser.add_argument("--method", choices=METHODS, required=True)
  parser.add_argument("--epochs", type=int, default=10)
  parser.add_argument("--lr", type=float, default=1e-3)
  parser.add_argument("--batch-size", type=int, default=32)
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument("--threads", type=int, default=1)
  options = parser.parse_args()
  torch.set_num_threads(options.threads)
  torch.manual_seed(options.seed)

  classes = len([folder for folder in (options.data / "train").iterdir() if folder.is_dir()])
  model, *preprocessing = pretrained(options.model, classes)
  train_set, val_set, test_set = (images(options.data / split, *preprocessing) for split in ("train", "val", "test"))
  seen = ConcatDataset([train_set, val_set])
  loader = DataLoader(seen, options.batch_size, shuffle=True, drop_last=True)

  start = time.time()
  masks = masks_of(model, loader, options.method)
  print(f"scored in {time.time() - start:.1f} s", flush=True)
  start = time.time()
  train(model, loader, masks, METHODS[options.method].get("anchor", 0), options.epochs, options.lr)
  print(json.dumps({
    "method": options.method, "trainable": int(sum(m.sum().item() for m in masks.values())),
    "total": sum(p.numel() for p in model.parameters()), "seconds": round(time.time() - start, 1),
    "top1": top1(model, DataLoader(test_set, options.batch_size)),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
  }))


if __name__ == "__main__":
  main()
