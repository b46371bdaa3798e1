"""Reads and writes safetensors files: header length, JSON header, tensors in C order, little-endian."""
import json
import struct
from pathlib import Path

import numpy
import torch

TYPES = {"I64": "<i8", "F64": "<f8", "F32": "<f4"}  # in the order the format wants them written
NAMES = {torch.int64: "I64", torch.float64: "F64", torch.float32: "F32"}


def save(path, tensors, metadata):
  """The same tensors and metadata (text to text) give the same bytes."""
  header, data = {"__metadata__": dict(sorted(metadata.items()))}, b""
  ranks = list(TYPES)
  for name in sorted(tensors, key=lambda n: (ranks.index(NAMES[tensors[n].dtype]), n)):
    tensor = tensors[name].detach()
    kind = NAMES[tensor.dtype]
    begin, data = len(data), data + tensor.numpy().astype(TYPES[kind]).tobytes()
    header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [begin, len(data)]}
  text = json.dumps(header, separators=(",", ":")).encode()
  text += b" " * (-len(text) % 8)
  Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def load(path):
  """Tensors by name, and the metadata. Knows the dtypes in TYPES."""
  raw = Path(path).read_bytes()
  start = 8 + struct.unpack("<Q", raw[:8])[0]
  header = json.loads(raw[8:start])
  metadata = header.pop("__metadata__", {})
  tensors = {}
  for name, entry in header.items():
    begin, end = entry["data_offsets"]
    array = numpy.frombuffer(raw[start + begin:start + end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    tensors[name] = torch.from_numpy(array.copy())
  return tensors, metadata
