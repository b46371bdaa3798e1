#!/bin/sh
# peft puts LoRA on the fused qkv of timm's BEiT, EVA-02, DINOv3 (qkvb) and Swin V2 and on the out_proj of torchvision's
# ViT, counts it as trainable, and it never computes anything.
#
# Guess: LoRA works on every nn.Linear that target_modules names; where it cannot, peft says so.
# Versions: peft 0.21.2, timm 1.0.31, torch 2.14.1, torchvision 0.29.1.
# Seen: these models add biases of their own to q and v (or leave the product to a fused function) and so read
#   qkv.weight and call torch's linear function with it. The wrapped layer is never called; its `weight` is the base's.
#   No gradient reaches A or B, a B that is not zero changes nothing, yet merge_and_unload adds it: the merged model
#   differs from the one that was evaluated. The same config on timm's plain ViT and on DINOv3 without qkv bias works.
#
# Output:
#                       layers  with gradient  adapter changes output by  merging changes output by
#   timm vit_tiny            2              2                     0.7291                     0.0000
#   timm dinov3              2              2                     0.8932                     0.0000
#   timm dinov3_qkvb         2              0                     0.0000                     0.5750
#   timm beit                2              0                     0.0000                     0.7662
#   timm eva02_tiny          2              0                     0.0000                     0.6419
#   timm swinv2              2              0                     0.0000                     0.8323
#   torchvision vit          2              0                     0.0000                     1.2489
#
# Why it matters: target_modules=["qkv"] is the usual choice for timm models. On these families such a run trains only
#   the head, the loss falls, and the adapter file holds zeros. An adapter that another tool trained on such a base is
#   ignored until it is merged. Check that every lora_B has a gradient after the first backward pass.

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
import sys

import timm
import torch
import torchvision
from peft import LoraConfig, get_peft_model

small = dict(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=4, num_classes=5)
small_swin = dict(img_size=32, embed_dim=24, depths=(2,), num_heads=(2,), window_size=4, num_classes=5)


def from_timm(name, **sizes):
    return lambda: timm.create_model(name, **(sizes or small))


models = {
    "timm vit_tiny": (from_timm("vit_tiny_patch16_224"), "qkv"),
    "timm dinov3": (from_timm("vit_small_patch16_dinov3"), "qkv"),
    "timm dinov3_qkvb": (from_timm("vit_small_patch16_dinov3_qkvb"), "qkv"),
    "timm beit": (from_timm("beit_base_patch16_224"), "qkv"),
    "timm eva02_tiny": (from_timm("eva02_tiny_patch14_336"), "qkv"),
    "timm swinv2": (from_timm("swinv2_tiny_window8_256", **small_swin), "qkv"),
    "torchvision vit": (
        lambda: torchvision.models.VisionTransformer(
            image_size=32, patch_size=8, num_layers=2, num_heads=4, hidden_dim=32, mlp_dim=64, num_classes=5
        ),
        "out_proj",
    ),
}
dead = set()
print("                    layers  with gradient  adapter changes output by  merging changes output by")
for name, (make, target) in models.items():
    torch.manual_seed(0)
    model = get_peft_model(make(), LoraConfig(r=4, target_modules=[target], modules_to_save=["head"]))
    for parameter in model.parameters():  # new LayerScales are too small to show anything
        torch.nn.init.uniform_(parameter, 0.5, 1.5) if parameter.ndim == 1 else torch.nn.init.normal_(parameter, std=0.2)
    bs = [p for n, p in model.named_parameters() if "lora_B" in n]
    images = torch.randn(4, 3, 32, 32)
    model.train()
    model(images).square().sum().backward()
    gradients = sum(b.grad is not None and bool(b.grad.any()) for b in bs)
    model.eval()
    with torch.no_grad():
        adapted = model(images)
        kept = [b.clone() for b in bs]
        for b in bs:
            b.zero_()
        base = model(images)
        for b, values in zip(bs, kept):
            b.copy_(values)
        merged = model.merge_and_unload()(images)
    by_adapter, by_merging = (adapted - base).abs().max().item(), (merged - adapted).abs().max().item()
    print(f"{name:20}{len(bs):6}{gradients:15}{by_adapter:27.4f}{by_merging:27.4f}")
    if gradients == 0 and by_adapter == 0 and by_merging > 1e-3:
        dead.add(name)

if dead != {"timm dinov3_qkvb", "timm beit", "timm eva02_tiny", "timm swinv2", "torchvision vit"}:
    sys.exit("the behaviour has changed")
EOF
