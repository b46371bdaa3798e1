"""Applies a delta of espalier's to a state dict. One file that needs nothing but numpy; copy it where it is wanted.

    from espalier_delta import Delta
    delta = Delta("runs/flowers/delta.safetensors")
    state = delta.apply(model.state_dict())          # timm's names; numpy arrays or torch tensors; a new dict
    model.load_state_dict(state)

or on files: python3 espalier_delta.py delta.safetensors base.safetensors tuned.npz

A delta (docs/format.md) has, for each parameter that was trained, the whole of it under its name, or a part: `NAME.rows`,
`.columns` or `.elements` (I64, of the parameter seen as a matrix [first axis, all others]) and `NAME.values`, the new values
themselves. These are written over the base, to the bit. LoRA's and DoRA's adapters are merged into the weight they sit on,
as `espalier merge` does (in double precision here, so that the last bit may differ). Whatever else a method has put into
the model is no parameter of the base, and is refused by name: `espalier merge` writes some of these, and the others only
`espalier eval` and `predict` take.
"""

import json
import struct
import sys

import numpy

__all__ = ["Delta", "DeltaError", "read_safetensors"]

_MOST_HEADER = 100_000_000
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1"}
_PARTS = ("rows", "columns", "elements")
# timm's names of two kinds of parameters, where espalier has one.
_ALIASES = ((".ls1.gamma", ".gamma_1"), (".ls2.gamma", ".gamma_2"),
            (".attn.qkv.q_bias", ".attn.q_bias"), (".attn.qkv.v_bias", ".attn.v_bias"))


class DeltaError(ValueError):
    """The file is no delta, or does not belong to this state dict."""


def read_safetensors(path):
    """Names to arrays, and the metadata. BF16 becomes float32."""
    with open(path, "rb") as file:
        length = file.read(8)
        size = struct.unpack("<Q", length)[0] if len(length) == 8 else _MOST_HEADER + 1
        if size > _MOST_HEADER:
            raise DeltaError(f"{path}: no safetensors file")
        try:
            header = json.loads(file.read(size).decode("utf-8"))
        except ValueError as error:
            raise DeltaError(f"{path}: no safetensors file: {error}") from error
        data = file.read()
    metadata = header.pop("__metadata__", {})
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        kind, shape = entry["dtype"], tuple(entry["shape"])
        if kind != "BF16" and kind not in _TYPES:
            raise DeltaError(f"{path}: {name} is of type {kind}, which is not read")
        item = numpy.dtype("<u2" if kind == "BF16" else _TYPES[kind])
        count = int(numpy.prod(shape, dtype=object))
        if not 0 <= begin <= end <= len(data) or end - begin != count * item.itemsize:
            raise DeltaError(f"{path}: {name} does not lie in the file, which may be cut off")
        values = numpy.frombuffer(data, item, count, begin)
        if kind == "BF16":
            values = (values.astype("<u4") << 16).view("<f4")
        arrays[name] = values.reshape(shape)
    return arrays, metadata


