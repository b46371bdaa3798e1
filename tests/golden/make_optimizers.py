"""Makes optimizers.safetensors: ten steps of each optimizer on fixed gradients, clipping, a moving average.

The start and the gradients are F32 values; the steps are taken in float64. `adam.3`: the weights after Adam's 4th step.
"""
import json
from pathlib import Path

import torch

from safetensors_io import save

STEPS = 10
EMA_DECAY = 0.9
OPTIMIZERS = {
  "sgd": (torch.optim.SGD, dict(lr=0.1)),
  "sgd_momentum": (torch.optim.SGD, dict(lr=0.1, momentum=0.9)),
  "sgd_wd": (torch.optim.SGD, dict(lr=0.1, weight_decay=0.01)),
  "sgd_momentum_wd": (torch.optim.SGD, dict(lr=0.1, momentum=0.9, weight_decay=0.01)),
  "adam": (torch.optim.Adam, dict(lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)),
  "adam_wd": (torch.optim.Adam, dict(lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)),
  "adamw": (torch.optim.AdamW, dict(lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05)),
}


def walk(optimizer, options, start, gradients):
  """The weights after each step."""
  w = torch.nn.Parameter(start.double())
  steps = optimizer([w], **options)
  path = []
  for g in gradients:
    w.grad = g.double()
    steps.step()
    path.append(w.data.clone())
  return path


def clipped(tensors, max_norm):
  """The norm of all gradients together, and the gradients after clipping to `max_norm`."""
  parameters = [torch.nn.Parameter(torch.zeros_like(t, dtype=torch.float64)) for t in tensors]
  for p, t in zip(parameters, tensors):
    p.grad = t.double()
  norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
  return norm.reshape(1), [p.grad for p in parameters]


def main():
  random = torch.Generator().manual_seed(3)
  start = torch.randn(3, 5, generator=random)
  gradients = [torch.randn(3, 5, generator=random) * 10.0 ** (step % 3 - 1) for step in range(STEPS)]
  for g in gradients:
    g[0, 0] = 0  # a value that never gets gradient: only weight decay may move it
  tensors = {"w0": start} | {f"g.{i}": g for i, g in enumerate(gradients)}
  metadata = {
    "made_with": f"torch {torch.__version__}, steps in float64",
    "ema": json.dumps({"decay": EMA_DECAY, "over": "adam", "start": "w0"}),
  }

  for name, (optimizer, options) in OPTIMIZERS.items():
    path = walk(optimizer, options, start, gradients)
    tensors |= {f"{name}.{i}": w for i, w in enumerate(path)}
    metadata[name] = json.dumps(options)

  average = start.double()
  for i in range(STEPS):
    average = EMA_DECAY * average + (1 - EMA_DECAY) * tensors[f"adam.{i}"]
    tensors[f"ema.{i}"] = average

  a, b = torch.randn(3, 4, generator=random), torch.randn(5, generator=random)
  tensors |= {"clip.a": a, "clip.b": b}
  for name, max_norm in {"clip": 1.0, "clip_loose": 100.0}.items():
    tensors[f"{name}.norm"], (tensors[f"{name}.a_after"], tensors[f"{name}.b_after"]) = clipped([a, b], max_norm)
    metadata[name] = json.dumps({"max_norm": max_norm, "scale": "min(max_norm / (norm + 1e-6), 1)"})

  save(Path(__file__).parent / "optimizers.safetensors", tensors, metadata)


if __name__ == "__main__":
  torch.set_num_threads(1)
  main()
