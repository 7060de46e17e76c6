#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the documentation names files that exist.

usage: links.py [--root DIR]

In every Markdown file: the targets of relative links, their anchors, and the width of prose (100
columns; tables, code and links are exempt). In every source and Markdown file: paths from the root
such as host/data/csv.c. Files that git ignores are not read; without git, build/ is not.
"""
import argparse
import pathlib
import re
import subprocess
import sys

WIDTH = 100
FOLDERS = r"(?:host|core_cpu|kernels|tests|bench|docs|datasets|cmake|\.ci)"
ENDINGS = r"(?:c|h|cl|inc|map|py|sh|md|txt|cmake|in|svg|csv)"
# A path from the root; "..." and <...> around a longer name, or a folder before it, rule it out.
PATH = re.compile(rf"(?<![\w./-]){FOLDERS}/[\w./-]*\.{ENDINGS}\b(?![\w/-])")
FOLDER = re.compile(rf"`({FOLDERS}/[\w./-]*/)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SOURCES = {".c", ".h", ".cl", ".inc", ".py", ".sh", ".md", ".txt", ".cmake", ".in", ""}
# Tests of this check and of layering.py name files that do not exist, and so do fuzzing inputs.
EXEMPT = ("tests/layering/", "tests/links/", "tests/fuzz/corpus/", ".ci/links.py")


def tracked(root):
    """Names of the project's files, also in a source archive without git's folder."""
    try:
        command = ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"]
        names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        names = (p.relative_to(root).as_posix() for p in root.rglob("*"))
    return sorted(n for n in set(names) if n and not n.startswith(("build", ".git/")))


def anchors(text):
    """GitHub's anchors of the headings."""
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", text, re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        found.add(plain.replace(" ", "-"))
    return found


def without_code(lines):
    """(number, line) outside fenced code."""
    fenced = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def check_markdown(root, name, text):
    folder = (root / name).parent
    for number, line in without_code(text.splitlines()):
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = folder / path if path else root / name
            if not file.exists():
                yield f"{name}:{number}: the link {target} leads nowhere"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
                yield f"{name}:{number}: {path or name} has no heading for #{anchor}"
        exempt = line.startswith(("|", "#", "!", "    ")) or LINK.search(line)
        if len(line) > WIDTH and not exempt:
            yield f"{name}:{number}: {len(line)} columns, at most {WIDTH}"
        for path in FOLDER.findall(line):
            if not (root / path).is_dir():
                yield f"{name}:{number}: there is no folder {path}"


def main():
    parser = argparse.ArgumentParser(description="paths and links of the documentation")
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parent.parent)
    root = pathlib.Path(parser.parse_args().root)
    wrong, count = [], 0
    for name in tracked(root):
        path = root / name
        if name.startswith(EXEMPT) or path.suffix not in SOURCES or not path.is_file():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        count += 1
        for number, line in enumerate(text.splitlines(), 1):
            for mention in PATH.findall(line):
                if not (root / mention).exists():
                    wrong.append(f"{name}:{number}: there is no file {mention}")
        if path.suffix == ".md":
            wrong += check_markdown(root, name, text)
    for line in wrong:
        print(line)
    print(f"links: {count} files, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
