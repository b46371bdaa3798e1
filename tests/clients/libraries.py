"""Merged checkpoints in the libraries of their names. Each function builds the model that the config of a case states,
loads the merged file strictly (every tensor of the file is taken, none is missing), and returns what it computes: pixels
[N, 3, H, W] to logits [N, C]. A library without a classifier gets the file without the head that merge has added, and the
logits are that head on what the library pools.
"""
import functools
import json
import logging
import shutil
from unittest import mock

import open_clip
import timm
import torch
import torchvision
import transformers
from safetensors import safe_open
from torch.nn.functional import linear

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
logging.getLogger().setLevel(logging.ERROR)  # OpenCLIP warns of models without weights


class NotStrict(Exception):
    """The library does not know a tensor, or lacks one."""


def read(path):
    """Tensors and metadata."""
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def load(model, tensors):
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise NotStrict(" ".join(str(error).split())) from error
    return model.eval()


def split_head(case, tensors):
    """The tensors that the case has, and the head that merge has added, as a function of features [N, D]."""
    base = next(path for path in case.glob("*.safetensors") if path.name != "golden.safetensors")
    tower = {name: tensors[name] for name in read(base)[0] if name in tensors}
    head = {name.rpartition(".")[2]: name for name in tensors.keys() - tower.keys()}
    if set(head) != {"weight", "bias"}:
        raise NotStrict(f"a head should be added, but it is {sorted(head.values())}")
    return tower, lambda features: linear(features, tensors[head["weight"]], tensors[head["bias"]])


def timm_sizes(tensors, before=""):
    """What the tensors of a plain ViT say of its sizes, as arguments of timm.create_model."""
    width, _, patch, _ = tensors[before + "patch_embed.proj.weight"].shape
    return {"embed_dim": width, "patch_size": patch, "img_size": patch * int(tensors[before + "pos_embed"].shape[1] ** 0.5),
            "depth": sum(name.endswith(".attn.qkv.weight") for name in tensors),
            "mlp_ratio": len(tensors[before + "blocks.0.mlp.fc1.bias"]) / width}


def timm_model(case, merged):
    """By the architecture and arguments of config.json; not by its loader, which would translate other names."""
    config = json.loads((case / "config.json").read_text())
    return load(timm.create_model(config["architecture"], **config["model_args"]), read(merged)[0])


def npz_model(case, merged):
    """timm's model of those sizes, as merge writes timm's names."""
    tensors, metadata = read(merged)
    return load(timm.create_model("vit_base_patch16_224", num_heads=int(metadata["num_heads"]),
                                  num_classes=len(tensors["head.bias"]), **timm_sizes(tensors)), tensors)


def torchvision_model(case, merged):
    """By the shapes of the tensors; a case has no config."""
    tensors, metadata = read(merged)
    width, _, patch, _ = tensors["conv_proj.weight"].shape
    return load(torchvision.models.VisionTransformer(
      image_size=patch * int(tensors["encoder.pos_embedding"].shape[1] ** 0.5), patch_size=patch, hidden_dim=width,
      num_layers=sum(name.endswith(".ln_1.weight") for name in tensors), num_heads=int(metadata["num_heads"]),
      mlp_dim=len(tensors["encoder.layers.encoder_layer_0.mlp.0.bias"]),
      num_classes=len(tensors["heads.head.bias"])), tensors)


def open_clip_model(case, merged):
    """Both towers. OpenCLIP has no classifier: the head is on what its projection reads."""
    tensors, head = split_head(case, read(merged)[0])
    shutil.copy(case / "open_clip_config.json", merged.parent)
    of_timm = "visual.trunk.pos_embed" in tensors
    # A config can name a model of timm, but gives none of its sizes.
    create = functools.partial(timm.create_model, **timm_sizes(tensors, "visual.trunk.")) if of_timm else timm.create_model
    with mock.patch.object(timm, "create_model", create):
        model = load(open_clip.create_model(f"local-dir:{merged.parent}", load_weights=False), tensors)
    if not of_timm:
        model.visual.proj = None
    return lambda pixels: head(model.visual(pixels))


def pooled(model, pixels):
    """[N, D]: what espalier's head reads of a tower of Hugging Face's."""
    if isinstance(model, transformers.ViTMAEForPreTraining):  # of all patches, in their order
        model.vit.config.mask_ratio = 0.0
        patches = model.vit.embeddings.patch_embeddings.num_patches
        return model.vit(pixels, noise=torch.arange(patches).expand(len(pixels), -1)).last_hidden_state[:, 0]
    result = getattr(model, "vision_model", model)(pixels)
    if isinstance(model, transformers.ViTModel):  # its pooler is no part of a classifier
        return result.last_hidden_state[:, 0]
    output = getattr(result, "pooler_output", None)
    return result.last_hidden_state.mean(1) if output is None else output


def hugging_face_model(case, merged):
    """By from_pretrained of the class that wrote the case."""
    shutil.copy(case / "config.json", merged.parent)
    tensors, _ = read(merged)
    kind = getattr(transformers, json.loads((case / "config.json").read_text())["architectures"][0])
    no_pooler = kind is transformers.ViTModel and not any(".dense." in name and "pooler" in name for name in tensors)
    options = {"add_pooling_layer": False} if no_pooler else {}  # which no config states
    model, found = kind.from_pretrained(merged.parent, dtype=torch.float32, output_loading_info=True, **options)
    found = {what: set(names) for what, names in found.items()}
    if "ImageClassification" in kind.__name__:
        compute = lambda pixels: model(pixels).logits  # noqa: E731
    else:
        tower, head = split_head(case, tensors)
        found["unexpected_keys"] -= tensors.keys() - tower.keys()
        compute = lambda pixels: head(pooled(model, pixels))  # noqa: E731
    if any(found.values()):
        raise NotStrict(str({what: names for what, names in found.items() if names}))
    model.eval()
    return compute


MODELS = {"timm": timm_model, "hf": hugging_face_model, "openclip": open_clip_model,
          "torchvision": torchvision_model, "npz": npz_model}
