#!/bin/sh
# timm's layer_decay sets no learning rate: under a scheduler of torch or transformers, or none, every block of a ViT has
# the same one; and of a model wrapped by peft or torch.compile even timm's scheduler finds a single layer.
#
# Guess: create_optimizer_v2(model, lr=1e-3, layer_decay=0.75) gives each block its learning rate, as BEiT's recipe says,
#   which any scheduler then scales, as torch's parameter groups do.
# Versions: timm 1.0.31, transformers 5.23.0, peft 0.21.2, torch 2.14.1, torchvision 0.29.1.
# Seen: the groups carry lr_scale, which only timm's own schedulers multiply in; the optimizer itself uses lr. The order
#   of the layers comes from patterns such as ^blocks\.(\d+), and peft's base_model.model.blocks.0 or torch.compile's
#   _orig_mod.blocks.0 fit none of them, so all get the factor 1; timm 1.0.31 logs a warning for that, and none for the
#   scheduler.
#
# Output:
#   learning rate x 1000 after 50 of 100 steps      block 0  block 5  block 11   head
#     no scheduler                                   1.0000   1.0000   1.0000   1.0000
#     torch CosineAnnealingLR                        0.5000   0.5000   0.5000   0.5000
#     transformers cosine                            0.5000   0.5000   0.5000   0.5000
#     timm CosineLRScheduler                         0.0158   0.0667   0.3750   0.5000
#     timm's, peft                                   0.5000   0.5000   0.5000   0.5000
#     timm's, torch.compile                          0.5000   0.5000   0.5000   0.5000
#
# Why it matters: under such a scheduler the first block trains at the head's rate, 31 times what was asked for with 12
#   blocks at 0.75, and a comparison of decays compares nothing. Look at lr, not at lr_scale, after the first step of the
#   scheduler; or multiply lr_scale into lr before the scheduler is made.

pins="torch==2.14.1 torchvision==0.29.1 timm==1.0.31 transformers==5.23.0 peft==0.21.2"
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
if [ -n "${FINDINGS_VENV:-}" ]; then
  venv=$(cd "$FINDINGS_VENV" && pwd)
else
  venv=$work/venv
  python3 -m venv "$venv"
  # shellcheck disable=SC2086  # a list of words
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check $pins
fi
"$venv/bin/python" -m pip freeze > "$work/freeze"
for pin in $pins; do
  grep -qiE "^$pin(\+.*)?$" "$work/freeze" || { echo "$0: $venv does not have $pin" >&2; exit 2; }
done
export HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error PYTHONWARNINGS=ignore
cd "$work"

"$venv/bin/python" - 2> "$work/log" <<'EOP' || { status=$?; cat "$work/log" >&2; exit "$status"; }
import sys

import timm
import torch
from peft import LoraConfig, get_peft_model
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from torch.optim.lr_scheduler import CosineAnnealingLR
from transformers import get_cosine_schedule_with_warmup

names = ["blocks.0.attn.qkv.weight", "blocks.5.attn.qkv.weight", "blocks.11.attn.qkv.weight", "head.weight"]


def vit():
    return timm.create_model("vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=32, num_heads=4, num_classes=5)


def adamw(model):
    return create_optimizer_v2(model, opt="adamw", lr=1e-3, weight_decay=0.05, layer_decay=0.75)


def rates(model, optimizer):
    """Learning rates of the weights above, or of the LoRA weights that stand for them."""
    rate = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    found = {}
    for path, parameter in model.named_parameters():
        for name in names:
            if id(parameter) in rate and name.removesuffix(".weight") + "." in path:
                found[name] = rate[id(parameter)]
    return [found[name] for name in names]


schedulers = {
    "torch CosineAnnealingLR": lambda optimizer: CosineAnnealingLR(optimizer, 100),
    "transformers cosine": lambda optimizer: get_cosine_schedule_with_warmup(optimizer, 0, 100),
    "timm CosineLRScheduler": lambda optimizer: CosineLRScheduler(optimizer, 100),
}


def lora(model):
    return get_peft_model(model, LoraConfig(r=4, target_modules=["qkv"], modules_to_save=["head"]))


bare = vit()
seen = {"no scheduler": rates(bare, adamw(bare))}
for title, schedule, wrap in (
    *((title, schedule, None) for title, schedule in schedulers.items()),
    ("timm's, peft", schedulers["timm CosineLRScheduler"], lora),
    ("timm's, torch.compile", schedulers["timm CosineLRScheduler"], torch.compile),
):
    model = wrap(vit()) if wrap else vit()
    optimizer = adamw(model)
    scheduler = schedule(optimizer)
    for step in range(1, 51):  # half of the cosine
        optimizer.step()
        scheduler.step(step) if title.startswith("timm") else scheduler.step()
    seen[title] = rates(model, optimizer)
print("learning rate x 1000 after 50 of 100 steps      block 0  block 5  block 11   head")
for title, values in seen.items():
    print(f"  {title:44}", *(f"{1000 * value:8.4f}" for value in values))

timms = seen.pop("timm CosineLRScheduler")
flat = all(max(values) == min(values) for values in seen.values())
if not (flat and 30 < timms[3] / timms[0] < 33):
    sys.exit("the behaviour has changed")
EOP
