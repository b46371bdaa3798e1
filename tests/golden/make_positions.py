"""Makes positions.safetensors: position embeddings resized to other grids, as timm's resample_abs_pos_embed does.

`<from>_to_<to>.in` [1, 1 + from^2, 3] goes in; `.out` is what torch makes of it in float32, as timm runs it, and `.exact`
the same in float64.
"""
from pathlib import Path

import torch
from torch.nn import functional as F

from safetensors_io import save

WIDTH = 3
GRIDS = [(4, 7), (8, 5), (7, 7), (14, 24)]


def resize(positions, grid):
  """The class token's entry stays, the others are interpolated as an image of `WIDTH` channels."""
  token, patches = positions[:, :1], positions[:, 1:]
  side = round(patches.shape[1] ** 0.5)
  image = patches.reshape(1, side, side, WIDTH).permute(0, 3, 1, 2)
  image = F.interpolate(image, size=(grid, grid), mode="bicubic", antialias=True, align_corners=False)
  return torch.cat([token, image.permute(0, 2, 3, 1).reshape(1, grid * grid, WIDTH)], 1)


def main():
  random = torch.Generator().manual_seed(4)
  tensors = {}
  for before, after in GRIDS:
    positions = torch.randn(1, 1 + before * before, WIDTH, generator=random)
    name = f"{before}_to_{after}"
    tensors |= {name + ".in": positions, name + ".out": resize(positions, after)}
    tensors[name + ".exact"] = resize(positions.double(), after)
    off = (tensors[name + ".out"] - tensors[name + ".exact"]).abs().max()
    print(f"{name}: float32 is off by {off:.1e}")
  save(Path(__file__).parent / "positions.safetensors", tensors, {
    "made_with": f"torch {torch.__version__}",
    "how": "bicubic, antialias=True, align_corners=False; the first entry is the class token's",
  })


if __name__ == "__main__":
  torch.set_num_threads(1)
  main()
