"""The settings with which OpenBLAS and BLIS are fastest on this machine.

Releases that are older than a processor do not know it and fall back to slow kernels unless a variable names a
kind that they know. Each is tried in a process of its own: one whose instructions the machine lacks dies there.
"""
import os
import subprocess
import sys

OPENBLAS = [{}] + [{"OPENBLAS_CORETYPE": kind} for kind in ("Haswell", "Zen", "SkylakeX")]
# BLIS 0.9.0 takes the number that a kind has in its `arch_t` (frame/include/bli_type_defs.h). It reads any name as 0.
BLIS_KINDS = {"skx": 0, "haswell": 3, "zen3": 6}
BLIS = [{}] + [{"BLIS_ARCH_TYPE": str(BLIS_KINDS[kind])} for kind in ("zen3", "skx", "haswell")]
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "BLIS_ARCH_TYPE")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS")
# Threads that spin while they wait for the next call slow each other down as soon as anything else runs.
PASSIVE = {"OMP_WAIT_POLICY": "passive"}
PROBE_SECONDS = 20
NEAR = 0.7


def cores():
    return len(os.sched_getaffinity(0))


def environment(settings):
    """This process's environment with all cores and `settings`."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return {**kept, **{name: str(cores()) for name in THREADS}, **settings}


def describe(settings):
    def shown(name, value):
        kinds = [kind for kind, number in BLIS_KINDS.items() if name == "BLIS_ARCH_TYPE" and value == str(number)]
        return f"{name}={value}" + (f" ({kinds[0]})" if kinds else "")

    return " ".join(shown(*setting) for setting in settings.items()) or "nothing set"


def rate(command, settings):
    """The number that `command` prints; 0 when it dies."""
    try:
        done = subprocess.run(command, env=environment(settings), capture_output=True, text=True, timeout=PROBE_SECONDS)
        return float(done.stdout.split()[-1]) if done.returncode == 0 else 0.0
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        return 0.0


def fastest(library, command, candidates, unit="GFLOP/s"):
    """The candidate with which `command` prints the largest number, or None when all die.

    Each is tried once, and those that come near the best twice more.
    """
    rates = [rate(command, settings) for settings in candidates]
    near = NEAR * max(rates)
    for i, settings in enumerate(candidates):
        if rates[i] > 0 and rates[i] >= near:
            rates[i] = max(rates[i], *(rate(command, settings) for _ in range(2)))
        print(f"{library}: {rates[i]:7.1f} {unit} with {describe(settings)}", file=sys.stderr)
    best = max(range(len(candidates)), key=rates.__getitem__)
    return candidates[best] if rates[best] > 0 else None