class Delta:
    """What a run has changed: `parts` {parameter: (kind, indices, values)}, and what its metadata say: `method`, `options`,
    `classes`, `preprocessing`, `base_sha256`."""

    def __init__(self, path):
        self.path = str(path)
        tensors, metadata = read_safetensors(path)
        if (metadata.get("format"), metadata.get("version")) != ("espalier-delta", "1"):
            raise DeltaError(f"{path}: not a delta of version 1")
        self.method = metadata.get("method", "")
        self.options = json.loads(metadata.get("options", "{}"))
        self.classes = json.loads(metadata.get("classes", "[]"))
        self.preprocessing = json.loads(metadata.get("preprocessing", "{}"))
        self.base_sha256 = metadata.get("base_sha256", "")
        self.parts = {}
        for name, tensor in tensors.items():
            parameter, _, end = name.rpartition(".")
            if end == "values" and any(f"{parameter}.{kind}" in tensors for kind in _PARTS):
                continue
            if end in _PARTS and f"{parameter}.values" in tensors:
                self.parts[parameter] = (end, tensor, tensors[f"{parameter}.values"])
            else:
                self.parts[name] = ("whole", None, tensor)

    def apply(self, state):
        """A copy of a state dict with timm's names (arrays or torch tensors), tuned. Throws a DeltaError that names what
        is not there or cannot be merged; `state` itself never changes."""
        tuned = dict(state)
        adapters = {}
        for name, (kind, indices, values) in self.parts.items():
            adapter = self._adapter_part(name)
            if adapter:
                adapters.setdefault(adapter[0], {})[adapter[1]] = values
                continue
            key = _key(name, state)
            # The head may have other classes, or not be there; positions may be those of another image size.
            if kind == "whole" and (name.split(".")[0] in ("head", "head_dist") or name == "pos_embed"):
                tuned[key or name] = _like(values, state.get(key, next(iter(state.values()))))
                continue
            if key is None:
                raise DeltaError(f"{self.path}: the state dict has no {name}; if it has not timm's names, or {name} is of a "
                                 f"module that method {self.method} adds, use `espalier merge` or `predict`")
            tuned[key] = _like(self._written(name, kind, indices, values, _array(state[key])), state[key])
        for site, parts in adapters.items():
            key = _key(f"{site}.weight", state)
            if key is None:
                raise DeltaError(f"{self.path}: the state dict has no {site}.weight, on which an adapter sits")
            tuned[key] = _like(self._merged(site, parts, _array(tuned[key])), state[key])
        self._check_positions(tuned)
        return tuned

    def _adapter_part(self, name):
        """The layer and which matrix of its adapter; None for a parameter."""
        for mark in (".lora.", ".dora."):
            site, found, part = name.rpartition(mark)
            if found and f".{self.method}." == mark and part in ("a", "b", "magnitude"):
                return site, part
        return None

    def _written(self, name, kind, indices, values, base):
        if kind == "whole":
            if values.shape != base.shape:
                raise DeltaError(f"{self.path}: {name} is {list(values.shape)}, but {list(base.shape)} in the state dict")
            return values
        result = numpy.array(base, dtype=base.dtype)
        matrix = result.reshape(base.shape[0], -1) if base.ndim else result.reshape(1, 1)
        limit, shape = {"rows": (matrix.shape[0], (len(indices), matrix.shape[1])),
                        "columns": (matrix.shape[1], (matrix.shape[0], len(indices))),
                        "elements": (matrix.size, (len(indices),))}[kind]
        if len(indices) and not (0 <= indices[0] and indices[-1] < limit and (numpy.diff(indices) > 0).all()):
            raise DeltaError(f"{self.path}: {name}.{kind} does not fit {list(base.shape)} of the state dict")
        if values.size != numpy.prod(shape):
            raise DeltaError(f"{self.path}: {name}.values is {list(values.shape)}, but {list(shape)} fits the state dict")
        values = values.reshape(shape)
        if kind == "rows":
            matrix[indices] = values
        elif kind == "columns":
            matrix[:, indices] = values
        else:
            matrix.reshape(-1)[indices] = values
        return result

    def _merged(self, site, parts, weight):
        """W + scale B A, and of DoRA that with rows of its magnitudes."""
        wanted = {"a", "b"} | ({"magnitude"} if self.method == "dora" else set())
        if set(parts) != wanted:
            raise DeltaError(f"{self.path}: the adapter of {site} should have {sorted(wanted)}, not {sorted(parts)}")
        a, b = parts["a"].astype("f8"), parts["b"].astype("f8")
        if a.ndim != 2 or b.ndim != 2 or (b.shape[0], a.shape[1]) != weight.shape or b.shape[1] != a.shape[0]:
            raise DeltaError(f"{self.path}: the adapter of {site} does not fit {list(weight.shape)} of the state dict")
        rank, alpha = a.shape[0], float(self.options["alpha"])
        scale = alpha / (rank ** 0.5 if self.options.get("rslora") == "on" else rank)
        merged = weight.astype("f8") + scale * (b @ a)
        if self.method == "dora":
            lengths = numpy.sqrt((merged * merged).sum(1, keepdims=True))
            merged *= parts["magnitude"].astype("f8")[:, None] / numpy.where(lengths > 0, lengths, 1)
        return merged.astype("f4")

    def _check_positions(self, tuned):
        """Positions that espalier resizes for the delta's images are not resized here."""
        size, patch = self.preprocessing.get("image_size"), tuned.get("patch_embed.proj.weight")
        positions = tuned.get("pos_embed")
        if size is None or patch is None or positions is None:
            return
        height, width = size if isinstance(size, list) else (size, size)
        patches = (height // patch.shape[2]) * (width // patch.shape[3])
        tokens = [tuned[name].shape[1] if name in tuned else 0 for name in ("cls_token", "dist_token", "reg_token")]
        if positions.shape[1] - patches not in (0, tokens[0], sum(tokens[:2]), sum(tokens)):
            raise DeltaError(f"{self.path}: made for images of {height}x{width}, but pos_embed {list(positions.shape)} is for "
                             f"another size; `espalier merge` resizes it, or create the model for that size")


def _key(name, state):
    """The state dict's name of a parameter; None where it has none."""
    for ours, theirs in (("", ""),) + _ALIASES:
        alias = name[:len(name) - len(ours)] + theirs if name.endswith(ours) else name
        if alias in state:
            return alias
    return None


def _array(value):
    """An array of a tensor's values; those of bfloat16, which numpy does not have, in float32."""
    if isinstance(value, numpy.ndarray):
        return value
    value = value.detach().cpu()
    return (value.float() if "bfloat16" in str(value.dtype) else value).numpy()


def _like(values, like):
    """As what stands there: an array, or a tensor on its device, in its type. A base of 16 bits is rounded to nearest."""
    if isinstance(like, numpy.ndarray):
        return values.astype(like.dtype)
    import torch
    return torch.from_numpy(numpy.array(values)).to(dtype=like.dtype, device=like.device)


def main(arguments):
    if len(arguments) != 3:
        sys.exit(f"usage: {sys.argv[0]} DELTA BASE.safetensors OUT.npz")
    try:
        delta = Delta(arguments[0])
        base, _ = read_safetensors(arguments[1])
        numpy.savez(arguments[2], **delta.apply(base))
    except (DeltaError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
