"""Event files of `espalier tune --tensorboard`, read by TensorBoard: tensorboard_test.py path/to/espalier

What EventAccumulator reads must be what metrics.jsonl says, of a run in one piece and of one that was killed and resumed.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ESPALIER = sys.argv[1]
PLACES = {"kind", "batch", "step", "epoch", "split"}
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what)


def images(folder):
    for which, name in enumerate("abc"):
        for split, count in (("train", 8), ("val", 2), ("test", 2)):
            place = folder / split / name
            place.mkdir(parents=True)
            for i in range(count):
                values = numpy.random.default_rng(10 * which + i).integers(0, 60, (48, 48, 3))
                values[..., which] += 150
                (place / f"{i}.ppm").write_bytes(b"P6 48 48 255\n" + values.astype("u1").tobytes())


def words(folder, run, more=()):
    return [ESPALIER, "tune", "--arch", "test_vit", "--data", str(folder / "data"), "--method", "grft", "--epochs", "4",
            "--batch-size", "4", "--save-every", "2", "--out", str(run), "--tensorboard", *more]


def lines_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def curves_of(run):
    """What metrics.jsonl says: {tag: [(step, value)]}; the test is judged when all steps are done."""
    curves, done = {}, 0
    for line in lines_of(run):
        prefix = {"score": "score", "choice": "score", "step": "train", "eval": line.get("split")}[line["kind"]]
        if line["kind"] == "step":
            done = line["step"] + 1
        step = line.get("batch" if prefix == "score" else "step", done)
        for name, value in line.items():
            if name not in PLACES:
                curves.setdefault(f"{prefix}/{name}", []).append((step, float(numpy.float32(value))))
    return curves


def compare(run, what):
    read = EventAccumulator(str(run), size_guidance={"scalars": 0, "histograms": 0})
    read.Reload()
    tags = read.Tags()
    found = {tag: [(event.step, event.value) for event in read.Scalars(tag)] for tag in tags["scalars"]}
    expected = curves_of(run)
    check(set(found) == set(expected), f"{what}: tags {sorted(found)}, not {sorted(expected)}")
    for tag, points in expected.items():
        check(sorted(found.get(tag, [])) == sorted(points), f"{what}: {tag} {found.get(tag)}, not {points}")
    check(any(tag.startswith("selection/blocks.") for tag in tags["histograms"]), f"{what}: {tags['histograms']}")
    for tag in tags["histograms"]:
        histograms = read.Histograms(tag)
        check(len(histograms) == 1, f"{what}: {tag} stands {len(histograms)} times")
        value = histograms[0].histogram_value
        check(sum(value.bucket) == value.num > 0, f"{what}: {tag}: {value}")
    print(f"{what}: {len(found)} curves, {len(found['train/loss'])} steps, {len(tags['histograms'])} histograms")


def main():
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        images(folder / "data")
        whole, broken = folder / "whole", folder / "broken"
        subprocess.run(words(folder, whole), check=True, capture_output=True)
        compare(whole, "a run in one piece")
        killed = 0
        for attempt in range(3):
            process = subprocess.Popen(words(folder, broken, ["--resume"] if attempt else []),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wanted = 5 + 6 * attempt
            while process.poll() is None:
                if (broken / "metrics.jsonl").exists() and f'"step":{wanted},' in (broken / "metrics.jsonl").read_text():
                    process.send_signal(signal.SIGKILL)
                    killed += 1
                    break
                time.sleep(0.005)
            process.wait()
        subprocess.run(words(folder, broken, ["--resume"]), check=True, capture_output=True)
        check(killed >= 2, f"only killed {killed} times")
        compare(broken, f"a run that was killed {killed} times and resumed")
        kinds = {"train/loss", "train/lr", "train/penalty", "val/top1", "val/loss", "test/top1"}
        ours = {tag: points for tag, points in curves_of(broken).items() if tag in kinds}
        check(ours == {tag: points for tag, points in curves_of(whole).items() if tag in kinds}, "other values")
    if failures:
        sys.exit(f"{len(failures)} failures, the first: {failures[0]}")


main()
