#!/bin/sh
# safetensors.numpy writes the bytes of a transposed array as they lie in memory and its shape as numpy shows it, so
# the file holds another matrix, without an error.
#
# Guess: save() either copies a transposed array into C order, as numpy.save does, or refuses it, as
#   safetensors.torch does with a tensor that is not contiguous.
# Versions: safetensors 0.8.0, numpy 2.4.6. Needs no torch.
# Seen: kernel.T of a Flax layer [4, 3] is saved with shape [3, 4] and the bytes of [4, 3]; every second row of a matrix
#   is saved as its first rows. The round trip gives other numbers. A big-endian array is converted as it should be.
#   safetensors 0.7.0 wrote all of them right. Reported as safetensors issue 825.
#
# Output:
#   C order                      shape [4, 3] the same numbers
#   kernel.T                     shape [3, 4] OTHER NUMBERS
#   square kernel.T              shape [3, 3] OTHER NUMBERS
#   asfortranarray               shape [4, 3] OTHER NUMBERS
#   every second row             shape [2, 3] OTHER NUMBERS
#   ascontiguousarray(kernel.T)  shape [3, 4] the same numbers
#   big-endian                   shape [4, 3] the same numbers
#   kernel.T was     [0.0, 3.0, 6.0, 9.0] ...
#   kernel.T is now  [0.0, 1.0, 2.0, 3.0] ...
#
# Why it matters: ViT checkpoints come as .npz with kernels [in, out], and the usual conversion to timm's names is
#   `kernel.T`. With square matrices (attn.proj) the shape cannot show the mistake, the file loads everywhere, and the
#   model is merely bad. Write np.ascontiguousarray(kernel.T), and compare a file with its source by value.

pins="safetensors==0.8.0 numpy==2.4.6"
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

import numpy as np
from safetensors.numpy import load, save


def round_trip(array):
    return load(save({"weight": array}))["weight"]


kernel = np.arange(12, dtype=np.float32).reshape(4, 3)
square = np.arange(9, dtype=np.float32).reshape(3, 3)
cases = {
    "C order": kernel,
    "kernel.T": kernel.T,
    "square kernel.T": square.T,
    "asfortranarray": np.asfortranarray(kernel),
    "every second row": kernel[::2],
    "ascontiguousarray(kernel.T)": np.ascontiguousarray(kernel.T),
    "big-endian": kernel.astype(">f4"),
}
right = {}
for name, array in cases.items():
    back = round_trip(array)
    right[name] = bool(np.array_equal(back, array))
    print(f"{name:28} shape {list(back.shape)} {'the same numbers' if right[name] else 'OTHER NUMBERS'}")
print("kernel.T was    ", kernel.T.tolist()[0], "...")
print("kernel.T is now ", round_trip(kernel.T).tolist()[0], "...")

wrong = {name for name, same in right.items() if not same}
if wrong != {"kernel.T", "square kernel.T", "asfortranarray", "every second row"}:
    sys.exit("the behaviour has changed")
EOF
