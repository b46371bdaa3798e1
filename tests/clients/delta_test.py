"""tools/espalier_delta.py beside `espalier merge`: deltas of whole parameters, rows, columns and elements give the same state
dict to the bit, on numpy arrays and on torch tensors; LoRA, rsLoRA and DoRA to the last bits; what must be computed is refused
by name.
  delta_test.py path/to/espalier
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
from safetensors.torch import load_file

from program import CLASSES, Program, ROOT, training_images

sys.path.insert(0, str(ROOT / "tools"))
from espalier_delta import Delta, DeltaError  # noqa: E402

BASE = ROOT / "data/demo/model.safetensors"
EXACT = {
    "full": [], "bitfit": [], "linear": [],
    "gps": ["--k", "2"],                                # elements
    "grft": ["--k", "3"],                               # rows or columns
    "random": ["--k", "5", "--unit", "row"],
}
MERGED = {"lora": ["--rank", "3", "--alpha", "5"], "dora": ["--rank", "2"],
          "rslora": ["--rank", "4", "--alpha", "3", "--targets", "blocks.*.mlp.fc1,blocks.*.attn.qkv"]}
REFUSED = {"vpt": "prompt", "ssf": "ssf"}


def main():
    espalier = sys.argv[1]
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        program = Program(espalier, scratch)
        data = training_images(scratch / "data")

        def tuned(name, options):
            method = "lora" if name == "rslora" else name
            more = ["--rslora"] if name == "rslora" else []
            program.run("tune", "--model", BASE, "--data", data, "--allow-empty-class", "--method", method, "--head", "new",
                        "--steps", 3, "--batch-size", 8, "--lr", 0.02, "--workers", 1, "--no-test", "--out", scratch / name,
                        *options, *more)
            return scratch / name / "delta.safetensors"

        def merged(name):
            program.run("merge", "--model", BASE, "--delta", scratch / name / "delta.safetensors", "--out",
                        scratch / f"{name}.safetensors")
            return load_file(scratch / f"{name}.safetensors")

        state = load_file(BASE)
        arrays = {name: tensor.numpy() for name, tensor in state.items()}
        before = {name: array.copy() for name, array in arrays.items()}
        kinds = set()
        for name, options in EXACT.items():
            delta = Delta(tuned(name, options))
            kinds |= {kind for kind, _, _ in delta.parts.values()}
            assert delta.classes == CLASSES and delta.method == name, (delta.classes, delta.method)
            expected, found, of_torch = merged(name), delta.apply(arrays), delta.apply(state)
            assert expected.keys() == found.keys() == of_torch.keys(), expected.keys() ^ found.keys()
            for key, tensor in expected.items():
                assert numpy.array_equal(found[key], tensor.numpy()), f"{name}: {key}"
                assert torch.equal(of_torch[key], tensor), f"{name}: {key} in torch"
            assert any(not numpy.array_equal(found[key], arrays[key]) for key in arrays if "head" not in key) or name == "linear"
        assert all(numpy.array_equal(arrays[key], before[key]) for key in arrays), "the state dict was changed"
        print(f"parts: {sorted(kinds)}")
        assert kinds >= {"whole", "elements"} and kinds & {"rows", "columns"}, kinds
        for name, options in MERGED.items():
            delta = Delta(tuned(name, options))
            expected, found = merged(name), delta.apply(arrays)
            worst = max(numpy.abs(found[key] - expected[key].numpy()).max() / numpy.abs(expected[key].numpy()).max()
                        for key in expected)
            moved = max(numpy.abs(found[key] - arrays[key]).max() for key in arrays if "attn.qkv" in key)
            assert worst < 1e-6 < 1e-4 < moved, (name, worst, moved)
            print(f"{name}: {worst:.1e} from merge")
        for name, word in REFUSED.items():
            delta = Delta(tuned(name, []))
            try:
                delta.apply(arrays)
                raise AssertionError(f"{name} was taken")
            except DeltaError as error:
                assert word in str(error), error
        # Every prefix of a delta is refused in its own words.
        content = (scratch / "gps/delta.safetensors").read_bytes()
        for cut in [*range(0, 200), *range(200, len(content), 997), len(content) - 1]:
            (scratch / "cut").write_bytes(content[:cut])
            try:
                Delta(scratch / "cut")
                raise AssertionError(f"a delta of {cut} bytes was taken")
            except DeltaError:
                pass
        # As a program, and with bfloat16 tensors.
        subprocess.run([sys.executable, ROOT / "tools/espalier_delta.py", scratch / "gps/delta.safetensors", BASE,
                        scratch / "tuned.npz"], check=True)
        with numpy.load(scratch / "tuned.npz") as file:
            expected = merged("gps")
            assert all(numpy.array_equal(file[key], tensor.numpy()) for key, tensor in expected.items())
        half = Delta(scratch / "gps/delta.safetensors").apply({name: t.bfloat16() for name, t in state.items()})
        assert all(tensor.dtype == torch.bfloat16 for tensor in half.values())
        assert torch.equal(half["head.weight"], expected["head.weight"].bfloat16())
    print("passed")


main()
