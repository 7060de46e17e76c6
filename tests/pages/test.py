#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pages in a headless Chromium, on a phone, a tablet and a desk, light and dark: nothing is
wider than the screen, and every text can be read (contrast of 4.5 at least, WCAG 2.1 AA).

usage: test.py PROGRAM DATASETS [FOLDER: keeps the pages and pictures of them]
Exits with 77 where there is no Chromium or no gnuplot."""
import os
import shutil
import subprocess
import sys
import tempfile

import chromium

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTHS, SCHEMES, LEAST = (360, 768, 1280), ("light", "dark"), 4.5
SLICE, OVERLAP = 4000, 200  # of pictures, in pixels
SMALLEST = 8.9  # height of the smallest text of a plot

LABELS = "a,b,hot,wet\n" + "".join(
    "%d,%d,%s,%s\n" % (i * 7 % 23, i * 5 % 19, i * 7 % 23 > 11, i * 5 % 19 > 7) for i in range(120))

# What each page is made by, and a text that it must have.
PAGES = {
    "iris": ("train iris.csv --split 0.3 --patience 5 --report iris.html", "versicolor"),
    "digits": ("train digits.csv --split 0.3 --epochs 5 --report digits.html", "confused"),
    "numbers": ("train friedman1 --split 0.3 --epochs 20 --report numbers.html", "residual"),
    "labels": ("train labels.csv --target hot,wet --split 0.3 --report labels.html", "hot"),
    "images": ("train digits.csv --shape 1x8x8 --epochs 3 --split 0.3 --report images.html --net",
               "Feature maps"),
    "experiment": ("experiment XD --quick -o experiment", "XOR"),
}
PATHS = {"experiment": "experiment/index.html"}
NET = "conv 8 3x3 same, relu, maxpool 2, dense 10"


def make_pages(program, datasets):
    with open("labels.csv", "w", encoding="utf-8") as file:
        file.write(LABELS)
    for name in ("iris.csv", "digits.csv"):
        shutil.copy(os.path.join(datasets, name), ".")
    for name, (line, word) in PAGES.items():
        words = [program] + line.split() + ["-q", "--device", "cpu"]
        if words[-4] == "--net":
            words.insert(len(words) - 3, NET)
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode:
            sys.exit("lockstep %s: %s" % (line, done.stdout))
        with open(PATHS.get(name, name + ".html"), encoding="utf-8") as file:
            if word not in file.read():
                sys.exit("lockstep %s: the page lacks '%s'" % (line, word))


def look(page, name, width, scheme):
    """The faults of a page at a width."""
    page.open(PATHS.get(name, name + ".html"), width, scheme)
    page.run(SCRIPT + ";0")
    faults = ["reaches beyond the edge: %s" % wide for wide in page.run("tooWide()")]
    small = page.run("smallest()")
    if small < SMALLEST:
        faults.append("text of a plot is %.1f pixels high" % small)
    broken = page.run("[...document.images].filter(i => !i.naturalWidth).length")
    if broken or name == "images" and not page.run("document.images.length"):
        faults.append("%d images cannot be read, or there is none" % broken)
    page.run("hideTexts()")
    for top in range(0, page.height(), SLICE):
        part = page.picture(top, min(SLICE + OVERLAP, page.height() - top))
        faults += ["contrast of " + low
                   for low in page.run('lowContrast("%s", %d, %g)' % (part, top, LEAST))]
    count = page.run("countTexts()")
    if count["seen"] < 100 or count["missed"]:
        faults.append("%(seen)d texts were looked at, %(missed)d were not" % count)
    return faults


def main():
    browser = chromium.find()
    if not browser or not shutil.which("gnuplot"):
        print("skipped: needs chromium and gnuplot")
        sys.exit(77)
    program, datasets = map(os.path.abspath, sys.argv[1:3])
    kept = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else None
    failed = 0
    with tempfile.TemporaryDirectory(prefix="lockstep-pages-") as folder:
        os.chdir(kept or folder)
        make_pages(program, datasets)
        with chromium.Page(browser) as page:
            for name in PAGES:
                for width in WIDTHS:
                    for scheme in SCHEMES:
                        faults = look(page, name, width, scheme)
                        for fault in faults[:10]:
                            print("%s, %d pixels, %s: %s" % (name, width, scheme, fault))
                        failed += bool(faults)
                        if kept:
                            page.open(PATHS.get(name, name + ".html"), width, scheme)
                            page.save("%s-%d-%s.png" % (name, width, scheme), 0, 8000)
        os.chdir("/")
    sys.exit("%d pages have faults" % failed if failed else 0)


with open(os.path.join(HERE, "measure.js"), encoding="utf-8") as source:
    SCRIPT = source.read()
if __name__ == "__main__":
    main()
