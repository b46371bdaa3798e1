#!/bin/sh
# Under transformers' Trainer, gradient accumulation over N batches multiplies the gradient by N for BEiT, CLIP and
# SigLIP, and with labels of several classes for ViT as well; ViT with one class an image and timm's models are right.
#
# Guess: 4 batches of 2 give the gradient of one batch of 8, whatever the model and the labels, as there is no dropout.
# Versions: transformers 5.23.0, accelerate 1.15.0, timm 1.0.31, torch 2.14.1, torchvision 0.29.1.
# Seen: the Trainer leaves the division to every model whose forward takes **kwargs. ViT hands
#   num_items_in_batch on to its loss; BEiT, CLIP and SigLIP take it and drop it, and the loss of several labels drops
#   it in ViT too, so nobody divides. timm's wrapper says accepts_loss_kwargs = False, and the Trainer divides.
#   The logged loss is multiplied likewise. Reported for single labels as huggingface/transformers issue 47688.
#
# Output:
#                            norm of the gradient           logged loss
#   batches                1 of 8  4 of 2   ratio     1 of 8  4 of 2
#   ViT                     5.730   5.730    1.00      1.636   1.636
#   BEiT                   79.777 319.108    4.00      1.576   6.306
#   CLIP                    7.728  30.913    4.00      2.000   8.001
#   SigLIP                  2.851  11.405    4.00      1.821   7.285
#   timm's ViT              4.931   4.931    1.00      1.510   1.510
#   BEiT, mended           79.777  79.777    1.00      1.576   1.576
#   ViT, several            1.896   7.582    4.00      0.710   2.839
#   timm's ViT, several     2.027   2.027    1.00      0.682   0.682
#
# Why it matters: the same script with another model class trains otherwise. SGD takes steps of N times the size; the
#   default clipping of the norm at 1 cuts nearly every step; AdamW alone hides it, where nothing is clipped. A run that
#   fits the memory by accumulation is not the run that it stands for, and its training loss must be divided by N
#   before it is compared. Set model.accepts_loss_kwargs = False before the Trainer is made, and it divides.

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

"$venv/bin/python" - 2> "$work/log" <<'EOP' || { status=$?; cat "$work/log" >&2; exit "$status"; }
import sys

import torch
from torch.nn.functional import one_hot
from transformers import (
    BeitConfig,
    BeitForImageClassification,
    CLIPConfig,
    CLIPForImageClassification,
    PrinterCallback,
    SiglipConfig,
    SiglipForImageClassification,
    TimmWrapperConfig,
    TimmWrapperForImageClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    ViTConfig,
    ViTForImageClassification,
)

torch.set_num_threads(1)
images, steps = 8, 4
blocks = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
vision = dict(blocks, image_size=32, patch_size=8)
towers = dict(vision_config=vision, text_config=dict(blocks, vocab_size=100, bos_token_id=0, eos_token_id=1))
timm_vit = dict(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2)
models = {
    "ViT": lambda: ViTForImageClassification(ViTConfig(**vision, num_labels=5)),
    "BEiT": lambda: BeitForImageClassification(BeitConfig(**vision, num_labels=5)),
    "CLIP": lambda: CLIPForImageClassification(CLIPConfig(**towers, num_labels=5)),
    "SigLIP": lambda: SiglipForImageClassification(SiglipConfig(**towers, num_labels=5)),
    "timm's ViT": lambda: TimmWrapperForImageClassification(
        TimmWrapperConfig(architecture="vit_tiny_patch16_224", model_args=timm_vit, num_labels=5)
    ),
}


class Norm(TrainerCallback):
    def on_pre_optimizer_step(self, args, state, control, model, **kwargs):
        self.value = torch.nn.utils.get_total_norm(p.grad for p in model.parameters() if p.grad is not None).item()


def train(make, several_labels, accumulation, divide=False):
    """The norm of the first step's gradient and the loss that is logged for it."""
    torch.manual_seed(0)
    model = make()
    for module in model.modules():  # BEiT's drop path among them
        if "drop_prob" in vars(module):
            module.drop_prob = 0.0
    if divide:
        model.accepts_loss_kwargs = False
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randn(images, 3, 32, 32, generator=generator)
    labels = torch.randint(0, 5, (images,), generator=generator)
    if several_labels:
        labels = one_hot(labels, 5).float()
    arguments = TrainingArguments(
        "out",
        per_device_train_batch_size=images // accumulation,
        gradient_accumulation_steps=accumulation,
        max_steps=1,
        optim="sgd",
        max_grad_norm=0,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        log_level="error",
    )
    norm = Norm()
    data = [{"pixel_values": p, "labels": l} for p, l in zip(pixels, labels)]
    trainer = Trainer(model, arguments, train_dataset=data, callbacks=[norm])
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return norm.value, trainer.state.log_history[0]["loss"]


print("                           norm of the gradient           logged loss")
print("  batches                1 of 8  4 of 2   ratio     1 of 8  4 of 2")
ratios = {}
cases = [(name, False, False) for name in models]
cases += [("BEiT", False, True), ("ViT", True, False), ("timm's ViT", True, False)]
for name, several, divide in cases:
    whole, split = train(models[name], several, 1, divide), train(models[name], several, steps, divide)
    title = name + (", several" if several else "") + (", mended" if divide else "")
    ratios[title] = split[0] / whole[0]
    print(f"  {title:20}{whole[0]:9.3f}{split[0]:8.3f}{ratios[title]:8.2f}{whole[1]:11.3f}{split[1]:8.3f}")

right = ("ViT", "timm's ViT", "BEiT, mended", "timm's ViT, several")
if any(abs(ratio - (1 if title in right else steps)) > 0.01 for title, ratio in ratios.items()):
    sys.exit("the behaviour has changed")
EOP
