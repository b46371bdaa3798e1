"""Screenshots of reports in all looks, to look at yourself: shots.py FOLDER report.html...
A long page is taken in pieces of 1500 pixels.
"""
import pathlib
import sys

from browser import LOOKS, launched, opened

PIECE = 1500


def main(folder, *files):
  with launched() as browser:
    for file in map(pathlib.Path, files):
      for scheme, width in LOOKS:
        with opened(browser, file, (scheme, width)) as (page, _):
          height = page.evaluate("document.documentElement.scrollHeight")
          for top in range(0, height, PIECE):
            shot = pathlib.Path(folder) / f"{file.resolve().parent.name}-{scheme}-{width}-{top // PIECE}.png"
            clip = {"x": 0, "y": top, "width": width, "height": min(PIECE, height - top)}
            page.screenshot(path=shot, full_page=True, clip=clip)


if __name__ == "__main__":
  main(*sys.argv[1:])
