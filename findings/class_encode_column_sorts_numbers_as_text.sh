#!/bin/sh
# datasets' class_encode_column makes text of whole-number labels and sorts that, so of 12 classes label 2 becomes 4 and
# label 10 becomes 2.
#
# Guess: labels that already are 0 .. n-1 keep their numbers and only get a ClassLabel type.
# Versions: datasets 5.2.0. Needs no torch.
# Seen: the names are "0", "1", "10", "11", "2", ... and every label is the place of its text in that list. With ten
#   classes or fewer nothing moves. cast_column("label", ClassLabel(num_classes=12)) keeps the numbers.
#
# Output:
#   names ['0', '1', '10', '11', '2', '3', '4', '5', '6', '7', '8', '9']
#   label before [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
#   label after  [0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3]
#   10 classes:  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
#   100 classes: 88 of 100 labels are another number
#   cast_column: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
#
# Why it matters: train_test_split(stratify_by_column=...) wants a ClassLabel, and class_encode_column is the usual way to
#   make one. Files with plain whole numbers for labels come out of it with permuted classes. A head trained elsewhere
#   then scores near chance, and predictions get the wrong names, while a run from a new head looks perfectly healthy.

pins="datasets==5.2.0"
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

from datasets import ClassLabel, Dataset, disable_progress_bars

disable_progress_bars()


def labels(classes):
    data = Dataset.from_dict({"label": list(range(classes))}).class_encode_column("label")
    return data.features["label"].names, list(data["label"])


names, encoded = labels(12)
print("names", names)
print("label before", list(range(12)))
print("label after ", encoded)
few = labels(10)[1]
print("10 classes: ", few)
hundred = labels(100)[1]
print("100 classes:", sum(a != b for a, b in enumerate(hundred)), "of 100 labels are another number")
cast = list(Dataset.from_dict({"label": list(range(12))}).cast_column("label", ClassLabel(num_classes=12))["label"])
print("cast_column:", cast)

if not (encoded == [0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3] and few == list(range(10)) and cast == list(range(12))):
    sys.exit("the behaviour has changed")
EOF
