#!/bin/sh
# datasets' load_dataset takes the class names of the first parquet file for all of them: the second file's labels keep
# their numbers and get other names, without an error. concatenate_datasets refuses the same two.
#
# Guess: an error as from concatenate_datasets, or labels that are mapped by name; the names are in every file.
# Versions: datasets 5.2.0.
# Seen: Dataset.to_parquet writes the names into each file. When they differ, and it is enough that one more class was
#   there when the second file was made, the features of the first file are used, and the int64 of the others fit them.
#   Which file is first is the order of the list or of the files' names. A number beyond the first file's classes is
#   kept as well, and stops only int2str. With the order turned round, the same files have other labels.
#
# Output:
#   each alone:     ['cat', 'dog'] ['ant', 'bee', 'cat', 'dog']
#   a list:         ['cat', 'dog'] [0, 1, 0, 1, 2, 3]
#   turned round:   ['ant', 'bee', 'cat', 'dog'] [0, 1, 2, 3, 0, 1]
#   the folder:     ['cat', 'dog'] [0, 1, 0, 1, 2, 3]
#   Tuesday's images as the list names them: {'ant.png': 'cat', 'bee.png': 'dog', 'cat.png': 2, 'dog.png': 3}
#   concatenate_datasets of the two: error
#
# Why it matters: parquet files that were made of a growing folder on two days, or by two people, train ants as cats and
#   nothing is said. Compare the names in the files before reading them as one, or cast to one ClassLabel by name before writing.

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

"$venv/bin/python" - 2> "$work/log" <<'EOP' || { status=$?; cat "$work/log" >&2; exit "$status"; }
import os
import sys

from datasets import ClassLabel, Dataset, Features, Value, concatenate_datasets, load_dataset


def save(path, names, classes):
    """Rows of an image's file name, which says the truth, and its label."""
    features = Features(file=Value("string"), label=ClassLabel(names=names))
    labels = [names.index(name) for name in classes]
    data = Dataset.from_dict({"file": [f"{name}.png" for name in classes], "label": labels}, features=features)
    data.to_parquet(path)
    return data


def shown(data):
    names = data.features["label"].names
    return {row["file"]: names[row["label"]] if row["label"] < len(names) else row["label"] for row in data}


os.mkdir("data")
monday = save("data/monday.parquet", ["cat", "dog"], ["cat", "dog"])
tuesday = save("data/tuesday.parquet", ["ant", "bee", "cat", "dog"], ["ant", "bee", "cat", "dog"])
own = [load_dataset("parquet", data_files=f"data/{day}.parquet", split="train") for day in ("monday", "tuesday")]
print("each alone:    ", *(data.features["label"].names for data in own))

files = ["data/monday.parquet", "data/tuesday.parquet"]
listed = load_dataset("parquet", data_files=files, split="train")
turned = load_dataset("parquet", data_files=files[::-1], split="train")
folder = load_dataset("data", split="train")
for title, data in (("a list", listed), ("turned round", turned), ("the folder", folder)):
    print(f"{title + ':':15}", data.features["label"].names, data["label"][:])
print("Tuesday's images as the list names them:", shown(listed.select(range(2, 6))))

try:
    concatenate_datasets([monday, tuesday])
    concatenated = "no error"
except ValueError:
    concatenated = "error"
print("concatenate_datasets of the two:", concatenated)

if not (
    own[1].features["label"].names == ["ant", "bee", "cat", "dog"]
    and listed.features["label"].names == folder.features["label"].names == ["cat", "dog"]
    and listed["label"][:] == folder["label"][:] == [0, 1, 0, 1, 2, 3]
    and turned.features["label"].names == ["ant", "bee", "cat", "dog"]
    and turned["label"][:] == [0, 1, 2, 3, 0, 1]
    and concatenated == "error"
):
    sys.exit("the behaviour has changed")
EOP
