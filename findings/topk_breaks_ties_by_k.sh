#!/bin/sh
# Which of equal numbers torch.topk picks depends on k: the best k are not always among the best k + 1, and timm's top-1
# accuracy changes when top-5 is asked for as well.
#
# Guess: ties go to the lowest index, or at least to the same places for every k, so that selections nest.
# Versions: torch 2.14.1, timm 1.0.31, torchvision 0.29.1.
# Seen: gradient magnitudes that were rounded to bfloat16 have dozens to hundreds of equals at the cut. The chosen set
#   is not the one that a stable sort gives, and for some k it loses members when k grows by one.
#   timm.utils.accuracy takes top-1 from one topk call with its largest k: where all logits are equal (a head that
#   starts at zero) top-1 is class 0 alone, and another class when top-5 is asked along. argmax gives class 0.
#
# Output:
#   768 x 768 magnitudes from bfloat16
#     top   294:   14 equal at the cut,   2 not in the stable sort's,  1 not in the top 295
#     top   589:   37 equal at the cut,   7 not in the stable sort's,  4 not in the top 590
#     top  1769:   81 equal at the cut,  12 not in the stable sort's,  2 not in the top 1770
#     top  2948:  154 equal at the cut,  33 not in the stable sort's,  2 not in the top 2949
#     top  5898:  263 equal at the cut,  63 not in the stable sort's,  6 not in the top 5899
#     top 11796:  497 equal at the cut,  47 not in the stable sort's,  0 not in the top 11797
#   equal logits of 100 classes, all labels 0: top-1 100 % alone, 0 % beside top-5; argmax 100 %
#
# Why it matters: a mask of the k largest gradients is not reproducible from its definition unless ties have an order.
#   Masks of k and k + 1 need not nest, and a second implementation differs in entries that are all correct. Use a
#   stable sort, or (magnitude, index) as the key. A zero head's accuracy before training says nothing.

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
import sys

import torch
from timm.utils import accuracy

torch.set_num_threads(1)
torch.manual_seed(0)


def top(scores, k):
    return set(scores.topk(k).indices.tolist())


gradient = (torch.randn(768 * 768) * 1e-3).bfloat16().float().abs()
order = torch.sort(gradient, descending=True, stable=True).indices
unlike_sort = unnested = 0
print("768 x 768 magnitudes from bfloat16")
for k in (294, 589, 1769, 2948, 5898, 11796):
    chosen = top(gradient, k)
    equals = (gradient == gradient[order[k - 1]]).sum().item()
    other = len(chosen - set(order[:k].tolist()))
    lost = len(chosen - top(gradient, k + 1))
    unlike_sort += other
    unnested += lost
    print(f"  top {k:5}: {equals:4} equal at the cut, {other:3} not in the stable sort's, ", end="")
    print(f"{lost:2} not in the top {k + 1}")

logits, labels = torch.zeros(8, 100), torch.zeros(8, dtype=torch.long)
alone = accuracy(logits, labels, topk=(1,))[0].item()
along = accuracy(logits, labels, topk=(1, 5))[0].item()
print(f"equal logits of 100 classes, all labels 0: top-1 {alone:.0f} % alone, {along:.0f} % beside top-5;", end=" ")
print(f"argmax {100 * (logits.argmax(1) == labels).float().mean().item():.0f} %")

if not (unlike_sort > 0 and unnested > 0 and alone != along):
    sys.exit("the behaviour has changed")
EOF
