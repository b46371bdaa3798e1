"""A Vision Transformer in plain PyTorch with timm's parameter names, and the supervised contrastive loss.

Pre-norm blocks, exact GELU, LayerNorm eps 1e-6, fused qkv (q, k, v, each head after head), class token pooling.
"""
import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
  """Multi-head self-attention."""

  def __init__(self, width, heads):
    super().__init__()
    self.heads = heads
    self.qkv = nn.Linear(width, 3 * width)
    self.proj = nn.Linear(width, width)

  def forward(self, x):
    batch, tokens, width = x.shape
    q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # [batch, heads, tokens, d]
    p = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)
    return self.proj((p @ v).transpose(1, 2).reshape(batch, tokens, width))


class Mlp(nn.Module):
  """Two linear layers with a GELU between them."""

  def __init__(self, width, hidden):
    super().__init__()
    self.fc1 = nn.Linear(width, hidden)
    self.fc2 = nn.Linear(hidden, width)

  def forward(self, x):
    return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
  """Attention and MLP, each after a LayerNorm and added to its input."""

  def __init__(self, width, heads, hidden):
    super().__init__()
    self.norm1 = nn.LayerNorm(width, eps=1e-6)
    self.attn = Attention(width, heads)
    self.norm2 = nn.LayerNorm(width, eps=1e-6)
    self.mlp = Mlp(width, hidden)

  def forward(self, x):
    x = x + self.attn(self.norm1(x))
    return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
  """Cuts an image into patches, row by row, and maps each to a token."""

  def __init__(self, width, patch):
    super().__init__()
    self.proj = nn.Conv2d(3, width, patch, patch)

  def forward(self, images):
    return self.proj(images).flatten(2).transpose(1, 2)  # [batch, patches, width]


class Vit(nn.Module):
  """The whole model. `features` gives the class token after the final norm, calling it gives the logits."""

  def __init__(self, image, patch, width, depth, heads, hidden, classes):
    super().__init__()
    self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
    self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (image // patch) ** 2, width))
    self.patch_embed = PatchEmbed(width, patch)
    self.blocks = nn.Sequential(*(Block(width, heads, hidden) for _ in range(depth)))
    self.norm = nn.LayerNorm(width, eps=1e-6)
    self.head = nn.Linear(width, classes)

  def features(self, images):
    x = self.patch_embed(images)
    x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
    return self.norm(self.blocks(x))[:, 0]

  def forward(self, images):
    return self.head(self.features(images))


def supcon(features, labels, temperature=0.07):
  """Supervised contrastive loss (Khosla et al. 2020, L_out, every row an anchor).

  `features` [2B, D] are view 1 of all images, then view 2 of all images; `labels` [B]. The features are normalised here.
  """
  z = F.normalize(features)
  labels = labels.repeat(2)
  itself = torch.eye(len(z), dtype=torch.bool)
  similarity = (z @ z.T / temperature).masked_fill(itself, -torch.inf)
  log_p = similarity.log_softmax(1).masked_fill(itself, 0)
  positive = (labels[:, None] == labels) & ~itself
  return -((log_p * positive).sum(1) / positive.sum(1)).mean()
