#!/bin/sh
# The average of two equal LoRAs by peft's add_weighted_adapter is twice the LoRA with "linear", half of it with "ties",
# and the LoRA only with "svd" and "cat"; of two unlike ones "linear" is not the average of their updates at all.
#
# Guess: weights [0.5, 0.5] and combination_type="linear" give the average of the two updates of the weight, so of equal
#   adapters the adapter, and the same from every combination type that keeps all entries (density=1).
# Versions: peft 0.21.2, timm 1.0.31, torch 2.14.1, torchvision 0.29.1.
# Seen: linear adds the A matrices and the B matrices, each times sqrt(weight): (sqrt(.5) 2 B)(sqrt(.5) 2 A) = 2 B A.
#   Of unlike adapters it holds the cross terms B1 A2 and B2 A1, which no adapter was trained for; they are as large as
#   the average. One adapter alone with weight 0.5 is right. svd keeps rank 4 and is the best of that rank; cat is
#   exact, of rank 8. The cross terms are named in huggingface/peft issue 3004, which is about negative weights.
#
# Output:
#   average of                equal adapters          unlike adapters
#                             size       error        size       error       rank
#     linear                  2.00        1.00        1.45        1.01          4
#     dare_linear             2.00        1.00        1.45        1.01          4
#     ties                    0.50        0.50        0.88        0.93          4
#     svd                     1.00        0.00        0.86        0.51          4
#     cat                     1.00        0.00        1.00        0.00          8
#
# Why it matters: to average LoRAs of several seeds or learning rates is the cheap form of a model soup, and linear is
#   the type that one takes for it, since the weights sum to 1. The more alike the adapters are, the more it overshoots.
#   Average the updates with cat.

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

"$venv/bin/python" - 2> "$work/log" <<'EOP' || { status=$?; cat "$work/log" >&2; exit "$status"; }
import sys

import timm
import torch
from peft import LoraConfig, get_peft_model

torch.set_num_threads(1)
torch.manual_seed(0)
vit = timm.create_model("vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=32, depth=3, num_heads=4)
config = LoraConfig(r=4, lora_alpha=8, target_modules=["qkv"])
model = get_peft_model(vit, config, adapter_name="first")
for name, seed in (("first", 1), ("same", 1), ("other", 2)):
    if name != "first":
        model.add_adapter(name, config)
    torch.manual_seed(seed)
    for path, parameter in model.named_parameters():
        if f".{name}." in path:
            torch.nn.init.normal_(parameter, std=0.1)


def update(name):
    """What the adapter adds to the qkv weights of all blocks."""
    return torch.cat([block.attn.qkv.get_delta_weight(name) for block in vit.blocks]).detach()


seen = {}
print("average of                equal adapters          unlike adapters")
print("                          size       error        size       error       rank")
for kind in ("linear", "dare_linear", "ties", "svd", "cat"):
    options = {"density": 1.0} if kind in ("ties", "dare_linear") else {}
    row = []
    for second in ("same", "other"):
        name = f"{kind} {second}"
        model.add_weighted_adapter(["first", second], [0.5, 0.5], name, combination_type=kind, **options)
        average = (update("first") + update(second)) / 2
        row.append((update(name).norm() / average.norm()).item())
        row.append(((update(name) - average).norm() / average.norm()).item())
    seen[kind] = row
    rank = model.peft_config[name].r
    print(f"  {kind:20}{row[0]:8.2f}{row[1]:12.2f}{row[2]:12.2f}{row[3]:12.2f}{rank:11}")


def near(value, goal):
    return abs(value - goal) < 0.01


if not (
    near(seen["linear"][0], 2)
    and near(seen["dare_linear"][0], 2)
    and near(seen["ties"][0], 0.5)
    and near(seen["svd"][1], 0)
    and near(seen["cat"][1], 0)
    and near(seen["cat"][3], 0)
    and seen["linear"][3] > 0.5
):
    sys.exit("the behaviour has changed")
EOP
