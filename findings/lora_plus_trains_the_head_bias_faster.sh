#!/bin/sh
# peft's LoRA+ optimizer gives the bias of a new head the learning rate of the B matrices, at the usual ratio 16 times
# that of the head's weight.
#
# Guess: LoRA+ sets two rates, one for A and one for B; modules_to_save (the head) train at the base rate.
# Versions: peft 0.21.2, timm 1.0.31, torch 2.14.1, torchvision 0.29.1.
# Seen: create_loraplus_optimizer puts every one-dimensional parameter with B. So one head is split in two: weight at
#   lr, bias at lr x ratio. The same holds for norms in modules_to_save and for the biases that bias="all" frees.
#
# Output:
#   blocks.0.attn.qkv.lora_A.weight lr 1.0e-04  largest change in the first step 0.0e+00
#   blocks.0.attn.qkv.lora_B.weight lr 1.6e-03  largest change in the first step 1.6e-03
#   head.weight                     lr 1.0e-04  largest change in the first step 1.0e-04
#   head.bias                       lr 1.6e-03  largest change in the first step 1.6e-03
#
# Why it matters: a classifier's head is the one thing that starts from nothing, and its bias then runs ahead: with
#   AdamW each of its entries moves by lr x 16 in the first step. On classes of unequal size that is a push towards the
#   common ones. A comparison of LoRA with LoRA+ also compares two rates of the head; so does any code that applies a
#   "B ratio" by name or by dimension.

pins="torch==2.14.1 torchvision==0.29.1 timm==1.0.31 peft==0.21.2"
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

"$venv/bin/python" - <<'EOF'
import sys

import timm
import torch
from peft import LoraConfig, get_peft_model
from peft.optimizers import create_loraplus_optimizer

torch.manual_seed(0)
vit = timm.create_model(
    "vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=32, depth=1, num_heads=4, num_classes=5
)
model = get_peft_model(vit, LoraConfig(r=4, target_modules=["qkv"], modules_to_save=["head"]))
optimizer = create_loraplus_optimizer(model, torch.optim.AdamW, lr=1e-4, loraplus_lr_ratio=16)

before = {name: parameter.detach().clone() for name, parameter in model.named_parameters() if parameter.requires_grad}
images, labels = torch.randn(8, 3, 32, 32), torch.arange(8) % 5
torch.nn.functional.cross_entropy(model(images), labels).backward()
optimizer.step()

moved = {}
rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
for name, parameter in model.named_parameters():
    if parameter.requires_grad:
        short = name.removeprefix("base_model.model.").replace("modules_to_save.default.", "").replace("default.", "")
        moved[short] = (parameter - before[name]).abs().max().item()
        print(f"{short:32}lr {rates[id(parameter)]:.1e}  largest change in the first step {moved[short]:.1e}")

if not 15 < moved["head.bias"] / moved["head.weight"] < 17:
    sys.exit("the behaviour has changed")
EOF
