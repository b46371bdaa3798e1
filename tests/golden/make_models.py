"""Makes vit_a.safetensors and vit_b.safetensors: two small models, their outputs, losses and gradients.

Weights, images and soft targets are stored as F32. Everything else is computed from those F32 values in float64.
"""
from pathlib import Path

import torch
from torch.nn import functional as F

from safetensors_io import save
from vit import Vit, supcon

HERE = Path(__file__).parent
CONFIGS = {
  "vit_a": dict(image=16, patch=8, width=24, depth=2, heads=3, hidden=96, classes=5),
  "vit_b": dict(image=20, patch=4, width=32, depth=3, heads=4, hidden=40, classes=7),
}


def randomize(model, random):
  """Weights no test can mistake for one another: norm weights around 1, nothing zero. They are F32 values."""
  for name, p in model.named_parameters():
    values = 0.2 * torch.randn(p.shape, generator=random)
    p.data = values + 1 if "norm" in name and name.endswith("weight") else values


def gradients(model, loss):
  """d(loss)/d(parameter) of every parameter that takes part."""
  names, parameters = zip(*model.named_parameters())
  found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
  return {name: g for name, g in zip(names, found) if g is not None}


def make(name, seed):
  config = CONFIGS[name]
  random = torch.Generator().manual_seed(seed)
  model = Vit(**config)
  randomize(model, random)
  tensors = {n: p.data.clone() for n, p in model.named_parameters()}

  images = torch.randn(4, 3, config["image"], config["image"], generator=random)
  labels = torch.randint(config["classes"], [4], generator=random)
  soft = torch.rand(4, config["classes"], generator=random).square()
  soft = soft / soft.sum(1, keepdim=True)
  tensors |= {"input": images, "labels": labels, "soft_targets": soft}

  model = model.double()
  features = model.features(images.double())
  logits = model.head(features)
  losses = {
    "loss": F.cross_entropy(logits, labels),
    "loss_smooth": F.cross_entropy(logits, labels, label_smoothing=0.1),
    "loss_soft": F.cross_entropy(logits, soft.double()),
    "supcon": supcon(features, torch.tensor([0, 1])),
    "supcon_same": supcon(features, torch.tensor([1, 1])),
  }
  tensors |= {"features": features, "logits": logits}
  tensors |= {n: loss.reshape(1) for n, loss in losses.items()}
  for n in ["loss", "loss_smooth", "loss_soft"]:
    tensors[n + ".logits_grad"] = torch.autograd.grad(losses[n], logits, retain_graph=True)[0]
  for n in ["supcon", "supcon_same"]:
    tensors[n + ".features_grad"] = torch.autograd.grad(losses[n], features, retain_graph=True)[0]
  tensors |= {"grad." + n: g for n, g in gradients(model, losses["loss"]).items()}
  tensors |= {"supcon_grad." + n: g for n, g in gradients(model, losses["supcon"]).items()}

  save(HERE / f"{name}.safetensors", tensors, {
    "made_with": f"torch {torch.__version__}, float64",
    "seed": str(seed),
    "image_size": str(config["image"]),
    "patch_size": str(config["patch"]),
    "width": str(config["width"]),
    "depth": str(config["depth"]),
    "num_heads": str(config["heads"]),
    "mlp_hidden": str(config["hidden"]),
    "num_classes": str(config["classes"]),
    "label_smoothing": "0.1",
    "temperature": "0.07",
    "supcon": "input 0 and 1 are view 1, input 2 and 3 are view 2 of two images with labels [0, 1]",
    "supcon_same": "the same with labels [1, 1]",
  })
  print(name, {n: round(loss.item(), 6) for n, loss in losses.items()})


if __name__ == "__main__":
  torch.set_num_threads(1)
  make("vit_a", 1)
  make("vit_b", 2)
