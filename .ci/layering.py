#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the parts of the program depend on each other in one direction only.

usage: layering.py [--root DIR] [--objects BUILD]

Reads the quoted includes of every C file and, with --objects, the symbols that the object files of
a build define and use, so that a call through a shared header counts as a dependency, too. Fails
when a file depends on a higher room, or when files (NAME.h and NAME.c are one) form a circle.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

# Lowest first: a room may use itself and the rooms above it in this list.
ROOMS = [
    "kernels", "host/include", "host/base", "host/data", "host/network", "core_cpu", "host/opencl",
    "host/ranks", "host/mpi", "host/device", "host/doctor", "host/model", "host/training", "host/search", "host/auto", "host/cli/base", "host/cli/plot",
    "host/cli/report", "host/cli/run", "host/cli/experiment", "host/cli/cmd", "host/cli", "bench",
]
# Files that are one with another file: NAME_none.c takes the place of NAME.c, and core_cpu/isa.c is
# compiled once per instruction set together with the .inc files.
SUFFIX = re.compile(r"_none$")


def unit(path):
    """The name under which a header and its source are one: the path without its ending."""
    return SUFFIX.sub("", str(pathlib.PurePosixPath(path).with_suffix("")))


def room(path):
    return str(pathlib.PurePosixPath(path).parent)


def sources(root):
    for name in ROOMS:
        for path in sorted((root / name).glob("*")):
            if path.suffix in (".c", ".h", ".inc", ".cl"):
                yield path.relative_to(root).as_posix()


def include_arrows(root, files):
    """(from, to, where) for each quoted include."""
    for file in files:
        for number, line in enumerate((root / file).read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if match:
                yield file, match.group(1), f"{file}:{number} includes {match.group(1)}"


def symbol_arrows(root, build, files):
    """(from, to, where) for each function or table that one file uses and another defines."""
    defined, used, owner = {}, collections.defaultdict(set), {}
    for path in sorted(pathlib.Path(build).rglob("*.c.o")):
        name = re.sub(r"\.o$", "", path.as_posix()).split(".dir/", 1)[-1]
        candidates = [f for f in files if f == name or f.endswith("/" + name)]
        folder = path.as_posix().split("/CMakeFiles/")[0].rsplit("/", 1)[-1]
        candidates = [f for f in candidates if f == name or f == f"{folder}/{name}"
                      or f"/{folder}/" in f"/{f}"]
        if len(candidates) == 1:
            owner[str(path)] = candidates[0]
    if not owner:
        sys.exit(f"layering: no object files of this project below {build}")
    out = subprocess.run(["nm", "-A", "-P", *owner], capture_output=True, text=True, check=True)
    for line in out.stdout.splitlines():
        path, _, rest = line.partition(": ")
        symbol, kind = rest.split()[:2]
        if kind == "U":
            used[owner[path]].add(symbol)
        elif kind.isupper():
            defined[symbol] = owner[path]
    for file, symbols in sorted(used.items()):
        for symbol in sorted(symbols):
            if symbol in defined:
                yield file, defined[symbol], f"{file} uses {symbol} of {defined[symbol]}"


def circles(arrows):
    """Strongly connected components of more than one unit (Tarjan 1972), as sorted lists."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)
        for to in sorted(arrows.get(node, ())):
            if to not in index:
                visit(to)
                low[node] = min(low[node], low[to])
            elif to in on_stack:
                low[node] = min(low[node], index[to])
        if low[node] == index[node]:
            component = []
            while True:
                member = stack.pop()
                on_stack.discard(member)
                component.append(member)
                if member == node:
                    break
            if len(component) > 1:
                found.append(sorted(component))

    sys.setrecursionlimit(10000)
    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return found


def main():
    parser = argparse.ArgumentParser(description="one direction of dependencies", add_help=True)
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--objects", metavar="BUILD")
    options = parser.parse_args()
    root = pathlib.Path(options.root)
    files = list(sources(root))
    known = set(files)
    wrong, arrows, reasons = [], collections.defaultdict(set), {}
    every = list(include_arrows(root, files))
    if options.objects:
        every += list(symbol_arrows(root, options.objects, files))
    for start, end, where in every:
        if end not in known:
            wrong.append(f"{where}, which is in none of the rooms; name it from the root")
            continue
        if ROOMS.index(room(end)) > ROOMS.index(room(start)):
            wrong.append(f"{where}: {room(start)} must not depend on {room(end)}")
        if unit(start) != unit(end):
            arrows[unit(start)].add(unit(end))
            reasons.setdefault((unit(start), unit(end)), where)
    for circle in circles(arrows):
        wrong.append("a circle of " + ", ".join(circle))
        wrong += [f"    {reasons[a, b]}" for a in circle for b in circle if (a, b) in reasons]
    for line in wrong:
        print(line)
    problems = sum(not line.startswith(" ") for line in wrong)
    print(f"layering: {len(files)} files in {len(ROOMS)} rooms, {len(every)} dependencies, "
          f"{problems} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
