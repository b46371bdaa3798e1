"""espalier and its peers measured in turn: which peers there are, the processes of all, and the settings that suit each."""
import argparse
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import blas_settings

HERE = os.path.dirname(os.path.abspath(__file__))
PYTORCH = os.path.join(HERE, "peer.py")
RUNTIME = os.path.join(HERE, "peer_onnx.py")
SYSTEM_PYTHON = "/usr/bin/python3"
# Where AVX2 is asked for: PyTorch's own kernels, those of oneDNN (OpenVINO has it, too) and MKL's.
ONLY_AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}


def warn(text):
    print(f"{os.path.basename(sys.argv[0])}: {text}", file=sys.stderr)


def processor():
    """Its name, and family and model, as virtual machines often have a name that says nothing."""
    with open("/proc/cpuinfo") as file:
        facts = dict(map(str.strip, line.split(":", 1)) for line in file.read().split("\n\n")[0].splitlines() if ":" in line)
    if "model name" not in facts:
        return "unknown processor"
    wide = "with" if "avx512f" in facts.get("flags", "").split() else "without"
    return f"{facts['model name']} (family {facts.get('cpu family')}, model {facts.get('model')}, {wide} AVX-512)"


class PyTorch:
    """Does all that espalier is compared in."""

    modes = ("infer", "full", "gps", "lora", "score", "rank")

    def __init__(self, name, python, settings):
        self.name, self.python, self.settings = name, python, settings

    def command(self, mode, *model):
        return [self.python, PYTORCH, "--mode", mode, *sizes(*model)]

    def has_timm(self):
        return version(self.python, "timm") is not None


class OnnxRuntime:
    """A runtime of ONNX models, which only infers. `exports` has the models."""

    modes = ("infer",)

    def __init__(self, name, runtime, python, settings, exports):
        self.name, self.runtime, self.python, self.settings, self.exports = name, runtime, python, settings, exports

    def command(self, mode, arch, batch, repeats):
        model = self.exports.path(arch, batch)
        return [self.python, RUNTIME, "--runtime", self.runtime, "--model", model,
                "--batch", str(batch), "--repeats", str(repeats)]


class Exports:
    """The model of bench/peer.py as ONNX files, each made when it is first asked for and gone with this process."""

    def __init__(self, python):
        self.python, self.folder = python, tempfile.TemporaryDirectory(prefix="espalier-onnx-")

    def path(self, arch, batch):
        path = os.path.join(self.folder.name, f"{arch}-{batch}.onnx")
        if not os.path.exists(path):
            run([self.python, PYTORCH, "--export", path, "--arch", arch, "--batch", str(batch)], {})
        return path


def sizes(arch, batch, repeats, image_size=None):
    of_images = ["--image-size", str(image_size)] if image_size else []
    return ["--arch", arch, "--batch", str(batch), "--repeats", str(repeats), *of_images]


def version(python, module):
    """As the module says it, without what names a build; None where the module is missing."""
    try:
        done = subprocess.run([python, "-c", f"import {module}; print({module}.__version__)"], capture_output=True, text=True)
    except OSError:
        return None
    return re.split("[-+]", done.stdout.strip())[0] if done.returncode == 0 else None


def system_blas_settings(python, instruction_set):
    """The installed BLAS and the variables with which a PyTorch that takes the system's BLAS multiplies fastest."""
    tried = [{"LD_LIBRARY_PATH": os.path.dirname(file), **kind}
             for library in ("BLIS", "OpenBLAS")
             for file in glob.glob(f"/usr/lib/*/{library.lower()}-[op]*/libblas.so.3")  # OpenMP or pthreads, not serial
             for kind in blas_settings.candidates(library, instruction_set)]
    return blas_settings.fastest("PyTorch", [python, PYTORCH, "--probe", "blas"], tried or [{}])


def pytorch_settings(name, python, options):
    """The variables with which it is fastest, its way of waiting among them; None when it runs with none."""
    limits = ONLY_AVX2 if options.instruction_set == "avx2" else {}
    own_blas = subprocess.run([python, "-c", "import sys, torch; sys.exit(not torch.backends.mkl.is_available())"]).returncode == 0
    if options.settings is not None and not own_blas:
        return {**limits, **dict(word.split("=", 1) for word in options.settings.split())}
    blas = {} if own_blas else system_blas_settings(python, options.instruction_set)
    if blas is None:
        return None
    ways = [{**limits, **blas}, {**limits, **blas, **blas_settings.PASSIVE}]
    return blas_settings.fastest(name, [python, PYTORCH, "--probe", "step"], ways, "images/s")


