#!/bin/sh
# peft obeys the first entry of alpha_pattern that fits a layer, and save_pretrained sorts the entries, so a LoRA whose
# entries overlap computes something else once it is loaded.
#
# Guess: the order that the dictionary had when the model was made is kept in adapter_config.json, or the most specific
#   entry wins wherever it stands; either way load gives the logits that were saved.
# Versions: peft 0.21.2, timm 1.0.31, torch 2.14.1, torchvision 0.29.1.
# Seen: {"blocks.2.attn.qkv": 64, "attn.qkv": 8} gives block 2 alpha 64. The saved file lists "attn.qkv" first, and
#   block 2 has alpha 8 after loading: the logits change and nothing is said. With rank_pattern the shapes no longer
#   fit, and loading fails; with patterns that sort the right way round nothing happens, which is why it goes unseen.
#
# Output:
#   given  {'blocks.2.attn.qkv': 64, 'attn.qkv': 8}
#   saved  {'attn.qkv': 8, 'blocks.2.attn.qkv': 64}
#   scaling of the three blocks when made   [2.0, 2.0, 16.0]
#   scaling of the three blocks when loaded [2.0, 2.0, 2.0]
#   largest difference of a logit: 0.105
#   the same with rank_pattern: size mismatch
#
# Why it matters: another alpha for some blocks of a ViT is natural to write as an exception and a rule. Whoever reads
#   adapter_config.json must take the first entry in the file's order that fits; whoever writes it must make entries that
#   do not overlap.

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
import json
import sys

import timm
import torch
from peft import LoraConfig, PeftModel, get_peft_model


def vit():
    torch.manual_seed(0)
    return timm.create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=32, depth=3, num_heads=4, num_classes=5
    ).eval()


def adapted(**patterns):
    model = get_peft_model(vit(), LoraConfig(r=4, lora_alpha=4, target_modules=["qkv"], **patterns))
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def scalings(model):
    return [module.scaling["default"] for name, module in model.named_modules() if name.endswith("attn.qkv")]


torch.manual_seed(2)
images = torch.randn(2, 3, 32, 32)
pattern = {"blocks.2.attn.qkv": 64, "attn.qkv": 8}
model = adapted(alpha_pattern=pattern)
model.save_pretrained("alpha")
print("given ", pattern)
print("saved ", json.load(open("alpha/adapter_config.json"))["alpha_pattern"])
loaded = PeftModel.from_pretrained(vit(), "alpha").eval()
with torch.no_grad():
    difference = (loaded(images) - model(images)).abs().max().item()
print("scaling of the three blocks when made  ", scalings(model))
print("scaling of the three blocks when loaded", scalings(loaded))
print(f"largest difference of a logit: {difference:.3f}")

adapted(rank_pattern={"blocks.2.attn.qkv": 8, "attn.qkv": 2}).save_pretrained("rank")
try:
    PeftModel.from_pretrained(vit(), "rank")
    rank = "loads"
except RuntimeError as error:
    rank = "size mismatch" if "size mismatch" in str(error) else str(error)
print("the same with rank_pattern:", rank)

same = scalings(model) == [2, 2, 16] and scalings(loaded) == [2, 2, 2]
if not (same and difference > 0.01 and rank == "size mismatch"):
    sys.exit("the behaviour has changed")
EOF
