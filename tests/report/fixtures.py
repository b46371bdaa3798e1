"""Folders for the program to make reports of: runs of a small random model on a few images, and comparisons."""
import json
import math
import shutil
import subprocess

# Names that would run a script if a page took them for HTML. Those of files cannot hold a slash.
HOSTILE = "</script><img src=x onerror=alert(1)>"
HOSTILE_FILE = "<img src=x onerror=alert(1)>"


def make_reports(espalier, root):
  """Makes every folder below `root` and returns their reports by name."""

  def run(*words):
    done = subprocess.run([espalier, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
      raise RuntimeError(f"espalier {words[0]} ended with {done.returncode}: {done.stderr}")

  def tune(method, *more):
    run("tune", "--arch", "vit_tiny_patch16_224", "--image-size", "32", "--data", root / "data", "--method", method,
        "--batch-size", "6", "--epochs", "3", "--lr", "1e-3", "--out", root / method, *more)

  write_images(root / "data", ["daisy", "rose", HOSTILE_FILE])
  tune("grft")
  tune("sift", "--rate", "0.001", "--score-batches", "auto")
  tune("linear")
  make_hostile_run(root / "grft", root / "hostile-run")
  make_run_of_many_classes(root / "linear", root / "many-classes", 102)
  make_unfinished_run(root / "grft", root / "unfinished")
  methods = ["linear", "bitfit", "full", "lora", "grft rows", "grft columns", "gps", "sift"]
  write_comparison(root / "comparison", comparison(methods, ["flowers5", "dtd10", "signs", "cifar10"]))
  write_comparison(root / "hostile-comparison",
                   comparison([HOSTILE, "__proto__", "linear"], [HOSTILE, "constructor"]))
  write_comparison(root / "begun-comparison", comparison([], ["flowers5"]))
  names = ["grft", "sift", "linear", "hostile-run", "many-classes", "unfinished", "comparison",
           "hostile-comparison", "begun-comparison"]
  run("report", *(root / name for name in names))
  return {name: root / name / "report.html" for name in names}


def write_images(folder, classes):
  """PPM images, six of each class in train and three in val and test, in colours that tell little."""
  for split, count in (("train", 6), ("val", 3), ("test", 3)):
    for which, name in enumerate(classes):
      (folder / split / name).mkdir(parents=True, exist_ok=True)
      for n in range(count):
        (folder / split / name / f"{HOSTILE_FILE}-{n}.ppm").write_bytes(image(which, 7 * n + count))


def image(which, number):
  side = 40
  values = ((i * (which + 3) + number * 31 + (90 if i % 3 == which else 0)) % 256 for i in range(3 * side * side))
  return f"P6 {side} {side} 255\n".encode() + bytes(values)


def change(file, edit):
  """Changes the JSON in a file."""
  value = json.loads(file.read_text())
  edit(value)
  file.write_text(json.dumps(value))


def make_hostile_run(source, to):
  shutil.copytree(source, to)

  def config(value):
    value["classes"] = [HOSTILE + name for name in value["classes"]]
    value |= {name: HOSTILE for name in ("arch_found", "model", "method", "version", HOSTILE)}
    value["method_options"][HOSTILE] = HOSTILE

  def judged(value):
    value["split"] = HOSTILE
    value["mistakes"] = [m | {"class": HOSTILE, "predicted": HOSTILE, "file": HOSTILE} for m in value["mistakes"]]

  change(to / "config.json", config)
  change(to / "judged.json", judged)
  change(to / "result.json", lambda value: value["phases"].update({HOSTILE: 1}))


def make_run_of_many_classes(source, to, n):
  shutil.copytree(source, to)

  def count(true, predicted):
    if true == predicted:
      return 20
    return 3 if (true * 7 + predicted * 13) % 29 == 0 else 0

  def result(value):
    value.pop("val", None)
    value["test"]["confusion"] = [[count(true, predicted) for predicted in range(n)] for true in range(n)]

  change(to / "config.json", lambda value: value.update(classes=[f"class {i}" for i in range(n)]))
  change(to / "result.json", result)


def make_unfinished_run(source, to):
  to.mkdir()
  for file in ("config.json", "metrics.jsonl", "selection.safetensors"):
    shutil.copy(source / file, to / file)
  change(to / "config.json", lambda value: value["method_options"].update({"score-sketch": "8"}))


def write_comparison(folder, value):
  folder.mkdir(parents=True)
  (folder / "compare.json").write_text(json.dumps(value))


def comparison(methods, tasks):
  """A comparison with made-up figures; without methods, one that has just begun."""
  lrs = [1e-4, 1e-3, 1e-2]
  trainable = [965, 22181, 5525381, 148421, 57797, 58120, 42821, 55540]

  def accuracy(m, t):
    return 62 + 17 * math.sin(m + 1) ** 2 - 4 * t + (m * 3 + t * 5) % 4

  def mean(m):
    return sum(accuracy(m, t) for t in range(len(tasks))) / len(tasks)

  def search(m, t, i):
    return {"task": tasks[t], "method": methods[m], "lr": lrs[i], "seed": 0, "stage": "search",
            "val_top1": accuracy(m, t) - 6 * abs(i - m % 3), "val_loss": 1}

  def row(m):
    return {
        "method": methods[m], "lr": {task: lrs[m % 3] for task in tasks},
        "accuracy": {task: {"mean": accuracy(m, t), "sd": 0.3 + 0.2 * ((m + t) % 4), "seeds": 3}
                     for t, task in enumerate(tasks)},
        "mean": mean(m), "rank": 1 + sum(mean(other) > mean(m) for other in range(len(methods))),
        "trainable": trainable[m % 8], "percent": 100 * trainable[m % 8] / 5525381,
        "delta_bytes": 4000 * (m + 1) ** 3, "seconds_per_epoch": 8 + 3 * m, "peak_mb": 300 + 70 * m,
        "score_seconds": 4.5 * m if m > 3 else 0,
    }

  def pair(m):
    return {"a": methods[m], "b": methods[0], "tasks": len(tasks), "mean_difference": mean(m) - mean(0),
            "wins": 3, "losses": 1, "ties": 0, "p": 0.125 * m}

  return {
      "format": "espalier-compare", "version": 1, "espalier": "0.1.0",
      "settings": {"model": "vit_tiny", "arch": "vit_tiny_patch16_224", "image_size": 96, "epochs": 5, "batch_size": 32,
                   "augment": "none", "optimizer": "adam", "schedule": "cosine", "seeds": [0, 1, 2], "lrs": lrs,
                   "threads": 2},
      "methods": [{"label": label, "method": label, "options": {}, "lrs": lrs} for label in methods],
      "tasks": [{"name": task, "data": task, "classes": 10, "train": 800, "val": 200, "test": 1500} for task in tasks],
      "runs": [search(m, t, i) for m in range(len(methods)) for t in range(len(tasks)) for i in range(len(lrs))],
      "table": [row(m) for m in range(len(methods))],
      "pairs": [pair(m) for m in range(1, len(methods))],
  }
