#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that .ci/item_loops.py reports the branches that PoCL cannot compile, and no others."""
import pathlib
import subprocess
import sys
import tempfile

CHECK = pathlib.Path(__file__).resolve().parents[2] / ".ci/item_loops.py"
EACH = "#define EACH(i, n) for (int i = get_local_id(0); i < (int)(n); i += GROUP)\n"
DROP = EACH + "static void drop(int n)\n{\n    for (int c = 0; c < n; c++)\n        EACH(i, n) y[i] = 0;\n}\n"
# name: (source, the line that is reported or 0)
CASES = {
    "one loop inside another": (
        EACH + "void f(void)\n{\n    if (m) {\n        for (c = 0; c < n; c++)\n            EACH(i, n) y[i] = 0;\n"
        "    } else\n        EACH(i, n) y[i] = 1;\n}\n", 4),
    "in the other arm": (
        EACH + "void f(void)\n{\n    if (m) EACH(i, n) y[i] = 1;\n    else\n        for (;;) EACH(i, n) y[i] = 0;\n}\n", 4),
    "behind a call": (DROP + "void f(void)\n{\n    if (m) drop(n);\n    else EACH(i, n) y[i] = 1;\n}\n", 9),
    "in a macro": (DROP + "#define F(n) \\\n    if (m) drop(n); \\\n    else EACH(i, n) y[i] = 1;\n", 8),
    "simple loops in both arms": (
        EACH + "void f(void)\n{\n    if (m) EACH(i, n) y[i] = 1;\n    else EACH(i, n) y[i] = 0;\n}\n", 0),
    "loops in one arm": (DROP + "void f(void)\n{\n    if (m) drop(n);\n    else y[0] = 1;\n}\n", 0),
    "one after the other": (
        DROP + "void f(void)\n{\n    EACH(i, m ? 0 : n) y[i] = 1;\n    if (m) drop(n);\n}\n", 0),
}


# A name means something else in another program.
PROGRAMS = {
    "a.cl": "#define STEP(i) (i)\nvoid f(void)\n{\n    if (m) for (;;) STEP(i);\n    else STEP(0);\n}\n",
    "b.cl": EACH + "#define STEP(i) EACH(i, n)\n",
}


def programs_are_apart():
    with tempfile.TemporaryDirectory() as folder:
        for name, source in PROGRAMS.items():
            pathlib.Path(folder, name).write_text(source)
        files = [str(pathlib.Path(folder, name)) for name in PROGRAMS]
        run = subprocess.run([sys.executable, str(CHECK), *files], capture_output=True, text=True)
    if run.returncode or run.stdout:
        print(f"programs: status {run.returncode}\n{run.stdout}{run.stderr}")
    return run.returncode != 0


def main():
    failed = programs_are_apart()
    for name, (source, line) in CASES.items():
        with tempfile.NamedTemporaryFile("w", suffix=".cl") as file:
            file.write(source)
            file.flush()
            run = subprocess.run([sys.executable, str(CHECK), file.name], capture_output=True, text=True)
        expected = f"{file.name}:{line}: both arms" if line else ""
        if run.returncode != bool(line) or run.stderr or run.stdout[:len(expected)] != expected or (
                not line and run.stdout):
            print(f"{name}: status {run.returncode}\n{run.stdout}{run.stderr}")
            failed = 1
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