def find_peers(options):
    """The peers that are installed and that --peers asks for; a line to stderr names one that is missing."""
    python = os.path.join(options.venv, "bin", "python3")
    found = []

    def look(library, module, python, make, remedy):
        number = version(python, module)
        if number is None:
            warn(f"{library} is left out: {python} has no {module}; {remedy}")
        elif re.search(options.peers, f"{library} {number}"):
            found.append(make(f"{library} {number}"))

    def pytorch(python):
        def make(name):
            settings = pytorch_settings(name, python, options)
            if settings is None:
                raise RuntimeError(f"{name} of {python} does not run with any BLAS")
            return PyTorch(name, python, settings)

        return make

    exports = Exports(python)

    def runtime(runtime):
        return lambda name: OnnxRuntime(name, runtime, python, limits, exports)

    limits = ONLY_AVX2 if options.instruction_set == "avx2" else {}
    if limits and "with AVX-512" in processor():
        warn("not limited to AVX2: ONNX Runtime, and OpenVINO's products by MLAS, which ask the processor alone")
    in_venv = "tests/clients/setup makes an environment with it, --venv names one"
    look("PyTorch", "torch", SYSTEM_PYTHON, pytorch(SYSTEM_PYTHON), "apt-get install python3-torch")
    look("PyTorch", "torch", python, pytorch(python), in_venv)
    if version(python, "torch") and version(python, "onnxscript"):
        look("ONNX Runtime", "onnxruntime", python, runtime("onnxruntime"), in_venv)
        look("OpenVINO", "openvino", python, runtime("openvino"), in_venv)
    else:
        warn(f"ONNX Runtime and OpenVINO are left out: {python} has no torch and onnxscript to export a model; {in_venv}")
    return found


def run(command, settings):
    """What the command prints."""
    done = subprocess.run(command, env=blas_settings.environment(settings), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} fails: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return done.stdout


def run_json(command, settings, phase=None):
    result = json.loads(run(command, settings))
    if phase:
        seconds = result["phases"][phase]
        result["images_per_s"] *= result["seconds"] / seconds
        result["seconds"] = seconds
    result["choice_seconds"] = result.get("phases", {}).get("select", 0)
    return {name: result[name] for name in ("seconds", "images_per_s", "peak_mb", "choice_seconds")}


def ours(options, words, *model):
    """The command of espalier's bench."""
    chosen = ["--instruction-set", options.instruction_set] if options.instruction_set else []
    return [options.espalier, "bench", *words, *sizes(*model), *chosen, "--json"]


def make_parser(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="processes of each kind (3)")
    parser.add_argument("--json", metavar="FILE", help="also write the results there")
    parser.add_argument("--espalier", default="build/release/espalier", metavar="PATH", help="(build/release/espalier)")
    parser.add_argument("--peers", default="", metavar="REGEX", help="of names as 'PyTorch 2.14.1', those to measure (all)")
    parser.add_argument("--settings", metavar="'NAME=VALUE ...'",
                        help="of the PyTorch that takes the system's BLAS, in place of the search for the best")
    blas_settings.add_options(parser)
    return parser


def set_up(parser, options):
    """The peers, which are printed with their settings; ends the program without any."""
    if options.rounds < 1:
        parser.error("--rounds takes 1 or more")
    if not all("=" in word for word in (options.settings or "").split()):
        parser.error("--settings takes 'NAME=VALUE ...'")
    if not os.access(options.espalier, os.X_OK):
        parser.error(f"there is no program {options.espalier}; build it, or name one by --espalier")
    peers = find_peers(options)
    if not peers:
        print("skipped: there is no peer to measure beside")
        sys.exit(0)
    print(f"{processor()}, {blas_settings.cores()} cores, medians of {options.rounds} rounds")
    for peer in peers:
        print(f"{peer.name} with {blas_settings.describe(peer.settings)}")
    return peers


def write_results(options, peers, results):
    if not options.json:
        return
    summary = {"processor": processor(), "cores": blas_settings.cores(), "rounds": options.rounds,
               "instruction_set": options.instruction_set,
               "peers": [{"name": peer.name, "settings": peer.settings} for peer in peers], "results": results}
    with open(options.json, "w") as file:
        json.dump(summary, file, indent=2)


def run_main(main):
    """Runs `main`; what goes wrong is one line and status 1."""
    try:
        main()
    except RuntimeError as error:
        warn(error)
        sys.exit(1)
