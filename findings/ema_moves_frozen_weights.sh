#!/bin/sh
# An exponential moving average of weights that never change drifts away from them by up to 1e-4 of their size in timm's
# ModelEmaV2 and torch's get_ema_avg_fn, and stays equal bit for bit in ModelEmaV3 and get_ema_multi_avg_fn.
#
# Guess: averaging a number with itself gives that number, or something that wobbles by one unit in the last place.
# Versions: torch 2.14.1, timm 1.0.31, torchvision 0.29.1.
# Seen: decay * e + (1 - decay) * w rounds the same way at every update, a third of the weights walk off by about
#   1e-7 an update, and stop only where the pull of (1 - decay) outweighs the rounding: at 1.3e-4 for a decay of 0.9998.
#   The other two interpolate, e + (1 - decay) * (w - e), which adds exactly zero.
#
# Output:
#                               updates  weights changed  largest relative change
#   timm ModelEmaV2                  10           33.3%                  1.2e-06
#   timm ModelEmaV3                  10            0.0%                  0.0e+00
#   torch get_ema_avg_fn             10           33.3%                  1.1e-06
#   torch get_ema_multi_avg_fn       10            0.0%                  0.0e+00
#   timm ModelEmaV2                1000           33.3%                  1.2e-04
#   timm ModelEmaV3                1000            0.0%                  0.0e+00
#   torch get_ema_avg_fn           1000           33.3%                  1.2e-04
#   torch get_ema_multi_avg_fn     1000            0.0%                  0.0e+00
#   timm ModelEmaV2                5000           33.3%                  1.3e-04
#   timm ModelEmaV3                5000            0.0%                  0.0e+00
#   torch get_ema_avg_fn           5000           33.3%                  1.3e-04
#   torch get_ema_multi_avg_fn     5000            0.0%                  0.0e+00
#
# Why it matters: a PEFT run with an average (0.9998 is a common decay for ViTs on fine-grained sets) should keep every
#   frozen weight. Evaluated through such an average the "frozen" backbone is another one, a sparse difference against
#   the base is dense, and a hash of the base no longer fits. timm's training script used ModelEmaV2 for years, and so
#   do the many scripts that grew out of it. Average what trains, or interpolate.

pins="torch==2.14.1 torchvision==0.29.1 timm==1.0.31"
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
import copy
import sys

import torch
from timm.utils import ModelEmaV2, ModelEmaV3
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn, get_ema_multi_avg_fn

torch.set_num_threads(1)
torch.manual_seed(0)
decay = 0.9998
layer = torch.nn.Linear(256, 256).requires_grad_(False)
start = copy.deepcopy(layer.weight)
averages = {
    "timm ModelEmaV2": ModelEmaV2(layer, decay=decay),
    "timm ModelEmaV3": ModelEmaV3(layer, decay=decay),
    "torch get_ema_avg_fn": AveragedModel(layer, avg_fn=get_ema_avg_fn(decay)),
    "torch get_ema_multi_avg_fn": AveragedModel(layer, multi_avg_fn=get_ema_multi_avg_fn(decay)),
}
seen = {}
print("                            updates  weights changed  largest relative change")
for step in range(1, 5001):
    for name, average in averages.items():
        (average.update if name.startswith("timm") else average.update_parameters)(layer)
        if step in (10, 1000, 5000):
            change = ((average.module.weight - start).abs() / start.abs()).max().item()
            changed = (average.module.weight != start).float().mean().item()
            print(f"{name:28}{step:7}{changed:16.1%}{change:25.1e}")
            seen[name] = change

if not (
    seen["timm ModelEmaV3"] == seen["torch get_ema_multi_avg_fn"] == 0
    and seen["timm ModelEmaV2"] > 1e-5
    and seen["torch get_ema_avg_fn"] > 1e-5
):
    sys.exit("the behaviour has changed")
EOF
