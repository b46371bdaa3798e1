"""The settings with which OpenBLAS, BLIS and MKL are fastest on this machine.

Releases that are older than a processor do not know it and fall back to slow kernels unless a variable names a
kind that they know. Each is tried in a process of its own: one whose instructions the machine lacks dies there.
"""
import os
import subprocess
import sys

# BLIS 0.9.0 takes the number that a kind has in its `arch_t` (frame/include/bli_type_defs.h). It reads any name as 0.
BLIS_KINDS = {"skx": 0, "haswell": 3, "zen3": 6}


def blis(kind):
    return {"BLIS_ARCH_TYPE": str(BLIS_KINDS[kind])}


# The kinds of processor worth trying, by library; AVX2 lists those whose kernels have no AVX-512.
OPENBLAS = [{}] + [{"OPENBLAS_CORETYPE": kind} for kind in ("Haswell", "Zen", "SkylakeX")]
BLIS = [{}] + [blis(kind) for kind in ("zen3", "skx", "haswell")]
# The threads of libgomp, which the other libraries and ours run on; MKL's choice of fewer threads than cores is off.
MKL = [{"MKL_THREADING_LAYER": "GNU", "MKL_DYNAMIC": "FALSE"}]
LIBRARIES = {"OpenBLAS": OPENBLAS, "BLIS": BLIS, "MKL": MKL}
AVX2 = {
    "OpenBLAS": [{"OPENBLAS_CORETYPE": "Haswell"}],
    "BLIS": [blis("haswell")],
    "MKL": [{**MKL[0], "MKL_ENABLE_INSTRUCTIONS": "AVX2"}],  # heeded on Intel's processors; others get its general kernels
}
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "BLIS_ARCH_TYPE", "MKL_ENABLE_INSTRUCTIONS")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS", "MKL_NUM_THREADS")
# Threads that spin while they wait for the next call slow each other down as soon as anything else runs.
PASSIVE = {"OMP_WAIT_POLICY": "passive"}
# Sleeping threads that are not bound may be woken on one core, for seconds, whichever library they work for.
BOUND = {**PASSIVE, "OMP_PROC_BIND": "true"}
PROBE_SECONDS = 60  # PyTorch alone may take 10 to start
NEAR = 0.7


def add_options(parser):
    """Where peers from PyPI are, and to which instructions all are limited."""
    venv = os.path.join(os.getenv("ESPALIER_VENVS", "build/venv"), "clients")
    parser.add_argument("--venv", default=venv, metavar="DIR",
                        help="virtual environment with peers, as tests/clients/setup makes it (%(default)s)")
    parser.add_argument("--instruction-set", choices=["avx512", "avx2"],
                        help="of espalier; avx2 limits the peers, too (what the processor has)")


def candidates(library, instruction_set):
    """What is tried of a library: what limits it to AVX2 where `instruction_set` is that, else every kind."""
    return AVX2[library] if instruction_set == "avx2" else LIBRARIES[library]


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
