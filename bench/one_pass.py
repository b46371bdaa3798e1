"""A pass timed in this process and the peak of its memory, as the line of JSON that bench/compare reads."""
import json
import statistics
import time


def reset_peak():
    try:
        with open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")
    except OSError:
        pass


def peak_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024 / 1e6


def seconds_of(f):
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def report(one_pass, batch, repeats):
    """Prints the median of `repeats` passes behind one that is not timed."""
    reset_peak()
    one_pass()
    seconds = statistics.median(seconds_of(one_pass) for _ in range(repeats))
    print(json.dumps({"seconds": seconds, "images_per_s": batch / seconds, "peak_mb": peak_mb()}))
