"""espalier and PyTorch measured in turn: the processes of both, and the settings with which PyTorch is fastest."""
import argparse
import glob
import json
import os
import subprocess
import sys

import blas_settings

HERE = os.path.dirname(os.path.abspath(__file__))
PEER = os.path.join(HERE, "peer.py")


def warn(text):
    print(f"{os.path.basename(sys.argv[0])}: {text}", file=sys.stderr)


def python_with_torch():
    """The first Python that has PyTorch, or None."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0:
            return python
    return None


def peer_settings(python):
    """The BLAS and the variables with which PyTorch multiplies fastest, and the way of waiting that suits it."""
    candidates = blas_settings.OPENBLAS + blas_settings.BLIS[1:]  # of whichever libblas.so.3 is the system's
    for library, kinds in (("blis", blas_settings.BLIS), ("openblas", blas_settings.OPENBLAS)):
        for folder in glob.glob(f"/usr/lib/*/{library}-openmp"):
            if os.path.exists(os.path.join(folder, "libblas.so.3")):
                candidates += [{"LD_LIBRARY_PATH": folder, **kind} for kind in kinds]
    blas = blas_settings.fastest("PyTorch", [python, PEER, "--probe", "blas"], candidates)
    if blas is None:
        return None
    ways = [blas, {**blas, **blas_settings.PASSIVE}]
    return blas_settings.fastest("PyTorch", [python, PEER, "--probe", "step"], ways, "images/s")


def run_json(command, settings, phase=None):
    done = subprocess.run(command, env=blas_settings.environment(settings), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} fails: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    result = json.loads(done.stdout)
    if phase:
        seconds = result["phases"][phase]
        result["images_per_s"] *= result["seconds"] / seconds
        result["seconds"] = seconds
    result["choice_seconds"] = result.get("phases", {}).get("select", 0)
    return {name: result[name] for name in ("seconds", "images_per_s", "peak_mb", "choice_seconds")}


def make_parser(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="processes of each kind (3)")
    parser.add_argument("--json", metavar="FILE", help="also write the results there")
    parser.add_argument("--espalier", default="build/release/espalier", metavar="PATH", help="(build/release/espalier)")
    parser.add_argument("--settings", metavar="'NAME=VALUE ...'", help="of PyTorch, in place of the search for the best")
    return parser


def set_up(parser, options):
    """The Python with PyTorch and the settings it is to run with, which are printed; ends the program without them."""
    if options.rounds < 1:
        parser.error("--rounds takes 1 or more")
    if not all("=" in word for word in (options.settings or "").split()):
        parser.error("--settings takes 'NAME=VALUE ...'")
    if not os.access(options.espalier, os.X_OK):
        parser.error(f"there is no program {options.espalier}; build it, or name one by --espalier")
    python = python_with_torch()
    if not python:
        print("skipped: PyTorch is not installed (Debian: apt-get install python3-torch)")
        sys.exit(0)
    if options.settings is None:
        settings = peer_settings(python)
    else:
        settings = dict(word.split("=", 1) for word in options.settings.split())
    if settings is None:
        raise RuntimeError("PyTorch does not run with any BLAS")
    print(f"PyTorch with {blas_settings.describe(settings)}, {blas_settings.cores()} cores, "
          f"medians of {options.rounds} rounds")
    return python, settings


def write_results(options, settings, results):
    if not options.json:
        return
    with open(options.json, "w") as file:
        summary = {"settings": settings, "cores": blas_settings.cores(), "rounds": options.rounds, "results": results}
        json.dump(summary, file, indent=2)


def run(main):
    """Runs `main`; what goes wrong is one line and status 1."""
    try:
        main()
    except RuntimeError as error:
        warn(error)
        sys.exit(1)
