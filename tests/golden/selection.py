"""Which values of a model GRFT, GPS and SIFT train, chosen by the gradient. A weight is seen as [first axis, rest]."""
import torch


def targets(model):
  """The weight matrices a method may choose from: every one but the head's, the patch embedding's kernel among them."""
  return {n: p for n, p in model.named_parameters()
          if n == "patch_embed.proj.weight" or n.startswith("blocks.") and p.ndim == 2}


def trains_whole(name, train_bias):
  """The head always does; with `train_bias` every bias but the norms'."""
  return name.startswith("head.") or train_bias and name.endswith(".bias") and "norm" not in name


def strongest(scores, count):
  """The `count` highest scores' places, ascending (ties go to the lower place), and the gap below the last of them."""
  order = torch.argsort(scores, descending=True, stable=True)
  last, following = scores[order[count - 1:count + 1]].tolist()
  return order[:count].sort().values, (last - following) / last


def select(g, unit, k=None, rate=None, **_):
  """What is chosen by a gradient matrix: the kind of unit, the places, their scores and the smallest gap."""
  if unit == "short":
    unit = "row" if g.shape[0] <= g.shape[1] else "column"
  if unit in ("row", "column"):
    scores = g.square().sum(1 if unit == "row" else 0)
    places, gap = strongest(scores, k)
    return unit, places, scores[places], gap
  if unit == "element":
    places, gap = strongest(g.abs().flatten(), min(int(rate * g.numel()) + 1, g.numel()))
  else:
    chosen, gaps = zip(*(strongest(row, k) for row in g.abs()))
    places, gap = torch.cat([row * g.shape[1] + c for row, c in enumerate(chosen)]), min(gaps)
  return "element", places, g.abs().flatten()[places], gap


def packed(matrix, kind, places):
  """The chosen values: [k, rest] of rows, [first axis, k] of columns, [n] of elements."""
  if kind == "row":
    return matrix[places]
  return matrix[:, places] if kind == "column" else matrix.flatten()[places]


def mask_of(matrix, kind, places):
  """One where a value trains, zero elsewhere."""
  mask = torch.zeros_like(matrix)
  if kind == "row":
    mask[places] = 1
  elif kind == "column":
    mask[:, places] = 1
  else:
    mask.view(-1)[places] = 1
  return mask
