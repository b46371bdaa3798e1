#!/bin/sh
# transformers' Trainer applies weight decay to LayerScale, class token, registers and position embeddings; timm's
# optimizer factory exempts them all, on the very same model.
#
# Guess: both exempt what is one-dimensional (biases, norms, LayerScale); they may differ over position embeddings.
# Versions: transformers 5.23.0, timm 1.0.31, accelerate 1.15.0, torch 2.14.1, torchvision 0.29.1.
# Seen: the Trainer goes by type and name: parameters of norm layers, and names with "bias" or "norm". LayerScale is
#   neither (`ls1.gamma`, `layer_scale1.lambda1`), so it decays; BEiT's relative_position_bias_table has "bias" in its
#   name, so it does not. timm goes by shape, and by a list of the model.
#
# Output:
#   vit_small_patch14_reg4_dinov2, decayed by both:
#      attn.proj.weight attn.qkv.weight head.weight mlp.fc1.weight mlp.fc2.weight patch_embed.proj.weight
#   decayed by the Trainer alone: blocks.0.ls1.gamma blocks.0.ls2.gamma cls_token pos_embed reg_token
#   decayed by timm alone:
#   Dinov2ForImageClassification: dinov2.encoder.layer.0.layer_scale1.lambda1 dinov2.encoder.layer.0.layer_scale2.lambda1
#   BeitForImageClassification:   beit.layers.0.lambda_1 beit.layers.0.lambda_2
#   its relative position bias:   not decayed
#
# Why it matters: decay on LayerScale pulls every block's branch towards zero, a shrinking that no gradient asked for.
#   With weight decay 0.05 the two stacks train a DINOv2 or a DeiT-III differently under equal hyperparameters. When
#   runs of the two are compared, compare the lists of decayed parameters first.

pins="torch==2.14.1 torchvision==0.29.1 timm==1.0.31 transformers==5.23.0 accelerate==1.15.0"
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

from timm.optim import create_optimizer_v2
from transformers import (
    BeitConfig,
    BeitForImageClassification,
    Dinov2Config,
    Dinov2ForImageClassification,
    TimmWrapperConfig,
    TimmWrapperForImageClassification,
    Trainer,
    TrainingArguments,
)


def decayed(optimizer, model):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(p)] for group in optimizer.param_groups if group["weight_decay"] > 0 for p in group["params"]}


def by_trainer(model):
    arguments = TrainingArguments(output_dir="out", weight_decay=0.05, report_to=[], use_cpu=True)
    return decayed(Trainer(model, arguments).create_optimizer(), model)


small = dict(img_size=28, patch_size=14, embed_dim=32, depth=1, num_heads=4)
wrapped = TimmWrapperForImageClassification(
    TimmWrapperConfig(architecture="vit_small_patch14_reg4_dinov2", num_labels=5, model_args=small)
)
trainer = {name.removeprefix("timm_model.") for name in by_trainer(wrapped)}
timm = decayed(create_optimizer_v2(wrapped.timm_model, opt="adamw", lr=1e-3, weight_decay=0.05), wrapped.timm_model)
print("vit_small_patch14_reg4_dinov2, decayed by both:")
print("  ", *sorted(name.replace("blocks.0.", "") for name in trainer & timm))
print("decayed by the Trainer alone:", *sorted(trainer - timm))
print("decayed by timm alone:       ", *sorted(timm - trainer))

sizes = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=4, image_size=28, patch_size=14, num_labels=5)
dinov2 = by_trainer(Dinov2ForImageClassification(Dinov2Config(**sizes)))
print("Dinov2ForImageClassification:", *sorted(name for name in dinov2 if "lambda" in name))
model = BeitForImageClassification(BeitConfig(use_relative_position_bias=True, **sizes))
beit = by_trainer(model)
tables = [name for name, _ in model.named_parameters() if "relative_position_bias_table" in name]
print("BeitForImageClassification:  ", *sorted(name for name in beit if "lambda" in name))
print("its relative position bias:  ", "decayed" if any(table in beit for table in tables) else "not decayed")

expected = {"blocks.0.ls1.gamma", "blocks.0.ls2.gamma", "cls_token", "pos_embed", "reg_token"}
lambdas = sum("lambda" in name for name in dinov2), sum("lambda" in name for name in beit)
if not (trainer - timm == expected and not timm - trainer and lambdas == (2, 2) and tables and not beit & set(tables)):
    sys.exit("the behaviour has changed")
EOF
