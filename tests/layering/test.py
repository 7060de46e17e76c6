#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that .ci/layering.py accepts a small tree without faults and reports each planted fault."""
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SOUND = {
    "host/base/low.h": "",
    "host/base/low.c": '#include "host/base/low.h"\n',
    "host/data/high.h": '#include "host/base/low.h"\n',
    "host/data/high.c": '#include "host/data/high.h"\n',
    "host/data/other.h": "",
    "host/data/other.c": '#include "host/data/high.h"\n#include "host/data/other.h"\n',
}
# name: (file, its text, what the report says)
FAULTS = {
    "a lower room includes a higher one": (
        "host/base/low.c", '#include "host/data/high.h"\n', "host/base must not depend on host/data"),
    "two units include each other": (
        "host/data/high.c", '#include "host/data/other.h"\n',
        "a circle of host/data/high, host/data/other"),
    "an include does not start at the root": (
        "host/data/high.c", '#include "high.h"\n', "name it from the root"),
}
# A call through a declaration of its own, which no include shows.
HIDDEN = {
    "host/base/low.c": "void high(void);\nvoid low(void);\nvoid low(void) { high(); }\n",
    "host/data/high.c": "void high(void);\nvoid high(void) {}\n",
}


def layering(files, *options):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if options and name.endswith(".c"):
                objects = pathlib.Path(root, "build/CMakeFiles/all.dir", name + ".o")
                objects.parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cc", "-c", path, "-o", objects, "-I", root], check=True)
        done = subprocess.run(
            [sys.executable, SOURCE / ".ci/layering.py", "--root", root,
             *(option.format(root=root) for option in options)],
            capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


def main():
    wrong = []
    objects = ("--objects", "{root}/build")
    for options in ((), objects):
        files = {**SOUND, **HIDDEN, "host/base/low.c": "void low(void);\nvoid low(void) {}\n"}
        status, text = layering(files, *options)
        if status:
            wrong.append(f"a tree without faults {options}: status {status}\n{text}")
    cases = [(name, {**SOUND, file: text}, (), says) for name, (file, text, says) in FAULTS.items()]
    cases.append(("a symbol of a higher room", {**SOUND, **HIDDEN}, objects,
                  "host/base/low.c uses high of host/data/high.c"))
    for name, files, options, says in cases:
        status, text = layering(files, *options)
        if status != 1 or says not in text:
            wrong.append(f"{name}: status {status}, without {says!r} in\n{text}")
    print("\n".join(wrong) or f"{len(cases)} faults found, none where there is none")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
