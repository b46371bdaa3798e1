#!/bin/sh
# transformers gives every block of DINOv2, DINOv2 with registers and DINOv3 the full drop_path_rate; timm lets it rise
# from 0 to that rate over the blocks, and so does transformers itself for BEiT.
#
# Guess: drop_path_rate means stochastic depth with linear decay everywhere: 0 in the first block, the rate in the last.
# Versions: transformers 5.23.0, timm 1.0.31, torch 2.14.1, torchvision 0.29.1.
# Seen: with rate 0.3 and four blocks, below. (A block of rate 0 may have no module for it; it is shown as 0.)
#
# Output:
#   timm vit_small_patch14_dinov2         [0.0, 0.1, 0.2, 0.3]  mean 0.150
#   timm vit_small_patch16_dinov3         [0.0, 0.1, 0.2, 0.3]  mean 0.150
#   transformers BeitModel                [0.0, 0.1, 0.2, 0.3]  mean 0.150
#   transformers Dinov2Model              [0.3, 0.3, 0.3, 0.3]  mean 0.300
#   transformers Dinov2WithRegistersModel [0.3, 0.3, 0.3, 0.3]  mean 0.300
#   transformers DINOv3ViTModel           [0.3, 0.3, 0.3, 0.3]  mean 0.300
#
# Why it matters: the same number in two configs is twice the stochastic depth on average, and it hits the first block,
#   which linear decay spares. Moving a DINOv2 recipe between timm and transformers needs the list of rates, not the rate.

pins="torch==2.14.1 torchvision==0.29.1 timm==1.0.31 transformers==5.23.0"
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
from transformers import (
    BeitConfig,
    BeitModel,
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    DINOv3ViTConfig,
    DINOv3ViTModel,
)

rate = 0.3
sizes = dict(hidden_size=32, num_hidden_layers=4, num_attention_heads=4, image_size=28, patch_size=14)
sizes["drop_path_rate"] = rate
small = dict(img_size=28, patch_size=14, embed_dim=32, depth=4, num_heads=4, drop_path_rate=rate)
models = {
    "timm vit_small_patch14_dinov2": timm.create_model("vit_small_patch14_dinov2", **small).blocks,
    "timm vit_small_patch16_dinov3": timm.create_model("vit_small_patch16_dinov3", **small).blocks,
    "transformers BeitModel": BeitModel(BeitConfig(**sizes)),
    "transformers Dinov2Model": Dinov2Model(Dinov2Config(**sizes)),
    "transformers Dinov2WithRegistersModel": Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**sizes)),
    "transformers DINOv3ViTModel": DINOv3ViTModel(DINOv3ViTConfig(intermediate_size=64, **sizes)),
}
seen = {}
for name, model in models.items():
    rates = {}
    for module_name, module in model.named_modules():
        if "DropPath" in type(module).__name__:
            block = next(int(part) for part in module_name.split(".") if part.isdigit())
            rates[block] = round(float(module.drop_prob), 3)
    seen[name] = [rates.get(block, 0.0) for block in range(4)]
    print(f"{name:38}{seen[name]}  mean {sum(seen[name]) / 4:.3f}")

rising = [0.0, 0.1, 0.2, 0.3]
flat = {name for name, rates in seen.items() if rates == [rate] * 4}
if flat != {name for name in models if "transformers Dino" in name or "transformers DINO" in name} or any(
    seen[name] != rising for name in models if name not in flat
):
    sys.exit("the behaviour has changed")
EOF
